"""Finds names by namespace, label and owner.

Invariant: an entry exists exactly for what the records that were added, and not removed, say. Not thread-safe: the
Store's lock guards it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from collections.abc import Set as AbstractSet

from genreconcile.cache.transform import Name, Record
from genreconcile.selector import Selector


class Index:
    """Names of records by namespace, by (label, value) and by owner's uid."""

    def __init__(self) -> None:
        self._names: dict[Hashable, set[Name]] = {}

    def add(self, record: Record) -> None:
        """Enter a record that is not in."""
        name = (record.namespace, record.name)
        for entry in _entries(record):
            self._names.setdefault(entry, set()).add(name)

    def remove(self, record: Record) -> None:
        """Take out a record that is in."""
        name = (record.namespace, record.name)
        for entry in _entries(record):
            names = self._names[entry]
            names.discard(name)
            if not names:
                del self._names[entry]

    def candidates(self, namespace: str | None, selector: Selector, owner: str) -> AbstractSet[Name] | None:
        """The smallest known set of names that holds all matches; None for all. ``owner`` "" is any."""
        nothing: set[Name] = set()
        sets = [self._names.get(entry, nothing) for entry in _wanted(namespace, selector, owner)]
        return min(sets, key=len, default=None)


def _entries(record: Record) -> Iterator[Hashable]:
    yield record.namespace
    yield from record.labels.items()
    for uid in set(record.owners):  # An owner may be named twice.
        yield "owner", uid, None


def _wanted(namespace: str | None, selector: Selector, owner: str) -> Iterator[Hashable]:
    if namespace is not None:
        yield namespace
    if owner:
        yield "owner", owner, None
    for requirement in selector.requirements:
        if requirement.operator == "In" and len(requirement.values) == 1:
            yield requirement.key, requirement.values[0]
