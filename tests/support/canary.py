"""A value that must not come out anywhere, and the search for it in whatever spelling."""

from __future__ import annotations

import base64
import json
import logging
import traceback
import urllib.parse
from collections.abc import Iterator

PART = 12


class Canary:
    """``text`` planted somewhere. ``hits`` looks for it, and for parts of it of PART characters and more."""

    def __init__(self, text: str) -> None:
        assert len(text) >= 24, "or a part of it would be a word"
        self.text = text
        self.base64 = base64.b64encode(text.encode()).decode()
        self._parts = sorted({form[start : start + PART] for form in self._forms() for start in _starts(form)})

    def _forms(self) -> Iterator[str]:
        for plain in (self.text, self.base64):
            data = plain.encode()
            yield from (
                plain,
                data.hex(),
                data.hex().upper(),
                urllib.parse.quote(plain),
                urllib.parse.quote_plus(plain),
            )
            yield from (json.dumps(plain)[1:-1], json.dumps(json.dumps(plain))[1:-1], repr(plain)[1:-1])
            for before in range(3):
                encoded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
                own = encoded[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
                yield from (own, own.translate(str.maketrans("+/", "-_")))

    def hits(self, text: str) -> list[str]:
        return [part for part in self._parts if part in text]


def _starts(form: str) -> range:
    return range(len(form) - PART + 1)


def texts_of(error: BaseException) -> Iterator[str]:
    """Whatever a log, a debugger or a crash reporter may show of an error and of all that hangs on it."""
    seen: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        found = pending.pop()
        if found is None or found in seen:
            continue
        seen.append(found)
        yield from (str(found), repr(found), repr(found.args), repr(vars(found)))
        pending += [found.__cause__, found.__context__]
    yield "".join(traceback.format_exception(error))


class Records(logging.Handler):
    """Every record of every logger, formatted with its arguments and tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        self.lines.append(repr(record.args))
