"""Copies of JSON data, and whether two are the same.

Invariant: a number is spelled as the API server writes it back: 1.0 is 1. No number is a boolean.
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


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON data: 1 is not true, whatever Python says."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
