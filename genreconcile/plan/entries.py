"""The entries of a draft, one for each expected object: known to be in sync, or still to be compared.

Invariant: data only. Neither is part of a cycle, and there are many: the garbage collector need not look at them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from genreconcile.cache import Record, Store
from genreconcile.cache.related import Consulted
from genreconcile.cache.transform import Name
from genreconcile.errors import ReconcileError
from genreconcile.kinds.discovery import Resource
from genreconcile.manifests.check import plain
from genreconcile.objects import Object, ObjectKey
from genreconcile.plan import Change

_NOT_LOCATED: Final = ReconcileError("not located")
_NO_KEY: Final = ObjectKey("", "", "", "")


class InSync(msgspec.Struct, frozen=True, gc=False):
    """One object that was in sync; ``labels`` are those of expected, ``brings`` the kinds that it defines."""

    key: ObjectKey
    name: Name
    change: Change
    resource: Resource
    store: Store
    record: Record
    consulted: Consulted
    labels: Mapping[str, str]
    brings: tuple[Resource, ...]


class Fresh(msgspec.Struct, gc=False):
    """An object to be judged. ``content`` is the digest of what it was made from, b"" where that made several.

    ``obj`` is the caller's own until ``copy`` is called: what is in sync is only looked at. ``resource``, how it is
    served or why it cannot be judged, and ``key`` are right once it is located.
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
