"""What a message shows of a value that somebody wrote into a rule: enough to find it, however large it is."""

from __future__ import annotations

import reprlib
from typing import Any, Final

_LONGEST: Final = 200

_repr = reprlib.Repr()
_repr.maxlevel = 3
_repr.maxstring = _repr.maxother = _LONGEST


def shown(value: Any) -> str:
    """The value as Python writes it, shortened."""
    try:
        return _short(_repr.repr(value))
    except ValueError:  # An int of more digits than Python writes.
        return f"a long {type(value).__name__}"


def named(value: Any) -> str:
    """A name as it stands, shortened; what is no text as ``shown``."""
    return _short(value) if isinstance(value, str) else shown(value)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
