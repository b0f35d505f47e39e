"""Logging to stderr.

Invariant: log lines hold no secrets: other packages' debug logs (bodies of requests) stay off, and tracebacks quote the
messages of this package's own errors, and of those alone that a user's own function raises.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from typing import Any

from genreconcile.errors import OF_USERS_CODE, trace
from genreconcile.log import code_of_record, template_of


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info and getattr(record, OF_USERS_CODE, False):
            record.exc_text = super().formatException(record.exc_info)
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 -- logging's name
        return trace(ei[1])


class _JsonFormatter(_Formatter):
    """A JSON object in a line. ``template`` is the constant text of all records of one kind, with ``%s`` in the places
    of ``arguments``: by it they are found and counted. ``message`` is both together, ``code`` says what to do.
    """

    def format(self, record: logging.LogRecord) -> str:
        super().format(record)  # It makes ``exc_text``.
        template = template_of(record)
        arguments = record.args if isinstance(record.args, tuple) else ()
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        found = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": template % record.args if record.args else template,
            "template": template,
            **({"code": code} if (code := code_of_record(record)) else {}),
            "arguments": [one if isinstance(one, int | float) else str(one) for one in arguments],
            **({"trace": record.exc_text} if record.exc_text else {}),
        }
        return json.dumps(found, ensure_ascii=False)


def set_up(verbosity: int, form: str = "text") -> None:
    """Log this package to stderr: warnings at 0, its steps from 1 on, details and HTTP requests from 6 on. ``form`` is
    text or json.
    """
    handler = logging.StreamHandler()
    is_json = form == "json"
    handler.setFormatter(
        _JsonFormatter("%(message)s") if is_json else _Formatter("%(levelname).1s %(name)s: %(message)s")
    )
    level = logging.DEBUG if verbosity >= 6 else logging.INFO if verbosity else logging.WARNING
    _use("genreconcile", handler, level)
    # Of urllib3 the opening of connections; genreconcile.cluster logs the requests: method, path and status.
    _use("urllib3.connectionpool", handler, logging.DEBUG if verbosity >= 6 else logging.ERROR)


def _use(name: str, handler: logging.Handler, level: int) -> None:
    logger = logging.getLogger(name)
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
