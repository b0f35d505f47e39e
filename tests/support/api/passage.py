"""What a request passes on its way to a backend: the log, and the faults that are laid over it.

Invariants: each request is logged once, before its answer is given; one that meets no fault is answered as the backend
says.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from genreconcile.testing.fake.wire import Answer, Backend, Dropped, Request
from support.api.faults import Faults
from support.api.log import Log


class Passage:
    """A backend behind ``faults``, with all that it is asked in ``log``."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.faults = Faults()
        self.log = Log()

    def answer(self, request: Request) -> Answer:
        """The backend's answer, or what the faults make of it. Raises Dropped."""
        effects = self.faults.fire(request)
        try:
            early = next((found for effect in effects if (found := effect.before(request)) is not None), None)
        except Dropped:
            self.log.note(request, None, time.monotonic())
            raise
        answer = early or self.backend.answer(request)
        self.log.note(request, answer, time.monotonic())
        for effect in effects:
            answer = effect.after(request, answer)
        if not isinstance(answer.body, bytes):
            lines: Iterator[bytes] = answer.body
            for effect in effects:
                lines = effect.lines(lines)
            answer.body = lines
        return answer

    def close(self) -> None:
        """See ``Backend``."""
        self.backend.close()
