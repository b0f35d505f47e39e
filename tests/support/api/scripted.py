"""A Cluster in memory whose every answer a test writes down, the kinds that such tests use, and the forms of answers.

Invariant: no network, no threads, no clock; each request is noted before it is answered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from genreconcile.cluster import status_error
from genreconcile.errors import ClusterError
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK
from genreconcile.testing.fake import wire
from genreconcile.testing.fake.cluster import MemoryCluster
from genreconcile.testing.fake.views import event
from support.api.script import LiveWatch, Script

VERBS = frozenset({"get", "list", "watch", "create", "patch", "delete"})
WIDGETS = Resource(GVK("example.com", "v1", "Widget"), "widgets", namespaced=True, verbs=VERBS)
PLANETS = Resource(GVK("example.com", "v1", "Planet"), "planets", namespaced=False, verbs=VERBS)


class Asked(NamedTuple):
    """A request; of a watch the method is WATCH, and the query has its ``read_timeout``."""

    method: str
    path: str
    query: dict[str, str]


class ScriptedCluster(MemoryCluster):
    """What it answers stands in a ``Script``, of which the names here are; ``requests`` are those so far."""

    def __init__(self) -> None:
        self.script = Script()
        super().__init__(self.script, server="https://scripted")
        self.requests: list[Asked] = []
        self.answers = self.script.answers
        self.watches = self.script.watches

    @property
    def exhausted(self) -> Callable[[], object]:
        """Called where no watch is left."""
        return self.script.exhausted

    @exhausted.setter
    def exhausted(self, called: Callable[[], object]) -> None:
        self.script.exhausted = called

    def answer(self, path: str, *answers: Any) -> None:
        """See ``Script.says``."""
        self.script.says(path, *answers)

    def watch(self, path: str, *watches: Any) -> None:
        """See ``Script``."""
        self.script.watch(path, *watches)

    def live(self, path: str) -> LiveWatch:
        """See ``Script``."""
        return self.script.live(path)

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **more: Any) -> bytes:
        """See ``Cluster``."""
        self.requests.append(Asked(method, path, dict(query or {})))
        return super().request(method, path, query=query, **more)

    @contextlib.contextmanager
    def stream(
        self, path: str, *, query: Mapping[str, str], read_timeout: float, accept: str = "application/json"
    ) -> Iterator[Iterator[bytes]]:
        """See ``Cluster``."""
        self.requests.append(Asked("WATCH", path, {**query, "read_timeout": str(round(read_timeout))}))
        with super().stream(path, query=query, read_timeout=read_timeout, accept=accept) as lines:
            yield lines


def status(code: int, **details: Any) -> ClusterError:
    """The error that a refusal with this code is to the engine."""
    return status_error("GET scripted", {**wire.status(code, "scripted"), **details})


def obj(name: str, version: int, *, uid: str = "", namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """A Widget as the server has it."""
    metadata = {"name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(version), **more.pop("metadata", {})}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata, **more}


def page(version: int | str, *objects: dict[str, Any], token: str = "") -> dict[str, Any]:
    """A list, or a page of one that ``token`` continues."""
    return {"metadata": {"resourceVersion": str(version), "continue": token}, "items": list(objects)}


def bookmark(version: int, **annotations: str) -> bytes:
    """A bookmark of Widgets as a line of a watch."""
    metadata = {"resourceVersion": str(version), **({"annotations": annotations} if annotations else {})}
    return event("BOOKMARK", {"kind": "Widget", "metadata": metadata})


def error_event(code: int, reason: str = "Expired") -> bytes:
    """An error as a line of a watch."""
    return event("ERROR", wire.status(code, "too old resource version", reason=reason))
