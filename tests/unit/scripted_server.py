"""A Cluster that answers as a test scripted it: no network, no threads, no clock of its own."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from genreconcile import gojson
from genreconcile.cluster import Interrupt, status_error
from genreconcile.discovery import Resource
from genreconcile.errors import ClusterError, Unreachable
from genreconcile.objects import GVK

VERBS = frozenset({"get", "list", "watch", "create", "patch", "delete"})
WIDGETS = Resource(GVK("example.com", "v1", "Widget"), "widgets", namespaced=True, verbs=VERBS)
PLANETS = Resource(GVK("example.com", "v1", "Planet"), "planets", namespaced=False, verbs=VERBS)


class Request(NamedTuple):
    method: str
    path: str
    query: dict[str, str]


class LiveWatch:
    """A watch that the test feeds while another thread reads it."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self._chunks: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()

    def send(self, *chunks: bytes | Exception) -> None:
        for chunk in chunks:
            self._chunks.put(chunk)

    def end(self) -> None:
        self._chunks.put(None)

    def __iter__(self) -> Iterator[bytes | Exception]:
        self.opened.set()
        return iter(self._chunks.get, None)


class ScriptedCluster:
    """Answers by path. A list's answer is JSON data or an error; the last one is given again and again.

    A watch's answer is an iterable of chunks, errors, and functions that are called; after the last one ``exhausted``
    is called and the watch ends.
    """

    server = "https://scripted"
    namespace = ""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, deque[Any]] = {}
        self.watches: dict[str, deque[Any]] = {}
        self.exhausted: Callable[[], object] = lambda: None

    def answer(self, path: str, *answers: Any) -> None:
        self.answers.setdefault(path, deque()).extend(answers)

    def watch(self, path: str, *watches: Any) -> None:
        self.watches.setdefault(path, deque()).extend(watches)

    def live(self, path: str) -> LiveWatch:
        watch = LiveWatch()
        self.watch(path, watch)
        return watch

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **_: Any) -> bytes:
        self.requests.append(Request(method, path, dict(query or {})))
        answers = self.answers.get(path)
        if not answers:
            raise status(404)
        answer = answers.popleft() if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else gojson.dumps(answer)

    @contextlib.contextmanager
    def stream(
        self,
        path: str,
        *,
        query: Mapping[str, str],
        read_timeout: float,
        accept: str = "application/json",  # noqa: ARG002 - the protocol's
    ) -> Iterator[Iterator[bytes]]:
        self.requests.append(Request("WATCH", path, {**query, "read_timeout": str(round(read_timeout))}))
        watches = self.watches.get(path)
        watch = watches.popleft() if watches else None
        if watch is None:
            self.exhausted()
            raise Unreachable("exhausted")
        if isinstance(watch, Exception):
            raise watch
        interrupt = Interrupt.current()
        if isinstance(watch, LiveWatch) and interrupt is not None:
            interrupt.register(lambda: watch.send(Unreachable("interrupted")))
        yield _play(watch)

    def close(self) -> None: ...


def _play(watch: Any) -> Iterator[bytes]:
    for step in watch:
        if isinstance(step, Exception):
            raise step
        if callable(step):
            step()
        else:
            yield step


def status(code: int, **details: Any) -> ClusterError:
    reasons = {
        400: "BadRequest",
        403: "Forbidden",
        404: "NotFound",
        410: "Expired",
        422: "Invalid",
        429: "TooManyRequests",
        500: "InternalError",
    }
    return status_error("GET scripted", {"code": code, "reason": reasons[code], "message": "scripted", **details})


def obj(name: str, version: int, *, uid: str = "", namespace: str = "shop", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(version), **more.pop("metadata", {})}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata, **more}


def page(version: int | str, *objects: dict[str, Any], token: str = "") -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version), "continue": token}, "items": list(objects)}


def event(event_type: str, data: dict[str, Any]) -> bytes:
    return gojson.dumps({"type": event_type, "object": data}) + b"\n"


def bookmark(version: int, **annotations: str) -> bytes:
    metadata = {"resourceVersion": str(version), **({"annotations": annotations} if annotations else {})}
    return event("BOOKMARK", {"kind": "Widget", "metadata": metadata})


def error_event(code: int, reason: str = "Expired") -> bytes:
    return event("ERROR", {"kind": "Status", "code": code, "reason": reason, "message": "too old resource version"})
