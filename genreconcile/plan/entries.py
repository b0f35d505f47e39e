"""The entries of a draft, one for each expected object: known to be in sync, or still to be compared.

Invariant: data only. No entry is part of a reference cycle, so Python's garbage collector need not track the many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from genreconcile.cache import Record, Store
from genreconcile.cache.related import Consulted
from genreconcile.cache.transform import Name
from genreconcile.errors import ReconcileError
from genreconcile.kinds.discovery import Resource
from genreconcile.manifests.check import plain
from genreconcile.objects import Object, ObjectKey
from genreconcile.plan import Change

_NOT_LOCATED: Final = ReconcileError("not located", code="GR001")
_NO_KEY: Final = ObjectKey("", "", "", "")


class InSync(msgspec.Struct, eq=False, gc=False):
    """An object that was in sync. ``labels`` are those of expected, ``brings`` the kinds that the object defines.

    ``content`` is the digest of expected; ``version`` the one of the store at which the record was last found to be
    the live one. Only ``version`` ever changes.
    """

    key: ObjectKey
    name: Name
    change: Change
    resource: Resource
    store: Store
    record: Record
    consulted: Consulted
    labels: Mapping[str, str]
    brings: tuple[Resource, ...]
    content: bytes
    version: int = -1


class Settled(NamedTuple):
    """A whole call of objects in sync, in their order, and what its plan holds of each."""

    entries: list[InSync]
    order: tuple[ObjectKey, ...]
    unchanged: tuple[Change, ...]


class Fresh(msgspec.Struct, gc=False):
    """An object to compare. ``content`` is the digest of its source, b"" where the source holds several objects.

    ``obj`` is the caller's own until ``copy`` is called: an object in sync is only read. ``resource`` (how the object
    is served, or why it cannot be compared) and ``key`` are right once the object is located.
    """

    obj: Object
    origin: str
    content: bytes
    is_copy: bool = False
    resource: Resource | ReconcileError = _NOT_LOCATED
    key: ObjectKey = _NO_KEY

    def copy(self) -> Object:
        """The object as a copy made of plain JSON data. Raises LoadError where it holds something else."""
        if not self.is_copy:
            self.obj, self.is_copy = plain(self.obj, self.origin), True
        return self.obj

    def __repr__(self) -> str:
        return f"<Fresh {self.origin}>"  # Never the object: it may be secret.
