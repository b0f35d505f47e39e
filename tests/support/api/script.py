"""Answers that a test has written down, one after the other for each path, laid over another backend or over nothing.

Invariant: the script alone decides: the last answer of a path is given again and again, a watch only once.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from genreconcile import gojson
from genreconcile.cluster import Interrupt
from genreconcile.errors import Unreachable
from genreconcile.testing.fake.wire import Answer, Backend, Refusal, Request


class LiveWatch:
    """A watch that the test feeds while another thread reads it."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self._steps: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()

    def send(self, *steps: bytes | Exception) -> None:
        """Let these come: lines, or an error that is raised."""
        for step in steps:
            self._steps.put(step)

    def end(self) -> None:
        """End it as the server would."""
        self._steps.put(None)

    def __iter__(self) -> Iterator[bytes | Exception]:
        self.opened.set()
        return iter(self._steps.get, None)


class Script:
    """A backend. An answer is JSON data, bytes, an ``Answer``, an error that is raised, or a function that gives one.

    A watch is an iterable of lines, errors, and functions that are called. Where no watch is left, ``exhausted`` is
    called and the server is unreachable. A path of which nothing is written is answered by ``over``, without it by 404.
    """

    def __init__(self, over: Backend | None = None) -> None:
        self.answers: dict[str, deque[Any]] = {}
        self.watches: dict[str, deque[Any]] = {}
        self.exhausted: Callable[[], object] = lambda: None
        self._over = over

    def says(self, path: str, *answers: Any) -> None:
        """Write down answers to any request for a path but watches."""
        self.answers.setdefault(path, deque()).extend(answers)

    def watch(self, path: str, *watches: Any) -> None:
        """Write down watches; an error in place of one is raised when it is opened."""
        self.watches.setdefault(path, deque()).extend(watches)

    def live(self, path: str) -> LiveWatch:
        """Write down a watch that is fed later."""
        watch = LiveWatch()
        self.watch(path, watch)
        return watch

    def answer(self, request: Request) -> Answer:
        """See ``Backend``; raises the errors that are written down."""
        is_watch = request.verb == "watch"
        if self._over and request.path not in (self.watches if is_watch else self.answers):
            return self._over.answer(request)
        return Answer(200, self._next_watch(request.path)) if is_watch else self._next_answer(request.path)

    def close(self) -> None:
        """See ``Backend``."""
        if self._over:
            self._over.close()

    def _next_answer(self, path: str) -> Answer:
        answers = self.answers.get(path)
        if not answers:
            return Refusal(404, "scripted").answer()
        found = answers.popleft() if len(answers) > 1 else answers[0]
        if callable(found):
            found = found()
        if isinstance(found, Exception):
            raise found
        if isinstance(found, Answer):
            return found
        return Answer(200, found if isinstance(found, bytes) else gojson.dumps(found))

    def _next_watch(self, path: str) -> Iterator[bytes]:
        watches = self.watches.get(path)
        watch = watches.popleft() if watches else None
        if watch is None:
            self.exhausted()
            raise Unreachable("exhausted")
        if isinstance(watch, Exception):
            raise watch
        interrupt = Interrupt.current()
        if isinstance(watch, LiveWatch) and interrupt is not None:  # Its reader waits in a queue, and asks nobody.
            interrupt.register(lambda: watch.send(Unreachable("interrupted")))
        return _played(watch)


def _played(watch: Iterable[Any]) -> Iterator[bytes]:
    for step in watch:
        if isinstance(step, Exception):
            raise step
        if callable(step):
            step()
        else:
            yield step
