"""Copies of JSON data.

Invariant: a number is spelled as the API server writes it back: 1.0 is 1.
"""

from __future__ import annotations

from typing import Any, Final

_LARGEST: Final = 1e21  # From here on Go writes an exponent.


def copied(value: Any) -> Any:
    """A copy of JSON data, of plain dicts and lists."""
    if isinstance(value, dict):
        return {key: copied(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return number(value) if type(value) is float else value


def number(value: float) -> float:
    """As an int where it is whole."""
    return int(value) if value.is_integer() and abs(value) < _LARGEST else value
