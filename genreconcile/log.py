"""The loggers of this package.

Invariant: a record of level WARNING or higher has a code, such as GR605: it stands behind the message, whoever shows
it, and as ``code`` on the record. What tells of an error has the code of that error.
"""

from __future__ import annotations

import logging
from typing import Final

from genreconcile.errors import code_of, with_code

_CODE: Final = "code"
"""The attribute of records: a call gives it by ``extra={"code": "GR605"}``, and where none does, it is ""."""
_TEMPLATE: Final = "template"
"""The attribute of records that has the text as it was called with, before its code was written behind it."""


class Codes(logging.Filter):
    """Writes the code of each record behind its message, where it stays whichever handler shows it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See the class; no record is left out."""
        code = code_of_record(record) or _code_in(record)
        text = record.__dict__[_TEMPLATE] = template_of(record)
        record.__dict__[_CODE] = code
        message, line_break, traced = text.partition("\n")
        record.msg = f"{with_code(message, code)}{line_break}{traced}"
        return True


_CODES: Final = Codes()


def logger(name: str) -> logging.Logger:
    """The logger of a part of this package."""
    found = logging.getLogger(name)
    found.addFilter(_CODES)
    return found


def code_of_record(record: logging.LogRecord) -> str:
    """The code of a record, "" where it has none, as those of others."""
    return str(record.__dict__.get(_CODE) or "")


def template_of(record: logging.LogRecord) -> str:
    """The text of a record with ``%s`` in the places of its arguments, and without its code."""
    return str(record.__dict__.get(_TEMPLATE, record.msg))


def _code_in(record: logging.LogRecord) -> str:
    """The code of the error that a record tells of, "" where it tells of none."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    error = record.exc_info[1] if record.exc_info else None
    return next(filter(None, map(code_of, (*arguments, error))), "")
