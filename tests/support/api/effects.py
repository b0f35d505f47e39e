"""What a fault does to a request or to its answer; ``streams`` has what it does to the lines of a watch.

Invariant: an effect works alike over every backend, since it stands before it. Each part can only
answer, raise Dropped, or hand on what it was given, perhaps changed.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from genreconcile.testing.fake.wire import Answer, Dropped, Request, encode, json_answer, status


class Effect:
    """Does nothing; the base of all."""

    def before(self, request: Request) -> Answer | None:
        """Before the backend sees the request; an answer from here is given instead of the backend's."""
        return None

    def after(self, request: Request, answer: Answer) -> Answer:
        """After the backend has carried the request out."""
        return answer

    def lines(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """The lines of a watch, each with its newline."""
        return lines


@dataclass
class Refuse(Effect):
    """Answer with an error; the request is not carried out. ``body`` replaces the ``metav1.Status``."""

    code: int
    reason: str = ""
    message: str = "scripted"
    retry_after: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = None

    def before(self, request: Request) -> Answer:
        answer = json_answer(status(self.code, self.message, reason=self.reason, details=self.details), self.code)
        if self.body is not None:
            answer.body = self.body
        if self.retry_after is not None:
            answer.headers["Retry-After"] = str(self.retry_after)
        return answer


@dataclass
class Drop(Effect):
    """Close the connection; the request is not carried out."""

    reset: bool = False

    def before(self, request: Request) -> Answer | None:
        raise Dropped(reset=self.reset)


@dataclass
class CommitThenDrop(Effect):
    """Carry the request out, and close the connection without an answer."""

    reset: bool = False

    def after(self, request: Request, answer: Answer) -> Answer:
        raise Dropped(reset=self.reset)


class Hold(Effect):
    """Keep the request until ``released`` is set; ``seconds`` at most. ``arrived`` is set when it has come.

    ``commit``: it is carried out first, and only its answer is kept.
    """

    def __init__(self, seconds: float = 60.0, *, commit: bool = False) -> None:
        self.arrived, self.released = threading.Event(), threading.Event()
        self._seconds = seconds
        self._commit = commit

    def before(self, request: Request) -> Answer | None:
        """See Effect."""
        if not self._commit:
            self._wait(request)
        return None

    def after(self, request: Request, answer: Answer) -> Answer:
        """See Effect."""
        if self._commit:
            self._wait(request)
        return answer

    def _wait(self, request: Request) -> None:
        self.arrived.set()
        waited = 0.0
        while not self.released.wait(0.05) and waited < self._seconds:
            waited += 0.05
            if request.is_gone():
                raise Dropped


@dataclass
class Call(Effect):
    """Call a function before the request is carried out, or after that and before its answer is sent."""

    first: Callable[[Request], object] = lambda _: None
    then: Callable[[Request, Answer], object] = lambda *_: None

    def before(self, request: Request) -> Answer | None:
        self.first(request)
        return None

    def after(self, request: Request, answer: Answer) -> Answer:
        self.then(request, answer)
        return answer


@dataclass
class Truncate(Effect):
    """Announce the whole body and send ``share`` of it; ``packed`` by gzip, whether or not that was asked for."""

    share: float = 0.5
    packed: bool = False

    def after(self, request: Request, answer: Answer) -> Answer:
        if not isinstance(answer.body, bytes):
            return answer
        body = gzip.compress(answer.body) if self.packed else answer.body
        headers = {**answer.headers, "Content-Encoding": "gzip"} if self.packed else answer.headers
        return self.cut(Answer(answer.status, body, headers), body, int(len(body) * self.share))

    def cut(self, answer: Answer, body: bytes, length: int) -> Answer:
        return Answer(answer.status, body, answer.headers, length)


@dataclass
class Shorten(Truncate):
    """As ``Truncate``, but the length that is announced is that of what is sent: only the syntax tells."""

    def cut(self, answer: Answer, body: bytes, length: int) -> Answer:
        return Answer(answer.status, body[:length], answer.headers)


@dataclass
class Mutate(Effect):
    """Change the JSON that the client sends, as a mutating webhook would change what is stored."""

    change: Callable[[Any], Any]

    def before(self, request: Request) -> Answer | None:
        request.body = encode(self.change(json.loads(request.body)))
        return None


@dataclass
class Rewrite(Effect):
    """Change the JSON of an answer."""

    change: Callable[[Any], Any]

    def after(self, request: Request, answer: Answer) -> Answer:
        data = answer.json()
        return answer if data is None else Answer(answer.status, encode(self.change(data)), answer.headers)


@dataclass
class Stale(Effect):
    """A list as it was at an older revision, as from a server that lags behind."""

    revision: int

    def before(self, request: Request) -> Answer | None:
        if request.verb == "list" and "continue" not in request.query:
            request.query |= {"resourceVersion": str(self.revision), "resourceVersionMatch": "Exact"}
        return None
