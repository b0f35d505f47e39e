"""The entry of an expected object that is still to be compared.

Invariant: data only. What its place depends on is read once, with the object: of ten thousand, each is out of the
processor's cache by the time when all have been read.
"""

from __future__ import annotations

from typing import Final

from genreconcile.errors import ReconcileError
from genreconcile.kinds.discovery import Resource
from genreconcile.manifests.check import plain
from genreconcile.objects import Object, ObjectKey

_NOT_LOCATED: Final = ReconcileError("not located", code="GR001")
_NO_KEY: Final = ObjectKey("", "", "", "")


class Fresh:
    """A usable object to compare. ``content`` is the digest of its source, b"" where the source holds several objects.

    ``obj`` is the caller's own until ``copy`` is called: an object in sync is only read. ``kind`` (apiVersion and
    kind), ``namespace`` ("" for none), ``name`` and ``has_status`` say what it names and has. ``resource`` (how the
    object is served, or why it cannot be compared) and ``key`` are right once the object is located.
    """

    __slots__ = (
        "content",
        "has_status",
        "is_copy",
        "key",
        "kind",
        "name",
        "namespace",
        "obj",
        "origin",
        "resource",
    )

    def __init__(self, obj: Object, origin: str, content: bytes, *, is_copy: bool = False) -> None:
        metadata = obj["metadata"]
        self.obj: Object = obj
        self.origin = origin
        self.content = content
        self.is_copy = is_copy
        self.kind: tuple[str, str] = (obj["apiVersion"], obj["kind"])
        self.namespace: str = metadata.get("namespace") or ""
        self.name: str = metadata["name"]
        self.has_status = "status" in obj
        self.resource: Resource | ReconcileError = _NOT_LOCATED
        self.key: ObjectKey = _NO_KEY

    def copy(self) -> Object:
        """The object as a copy made of plain JSON data. Raises LoadError where it holds something else."""
        if not self.is_copy:
            self.obj, self.is_copy = plain(self.obj, self.origin), True
        return self.obj

    def __repr__(self) -> str:
        return f"<Fresh {self.origin}>"  # Never the object: it may be secret.
