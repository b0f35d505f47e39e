"""The values of rules as texts for messages.

Invariant: a text is short, however large the value is.
"""

from __future__ import annotations

import reprlib
from typing import Any, Final

_LONGEST: Final = 200

_repr = reprlib.Repr()
_repr.maxlevel = 3
_repr.maxstring = _repr.maxother = _LONGEST


def shown(value: Any) -> str:
    """The value's ``repr``, shortened."""
    try:
        return _short(_repr.repr(value))
    except ValueError:  # An int of more digits than Python writes.
        return f"a long {type(value).__name__}"


def named(value: Any) -> str:
    """A name without quotes, shortened; a value that is no string as by ``shown``."""
    return _short(value) if isinstance(value, str) else shown(value)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
