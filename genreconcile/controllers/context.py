"""What a function may ask while it runs: reads of the cache, each of which is a dependency; and what it tells.

Invariant: an object that is not known is never reported as absent: such a read raises NotReadable. After its run a
context answers nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Protocol

from genreconcile.arguments import refused, require_namespace, require_text
from genreconcile.controllers.reads import Read, checked_fields
from genreconcile.errors import CacheError, InputError, NotReadable
from genreconcile.objects import GVK, Object, namespace_of, require_kind, uid_of
from genreconcile.ownership import EVERYWHERE
from genreconcile.readiness import status
from genreconcile.selector import ParsedSelector, parse

_METADATA: Final = ("/metadata",)
_ANY: Final = "any"


class Reads(Protocol):
    """The reader behind a context. All raise NotReadable where nobody can say what is there."""

    def home(self, kind: GVK, namespace: str) -> str:
        """The namespace in which a parent of ``namespace`` looks for objects of a kind: "" where they have none."""

    def get(self, read: Read, *, metadata_only: bool = False) -> Object | None:
        """The object that a read names, None where it is not there."""

    def list(self, read: Read, *, metadata_only: bool = False) -> list[Object]:
        """The objects that a read selects."""


class Finding(NamedTuple):
    """One read of a run, and what it found: the uid and the resourceVersion of each object, by namespace and name."""

    read: Read
    found: Mapping[tuple[str, str], tuple[str, str]]
    metadata_only: bool = False


class Context:
    """Of one run of a function. ``status`` takes the keys that the parent's status shall have; ``is_plan`` is True
    where nothing is written, so that a function that calls other systems may leave that out. ``depend`` is called
    before each read. ``judge`` is given an expected object, or None, and a live one: it says whether that one is ready,
    and as the expected one says.
    """

    def __init__(
        self,
        parent: Mapping[str, Any],
        reads: Reads,
        *,
        depend: Callable[[Read], object] = lambda _: None,
        judge: Callable[[Object | None, Object], bool] = lambda _, live: status(live).is_current,
        is_plan: bool = False,
    ) -> None:
        self.status: dict[str, Any] = {}
        self.is_plan = is_plan
        self.found: list[Finding] = []
        self.asked: list[Read] = []
        """The reads of the run, with those that nobody could answer."""
        self.has_gaps = False
        """Whether nobody could answer one of them, and the function went on."""
        self._namespace = namespace_of(dict(parent))
        self._reads: Reads | None = reads
        self._depend = depend
        self._judge = judge

    def get(
        self,
        kind: str,
        name: str,
        *,
        namespace: str | None = None,
        metadata_only: bool = False,
        fields: Iterable[str] = (),
    ) -> Object | None:
        """A copy of an object, None where there is none; the parent runs again when that changes.

        ``namespace`` is by default the parent's, or none where the kind has none. ``metadata_only`` reads nothing but
        its metadata. ``fields`` are JSON pointers; then nothing else runs the parent again. Raises NotReadable where it
        is not known what is there, and InputError.
        """
        require_text("name", name)
        if not name:
            raise InputError("name: not usable: it is empty; give the name of an object", code="GR110")
        gvk = require_kind("kind", kind)
        place, pointers = self._place(gvk, namespace, named=True), _pointers(gvk, fields, metadata_only=metadata_only)
        read = Read(gvk, place, name=name, fields=pointers)
        with self._asking(read) as reads:
            found = reads.get(read, metadata_only=metadata_only)
        self._note(read, [] if found is None else [found], metadata_only=metadata_only)
        return found

    def list(
        self,
        kind: str,
        *,
        selector: str | Mapping[str, Any] | ParsedSelector = "",
        namespace: str | None = None,
        metadata_only: bool = False,
        fields: Iterable[str] = (),
    ) -> list[Object]:
        """Copies of the objects that a selector matches, by namespace and name; the parent runs again when one of them
        changes, comes or goes.

        ``namespace`` is by default the parent's, ``"*"`` for all. Raises as ``get``, and LoadError for a selector that
        is none.
        """
        gvk = require_kind("kind", kind)
        pointers = _pointers(gvk, fields, metadata_only=metadata_only)
        read = Read(gvk, self._place(gvk, namespace), selector=parse(selector), fields=pointers)
        with self._asking(read) as reads:
            found = reads.list(read, metadata_only=metadata_only)
        self._note(read, found, metadata_only=metadata_only)
        return found

    def is_ready(self, child: Mapping[str, Any]) -> bool:
        """Whether an object, expected or live, is there and does what it is for, as far as its status says.

        Of an expected object the live one must also be as it says: an old Job that is complete is no new one. Raises as
        ``get``.
        """
        metadata = child.get("metadata") if isinstance(child, Mapping) else None
        if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
            raise InputError("is_ready: not usable: the object has no metadata.name; give one that has", code="GR110")
        found = self.get(str(GVK.of(child)), metadata["name"], namespace=metadata.get("namespace") or None)
        expected = None if metadata.get("uid") else dict(child)
        return found is not None and self._judge(expected, found)

    def close(self) -> None:
        """End the run: what it still asks is refused."""
        self._reads = None

    def _open(self) -> Reads:
        if self._reads is None:
            raise CacheError(
                "the context: not usable any more: its run has ended; read while the function runs", code="GR004"
            )
        return self._reads

    def _place(self, kind: GVK, namespace: str | None, *, named: bool = False) -> str:
        if namespace is None:
            return self._open().home(kind, self._namespace)
        if namespace == EVERYWHERE:
            if named:
                raise refused("namespace", namespace, "is no namespace; name that of the object")
            return ""
        require_namespace("namespace", namespace)
        if not namespace and self._open().home(kind, _ANY):
            every = "" if named else ', or "*" for all'
            raise InputError(
                f"namespace: not usable: it is empty; leave it out for the parent's, or name one{every}", code="GR110"
            )
        return namespace

    @contextmanager
    def _asking(self, read: Read) -> Iterator[Reads]:
        reads = self._open()
        self.asked.append(read)
        self._depend(read)  # First: what changes between the look and the end of the run wakes the parent.
        try:
            yield reads
        except NotReadable:
            self.has_gaps = True
            raise

    def _note(self, read: Read, found: Iterable[Object], *, metadata_only: bool) -> None:
        objects = {
            (namespace_of(obj), obj["metadata"]["name"]): (uid_of(obj), obj["metadata"].get("resourceVersion", ""))
            for obj in found
        }
        self.found.append(Finding(read, objects, metadata_only))


def _pointers(kind: GVK, fields: Iterable[str], *, metadata_only: bool) -> tuple[str, ...]:
    """What alone wakes: of an object whose metadata were read, these. Raises InputError."""
    given = tuple(fields)
    return checked_fields(kind, given or (_METADATA if metadata_only else ()))
