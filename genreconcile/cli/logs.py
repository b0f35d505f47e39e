"""Logging to stderr.

Invariant: log lines hold no secrets: other packages' debug logs (bodies of requests) stay off, and tracebacks quote the
messages of this package's own errors, and of those alone that a user's own function raises.
"""

from __future__ import annotations

import logging
from typing import Any

from genreconcile.errors import OF_USERS_CODE, trace


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info and getattr(record, OF_USERS_CODE, False):
            record.exc_text = super().formatException(record.exc_info)
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 -- logging's name
        return trace(ei[1])


def set_up(verbosity: int) -> None:
    """Log this package to stderr: warnings at 0, its steps from 1 on, details and HTTP requests from 6 on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(levelname).1s %(name)s: %(message)s"))
    level = logging.DEBUG if verbosity >= 6 else logging.INFO if verbosity else logging.WARNING
    _use("genreconcile", handler, level)
    # Of urllib3 the opening of connections; genreconcile.cluster logs the requests: method, path and status.
    _use("urllib3.connectionpool", handler, logging.DEBUG if verbosity >= 6 else logging.ERROR)


def _use(name: str, handler: logging.Handler, level: int) -> None:
    logger = logging.getLogger(name)
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
