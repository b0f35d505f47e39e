"""What a fault does to the lines of a watch: they are changed, hidden, repeated, cut or held back.

Invariant: as of every effect, the backend does not know of it; what it sent stays true.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from genreconcile.testing.fake.wire import Dropped, encode, status
from support.api.effects import Effect

Event = dict[str, Any]
"""A line of a watch: ``{"type": …, "object": …}``."""


@dataclass
class Lines(Effect):
    """Change the lines of a watch by a function over all of them."""

    change: Callable[[Iterator[bytes]], Iterable[bytes]]

    def lines(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        return iter(self.change(lines))


@dataclass
class Events(Effect):
    """Change each event of a watch: the function returns the events that come instead, none to hide it."""

    change: Callable[[Event], Sequence[Event]]

    def lines(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        for line in lines:
            for event in self.change(json.loads(line)):
                yield encode(event) + b"\n"


def hide(matches: Callable[[Event], bool]) -> Events:
    """Events that the watch never shows."""
    return Events(lambda event: () if matches(event) else (event,))


def duplicate(times: int = 2) -> Events:
    """Each event comes so many times."""
    return Events(lambda event: [event] * times)


def without_bookmarks() -> Events:
    """A server that sends no bookmarks."""
    return hide(lambda event: event["type"] == "BOOKMARK")


def cut(after: int, *, line_share: float = 0.0, reset: bool = False, politely: bool = False) -> Lines:
    """End a watch after so many lines and a share of the next; ``politely`` as if it were the end of the answer."""

    def change(lines: Iterator[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(lines):
            if number == after:
                yield line[: int(len(line) * line_share)]
                break
            yield line
            if number + 1 == after and not line_share:
                break
        if not politely:
            raise Dropped(reset=reset)

    return Lines(change)


def silence(after: int = 0, until: threading.Event | None = None) -> Lines:
    """Nothing comes after so many lines, and the connection stays: a peer that is gone without a word."""

    def change(lines: Iterator[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(lines):
            if number >= after and not (until and until.is_set()):
                continue
            yield line

    return Lines(change)


def error_event(code: int, reason: str = "", *, after: int = 0) -> Lines:
    """An ERROR event after so many lines, and the end."""

    def change(lines: Iterator[bytes]) -> Iterator[bytes]:
        for _ in range(after):
            yield next(lines)
        yield encode({"type": "ERROR", "object": status(code, "scripted", reason=reason)}) + b"\n"

    return Lines(change)
