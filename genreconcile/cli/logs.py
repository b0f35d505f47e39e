"""Logging to stderr.

Invariant: no secret gets out with a log line: other packages' debug logs (bodies of requests) stay off, and a
traceback shows the text of this package's own errors alone.
"""

from __future__ import annotations

import logging
import traceback
from types import TracebackType
from typing import Any

from genreconcile.errors import ReconcileError


class _Formatter(logging.Formatter):
    def formatException(self, ei: Any) -> str:  # noqa: N802 -- logging's name
        return "\n".join(_describe(error, error.__traceback__) for error in _chain(ei[1]))


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error's causes, the first one first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.insert(0, error)
        error = error.__cause__ or error.__context__
    return chain


def _describe(error: BaseException, frames: TracebackType | None) -> str:
    # The Kubernetes client's errors print the answer's headers and body.
    text = f": {error}" if isinstance(error, ReconcileError) else ""
    return f"{''.join(traceback.format_tb(frames))}{type(error).__name__}{text}"


def set_up(verbosity: int) -> None:
    """Log this package from 1 on in steps, from 6 on with details and the lines of HTTP requests."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(levelname).1s %(name)s: %(message)s"))
    level = logging.DEBUG if verbosity >= 6 else logging.INFO if verbosity else logging.WARNING
    _use("genreconcile", handler, level)
    # Method, path and status; neither headers nor bodies.
    _use("urllib3.connectionpool", handler, logging.DEBUG if verbosity >= 6 else logging.ERROR)


def _use(name: str, handler: logging.Handler, level: int) -> None:
    logger = logging.getLogger(name)
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
