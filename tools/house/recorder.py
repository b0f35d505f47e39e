"""A Cluster that writes down what is sent through it, without what differs from run to run.

Invariant: nothing is changed on its way. Writes stand in the order in which they were sent, call by call; reads and
watches, which caches send from threads of their own, are a set apart: how often one is repeated is a matter of time.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlencode

import genreconcile as gr

_UID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_REVISIONS = frozenset({"resourceVersion", "generation", "observedGeneration"})
_ALLOTTED = frozenset({"nodePort", "healthCheckNodePort", "clusterIP", "clusterIPs", "caBundle"})
_TIMED = frozenset({"timeoutSeconds", "continue", "resourceVersion"})
_LONG = 2000
"""A body of more characters is kept once, whoever sends it again."""


class Recorder:
    """``cluster`` with a memory; each write belongs to the call that ``call`` has begun last."""

    def __init__(self, cluster: gr.Cluster, bodies: dict[str, Any]) -> None:
        self.server, self.namespace = cluster.server, cluster.namespace
        self.calls: list[dict[str, Any]] = []
        self._cluster = cluster
        self._bodies = bodies
        self._reads: set[str] = set()
        self._lock = threading.Lock()

    def call(self, name: str, function: Callable[[], Any]) -> Any:
        """What ``function`` returns, None where it raises a ReconcileError; the outcomes are written down, too."""
        call: dict[str, Any] = {"call": name, "writes": [], "outcomes": []}
        self.calls.append(call)
        try:
            found = function()
        except gr.ReconcileError as error:
            call["outcomes"] = [type(error).__name__]
            return None
        call["outcomes"] = outcomes(found)
        return found

    def request(self, method: str, path: str, **settings: Any) -> bytes:
        """See ``gr.Cluster``."""
        query = dict(settings.get("query") or {})
        with self._lock:
            if method == "GET":
                # Which schemas are asked for, by which hash, is a matter of time while definitions come.
                if not path.startswith("/openapi/"):
                    self._reads.add(_target(method, path, query))
            elif self.calls:
                self.calls[-1]["writes"].append(self._write(method, path, query, settings))
        return self._cluster.request(method, path, **settings)

    def stream(self, path: str, **settings: Any) -> AbstractContextManager[Any]:
        """See ``gr.Cluster``."""
        with self._lock:
            self._reads.add(_target("WATCH", path, dict(settings["query"])))
        return self._cluster.stream(path, **settings)

    def close(self) -> None:
        """See ``gr.Cluster``."""
        self._cluster.close()

    def told(self) -> dict[str, Any]:
        """All that was sent."""
        with self._lock:
            return {"calls": self.calls, "reads": sorted(self._reads)}

    def _write(self, method: str, path: str, query: Mapping[str, str], settings: Mapping[str, Any]) -> list[str]:
        body = plain(settings.get("body") or b"")
        if len(body) > _LONG:
            digest = hashlib.sha256(body.encode()).hexdigest()[:16]
            self._bodies[digest] = json.loads(body)
            body = f"body {digest}"
        return [_target(method, path, query), settings.get("content_type", "application/json"), body]


def outcomes(found: Any) -> list[str]:
    """A line for each object of a Result or a Plan; those that are unchanged are counted."""
    if hasattr(found, "outcomes"):
        told = [f"{outcome.key} {outcome.status}" for outcome in found]
    else:
        told = [f"{change.key} {change.operation}" for change in getattr(found, "changes", ())]
    changed = [line for line in told if not line.endswith(" unchanged")]
    return [*changed, f"{len(told) - len(changed)} unchanged"]


def plain(body: bytes) -> str:
    """JSON in one line, in its own order, without what differs from run to run; "" for no body."""
    if not body:
        return ""
    # A number is kept as it is spelled.
    return json.dumps(_plain(json.loads(body, parse_float=lambda text: f"float {text}")), ensure_ascii=False)


def _plain(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        # The key of a value in a JSON patch is the end of its path.
        last = str(value.get("path", "")).rpartition("/")[2] if "op" in value else ""
        return {name: _plain(inner, last if last and name == "value" else name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, key) for inner in value]
    if (key in _ALLOTTED or key in _REVISIONS) and value not in (None, "", "None", "0"):
        return f"<{key}>"
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    return _TIME.sub("<time>", _UID.sub("<uid>", value))


def _target(method: str, path: str, query: Mapping[str, str]) -> str:
    plain = {name: f"<{name}>" if name in _TIMED and value != "0" else value for name, value in sorted(query.items())}
    return _text(f"{method} {path}") + (f"?{urlencode(plain, safe='<>=,/')}" if plain else "")
