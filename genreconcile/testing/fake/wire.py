"""Requests and answers, as a face sees them and as a backend answers them.

Invariant: a Request says what the client sent, in Kubernetes' own terms; nothing here knows whether a real API server
or a scripted one will answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
_WRITES = {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}
WRITES = frozenset(_WRITES.values())
"""The verbs that change something."""


class Target(NamedTuple):
    """What a path names: "" for what it does not."""

    group: str = ""
    version: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @classmethod
    def of(cls, path: str) -> Target:
        """Read ``/api/v1/…`` or ``/apis/group/version/…``; all "" for other paths."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[0] == "api" and len(parts) > 2:
            group, version, rest = "", parts[1], parts[2:]
        elif parts[0] == "apis" and len(parts) > 3:
            group, version, rest = parts[1], parts[2], parts[3:]
        else:
            return cls()
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"status", "finalize"}:
            namespace, rest = rest[1], rest[2:]
        return cls(group, version, *_three(rest, namespace))


def _three(rest: list[str], namespace: str) -> tuple[str, str, str, str]:
    padded = [*rest, "", ""]
    return padded[0], namespace, padded[1], padded[2]


def _never() -> bool:
    return False


@dataclass(slots=True)
class Request:
    """One request. ``query`` may be changed by an effect before it is answered.

    ``is_gone`` says whether the client has closed the connection: an answer without end asks it now and then.
    ``is_forgotten``: whether nothing gets through on its connection any more.
    """

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_gone: Callable[[], bool] = _never
    is_forgotten: Callable[[], bool] = _never

    @property
    def target(self) -> Target:
        """What the path names."""
        return Target.of(self.path)

    @property
    def verb(self) -> str:
        """``get list watch create patch update delete``; ``get`` for discovery and documents too."""
        if self.method in _WRITES:
            return _WRITES[self.method]
        if self.query.get("watch") in {"true", "1"}:
            return "watch"
        target = self.target
        return "list" if target.resource and not target.name else "get"

    @property
    def is_dry_run(self) -> bool:
        """Whether the server is asked not to keep what it does."""
        return self.query.get("dryRun") == "All" or b'"dryRun"' in self.body

    def json(self) -> Any:
        """The body as JSON data. Raises Refusal (400)."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Refusal(400, f"the body is no JSON: {error}") from None


@dataclass(slots=True)
class Answer:
    """One answer; ``body`` is bytes, or for a watch an iterator of whole lines.

    ``cut`` ends the connection after so many bytes of the body, though its length was announced in full.
    """

    status: int
    body: bytes | Iterator[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None

    def json(self) -> Any:
        """The body as JSON data, None where it is none."""
        try:
            return json.loads(self.body) if isinstance(self.body, bytes) else None
        except ValueError:
            return None


class Refusal(Exception):
    """The API server says no; ``status`` is the ``metav1.Status`` that it answers with.

    The ``reason`` is the usual one of the ``code`` unless given; "" for none.
    """

    def __init__(
        self, code: int, message: str, *, reason: str | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status(code, message, reason=reason, details=details)

    def saying(self, message: str, metadata: Mapping[str, Any]) -> Refusal:
        """The same with another message, and ``metadata`` as those of a list."""
        self.status = {**self.status, "message": message, "metadata": dict(metadata)}
        return self

    def answer(self) -> Answer:
        """As an HTTP answer."""
        return json_answer(self.status, self.code)


class NoSuchPath(Refusal):
    """No API answers at a path: a text, and no Status."""

    def __init__(self) -> None:
        super().__init__(404, "404 page not found")

    def answer(self) -> Answer:
        """As an HTTP answer."""
        return Answer(404, b"404 page not found\n", {"Content-Type": "text/plain; charset=utf-8"})


class Unsupported(Refusal):
    """What a real API server does, and this one does not."""

    def __init__(self, what: str) -> None:
        super().__init__(501, f"FakeCluster does not support {what}", reason="NotImplemented")


class Dropped(Exception):
    """The connection ends without (the rest of) an answer; ``reset`` by RST instead of FIN."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("dropped")
        self.reset = reset


class Backend(Protocol):
    """What answers behind a face."""

    def answer(self, request: Request) -> Answer:
        """Carry the request out. A refusal is an answer; raises Dropped where there is none."""

    def close(self) -> None:
        """End all answers that have no end."""


def status(
    code: int, message: str, *, reason: str | None = None, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A ``metav1.Status`` of a failure."""
    found: dict[str, Any] = {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure"}
    reason = _REASONS.get(code, "") if reason is None else reason
    found |= {"code": code, "message": message} | ({"reason": reason} if reason else {})
    return {**found, "details": dict(details)} if details else found


def json_answer(data: Any, code: int = 200) -> Answer:
    """An answer with a JSON body."""
    return Answer(code, encode(data), {"Content-Type": "application/json"})


def encode(data: Any) -> bytes:
    """JSON bytes as the API server writes them: compact, UTF-8."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
