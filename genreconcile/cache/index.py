"""Finds names by namespace, label and owner.

Invariant: the entries are exactly those of the records that were added, and not removed. Not thread-safe: the Store's
lock guards the index.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from collections.abc import Set as AbstractSet

from genreconcile.cache.transform import Name, Record
from genreconcile.selector import ParsedSelector


class Index:
    """Names of records by namespace, by (label, value) and by owner's uid."""

    def __init__(self) -> None:
        # Many values occur once: a name stands for the set that holds it alone, which takes a quarter of the memory.
        self._names: dict[Hashable, Name | set[Name]] = {}

    def add(self, name: Name, record: Record) -> None:
        """Add a record that the index does not hold."""
        names = self._names
        for entry in _entries(record):
            known = names.setdefault(entry, name)
            if isinstance(known, set):
                known.add(name)
            elif known != name:
                names[entry] = {known, name}

    def remove(self, name: Name, record: Record) -> None:
        """Remove a record that the index holds."""
        names = self._names
        for entry in _entries(record):
            known = names[entry]
            if isinstance(known, set):
                known.discard(name)
                if len(known) == 1:
                    names[entry] = known.pop()
            else:
                del names[entry]

    def candidates(self, namespace: str | None, selector: ParsedSelector, owner: str) -> AbstractSet[Name] | None:
        """The smallest known set of names that holds all matches; None for all names. ``owner`` "" is any."""
        found = [self._names.get(entry) for entry in _wanted(namespace, selector, owner)]
        if not found:
            return None
        sets = [names if isinstance(names, set) else {names} if names is not None else set() for names in found]
        return min(sets, key=len)


def _entries(record: Record) -> Iterator[Hashable]:
    yield record.namespace
    yield from record.labels.items()
    for uid in set(record.owners):  # An owner may be named twice.
        yield "owner", uid, None


def _wanted(namespace: str | None, selector: ParsedSelector, owner: str) -> Iterator[Hashable]:
    if namespace is not None:
        yield namespace
    if owner:
        yield "owner", owner, None
    for requirement in selector.requirements:
        if requirement.operator == "In" and len(requirement.values) == 1:
            yield requirement.key, requirement.values[0]
