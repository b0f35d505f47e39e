"""What a function may ask while it runs: reads of the cache, each of which is a dependency; and what it tells.

Invariant: an object that is not known is never reported as absent: such a read raises NotReadable. After its run a
context answers nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from genreconcile.arguments import require_namespace, require_text
from genreconcile.controllers.reads import Read, checked_fields
from genreconcile.controllers.settings import EVERYWHERE
from genreconcile.errors import CacheError, InputError
from genreconcile.objects import GVK, Object, namespace_of, uid_of
from genreconcile.readiness import status
from genreconcile.selector import ParsedSelector, parse

_METADATA: Final = ("/metadata",)


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
    before each read, and ``judge`` says whether an object is ready.
    """

    def __init__(
        self,
        parent: Mapping[str, Any],
        reads: Reads,
        *,
        depend: Callable[[Read], object] = lambda _: None,
        judge: Callable[[Object], bool] = lambda live: status(live).is_current,
        is_plan: bool = False,
    ) -> None:
        self.status: dict[str, Any] = {}
        self.is_plan = is_plan
        self.found: list[Finding] = []
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
            raise InputError("name: not usable: it is empty; give the name of an object")
        gvk = _gvk(kind)
        read = Read(
            gvk, self._place(gvk, namespace), name=name, fields=_pointers(gvk, fields, metadata_only=metadata_only)
        )
        self._depend(read)  # First: what changes between the look and the end of the run wakes the parent.
        found = self._open().get(read, metadata_only=metadata_only)
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
        gvk = _gvk(kind)
        pointers = _pointers(gvk, fields, metadata_only=metadata_only)
        read = Read(gvk, self._place(gvk, namespace), selector=parse(selector), fields=pointers)
        self._depend(read)
        found = self._open().list(read, metadata_only=metadata_only)
        self._note(read, found, metadata_only=metadata_only)
        return found

    def is_ready(self, child: Mapping[str, Any]) -> bool:
        """Whether an object, expected or live, is there and does what it is for, as far as its status says.

        Raises as ``get``.
        """
        gvk = GVK.of(child)
        metadata = child["metadata"]
        found = self.get(str(gvk), metadata["name"], namespace=metadata.get("namespace"))
        return found is not None and self._judge(found)

    def close(self) -> None:
        """End the run: what it still asks is refused."""
        self._reads = None

    def _open(self) -> Reads:
        if self._reads is None:
            raise CacheError("the context: not usable any more: its run has ended; read while the function runs")
        return self._reads

    def _place(self, kind: GVK, namespace: str | None) -> str:
        if namespace is None:
            return self._open().home(kind, self._namespace)
        if namespace == EVERYWHERE:
            return ""
        require_namespace("namespace", namespace)
        return namespace

    def _note(self, read: Read, found: Iterable[Object], *, metadata_only: bool) -> None:
        objects = {
            (namespace_of(obj), obj["metadata"]["name"]): (uid_of(obj), obj["metadata"].get("resourceVersion", ""))
            for obj in found
        }
        self.found.append(Finding(read, objects, metadata_only))


def _gvk(kind: Any) -> GVK:
    try:
        return kind if isinstance(kind, GVK) else GVK.parse(kind)
    except (ValueError, TypeError, AttributeError):
        raise InputError(
            f"kind: not usable: {kind!r:.100} is no kind: write version/Kind or group/version/Kind"
        ) from None


def _pointers(kind: GVK, fields: Iterable[str], *, metadata_only: bool) -> tuple[str, ...]:
    """What alone wakes: of an object whose metadata were read, these. Raises InputError."""
    given = tuple(fields)
    return checked_fields(kind, given or (_METADATA if metadata_only else ()))
