"""How objects are shown: in the version that was asked for, in whole or their metadata alone, as items and as events.

Invariant: what is stored is never changed by being shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.store import Object
from genreconcile.testing.fake.wire import Request, encode

_PARTIAL = "PartialObjectMetadata"

View = Callable[[Object], Mapping[str, Any]]


def view_of(request: Request, kind: Kind, shown: Callable[[Kind, Object], Mapping[str, Any]]) -> View:
    """The form in which a request wants the objects of a kind; ``shown`` gives one in the kind's version."""
    if _is_partial(request):
        head = {"kind": _PARTIAL, "apiVersion": "meta.k8s.io/v1"}
        return lambda obj: {**head, "metadata": obj["metadata"]}
    return lambda obj: shown(kind, obj)


def list_head(request: Request, kind: Kind) -> dict[str, str]:
    """The kind and apiVersion of a list."""
    if _is_partial(request):
        return {"kind": f"{_PARTIAL}List", "apiVersion": "meta.k8s.io/v1"}
    return {"kind": f"{kind.kind}List", "apiVersion": kind.api_version}


def item_of(obj: Mapping[str, Any], kind: Kind) -> Mapping[str, Any]:
    """An object in a list: of a built-in kind it has neither kind nor apiVersion."""
    if kind.defines:
        return obj
    return {name: value for name, value in obj.items() if name not in {"apiVersion", "kind"}}


def event(event_type: str, obj: Mapping[str, Any]) -> bytes:
    """A line of a watch."""
    return encode({"type": event_type, "object": obj}) + b"\n"


def bookmark(request: Request, kind: Kind, revision: int, **annotations: str) -> bytes:
    """A line that says up to where the watch has come."""
    head = _head(request, kind)
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    return event("BOOKMARK", {**head, "metadata": metadata | ({"annotations": annotations} if annotations else {})})


def _head(request: Request, kind: Kind) -> dict[str, str]:
    if _is_partial(request):
        return {"kind": _PARTIAL, "apiVersion": "meta.k8s.io/v1"}
    return {"kind": kind.kind, "apiVersion": kind.api_version}


def _is_partial(request: Request) -> bool:
    return f"as={_PARTIAL}" in request.headers.get("accept", "")
