"""The reads of one kind, found by the objects that they depend on.

Invariant: a read is among the candidates of every change that concerns it. To find them takes a few look-ups for each
label of the object, however many reads there are. Not thread-safe: the lock of Dependencies guards both classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from genreconcile.cache.scope import Scope
from genreconcile.controllers.few import members, put, without
from genreconcile.controllers.reads import Read

K = TypeVar("K", bound=Hashable)

_Entry = tuple[str, ...]
"""(namespace, name) of an object; (namespace, label, value) of a list, or (namespace,) of one that needs no value."""


class Readers(Generic[K]):
    """One read, and the parents whose runs made it."""

    __slots__ = ("_parents", "read")

    def __init__(self, read: Read) -> None:
        self.read = read
        self._parents: K | set[K] | None = None

    @property
    def parents(self) -> Collection[K]:
        """Who made the read; the next change of this object changes it."""
        return members(self._parents)

    def add(self, parent: K) -> None:
        """Add a parent, which may be there."""
        self._parents = put(self._parents, parent)

    def discard(self, parent: K) -> None:
        """Take a parent out."""
        self._parents = without(self._parents, parent)


class ReadIndex(Generic[K]):
    """The Readers of one kind; ``places`` counts them by namespace."""

    def __init__(self) -> None:
        self._entries: dict[_Entry, Readers[K] | set[Readers[K]]] = {}
        self.places: Counter[str] = Counter()

    def within(self, scope: Scope) -> Collection[Readers[K]]:
        """The readers of anything in a part of the kind; looks at all of them."""
        found = {readers for few in self._entries.values() for readers in members(few)}
        return [readers for readers in found if scope.touches(readers.read.namespace, readers.read.name)]

    def add(self, readers: Readers[K]) -> None:
        """Add readers that are not there."""
        read = readers.read
        self.places[read.namespace] += 1
        # Many selectors share a requirement, such as the name of an application: the rarest one finds the fewest.
        for entry in min(_ways(read), key=self._size):
            self._entries[entry] = put(self._entries.get(entry), readers)

    def remove(self, readers: Readers[K]) -> None:
        """Remove readers that are there."""
        read = readers.read
        self.places[read.namespace] -= 1
        if not self.places[read.namespace]:
            del self.places[read.namespace]
        for way in _ways(read):
            for entry in way:
                self._discard(entry, readers)

    def _discard(self, entry: _Entry, readers: Readers[K]) -> None:
        left = without(self._entries.get(entry), readers)
        if left is None:
            self._entries.pop(entry, None)
        else:
            self._entries[entry] = left

    def _size(self, way: Iterable[_Entry]) -> int:
        return sum(1 + len(members(self._entries.get(entry))) for entry in way)

    def candidates(self, namespace: str, name: str, labels: Iterable[tuple[str, str]]) -> Collection[Readers[K]]:
        """The readers that a change of this object may concern; ``labels`` are those of before and after."""
        get = self._entries.get
        wanted: list[_Entry] = [(namespace, name)]
        for place in {"", namespace} & self.places.keys():
            wanted += [(place,), *((place, *label) for label in labels)]
        found = [few for entry in wanted if (few := get(entry)) is not None]
        return {readers for few in found for readers in members(few)} if found else ()


def _ways(read: Read) -> Sequence[Sequence[_Entry]]:
    """The ways in which a read can be entered: each finds all changes that concern it."""
    place = read.namespace
    if read.name:
        return (((place, read.name),),)
    equalities = (requirement for requirement in read.selector.requirements if requirement.operator == "In")
    return [[(place, one.key, value) for value in one.values] for one in equalities] or (((place,),),)
