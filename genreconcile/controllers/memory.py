"""What is remembered of a parent between two runs: what was read and stated, and whether that is the same each time.

Invariant: of a parent that is gone nothing is kept; what a function stated is kept as its JSON, so that nobody changes
it, and the path can be told at which the next set differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from genreconcile.controllers.context import Finding
from genreconcile.controllers.outcome import Stated
from genreconcile.controllers.reads import Read
from genreconcile.gojson import dumps_sorted, loads
from genreconcile.objects import ObjectKey
from genreconcile.pointer import join_pointer

TELLS_AT: Final = 2
"""The run that differs without a reason from which on the path is told."""
Names = frozenset[tuple[str, str]]
"""The namespaces and names of objects."""
Versions = Mapping[ObjectKey, tuple[str, str]]
"""The uid and the resourceVersion of objects."""
_OWN: Final = ("", "")
STALLS_AT: Final = 3
"""The run that differs without a reason from which on the parent backs off."""


@dataclass(slots=True)
class Memory:
    """Of one parent."""

    uid: str = ""
    has_run: bool = False
    has_equal_reads: bool = False
    has_equal_set: bool = False
    differing: int = 0
    path: str = ""
    _found: bytes = b""
    _names: Mapping[Read, Names] = field(default_factory=dict)
    _stated: bytes = b"[]"
    _was_whole: bool = True
    _left: Versions = field(default_factory=dict)

    def note(self, seen: Sequence[Finding], stated: Stated, *, left: Versions, is_same_parent: bool) -> None:
        """Take a run that stated its set, or a part of it. ``differing`` counts those in a row that differ without a
        reason.

        ``has_equal_set`` tells whether the same set was stated as in the run before.

        ``is_same_parent``: the parent is as the last run left it. ``left`` are the children as this run has left them:
        one that the next run finds so has not changed.
        """
        found, objects = self._digest(seen), dumps_sorted(stated.children)
        self.has_equal_reads = self.has_run and is_same_parent and found == self._found
        self.has_equal_set = self.has_run and self._was_whole is stated.is_whole and objects == self._stated
        is_other = self.has_equal_reads and self._was_whole is stated.is_whole and objects != self._stated
        path = _difference(loads(self._stated), loads(objects)) if is_other else ""
        self.differing, self.path = (self.differing + 1, path) if path else (0, "")
        self._found, self._stated, self.has_run, self._was_whole = found, objects, True, stated.is_whole
        self._left = left
        if stated.is_whole:  # Nothing is deleted after another one, and what that did not find is confirmed later.
            self._names = {one.read: frozenset(one.found) for one in seen}

    def shrunk(self, seen: Sequence[Finding]) -> list[Finding]:
        """The reads that found less than in the last run; without one, those that found nothing or are lists."""
        return [one for one in seen if not self._is_as_large(one)]

    def _digest(self, seen: Sequence[Finding]) -> bytes:
        reads = [[str(one.read), sorted(self._told(one))] for one in seen]
        return hashlib.sha256(dumps_sorted(reads)).digest()

    def _told(self, one: Finding) -> Iterator[list[str]]:
        """The objects of a read, each with its version; of a child that is as the last run left it, none."""
        for (namespace, name), version in one.found.items():
            key = ObjectKey(one.read.kind.group, one.read.kind.kind, namespace, name)
            yield [namespace, name, *(_OWN if self._left.get(key) == version else version)]

    def _is_as_large(self, one: Finding) -> bool:
        before = self._names.get(one.read)
        if before is None:
            return bool(one.found) and bool(one.read.name)
        return before <= one.found.keys()


def _difference(one: Any, other: Any, path: tuple[str | int, ...] = ()) -> str:
    """The pointer of the first place at which two values differ, "" for none."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in {**one, **other}:
            if key not in one or key not in other:
                return join_pointer((*path, key))
            if found := _difference(one[key], other[key], (*path, key)):
                return found
        return ""
    if isinstance(one, list) and isinstance(other, list):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            if found := _difference(left, right, (*path, index)):
                return found
        return join_pointer((*path, min(len(one), len(other)))) if len(one) != len(other) else ""
    return "" if one == other and type(one) is type(other) else join_pointer(path) or "/"
