"""Scalars, read from JSON as Go reads them into a field.

Invariant: a value is returned as Go writes it, or refused in Go's words.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from genreconcile.testing.fake.builtin import quantity, times

ZEROS: Mapping[str, Any] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "bytes": "",
    "quantity": "0",
    "int-or-string": 0,
    "list": None,
    "map": None,
}
"""What a field of that shape is that nobody has set, where it is no pointer."""

_BITS = {"int32": 31, "int64": 63, "uint8": 8, "uint16": 16}
_SPOKEN = ((bool, "bool"), (str, "string"), (int | float, "number"), (list, "array"), (dict, "object"))
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/\r\n]")


class WrongType(Exception):
    """The JSON value is of another type; says which one in Go's words."""


def spoken(value: Any) -> str:
    """The JSON type of a value in Go's words."""
    return next(word for type_, word in _SPOKEN if isinstance(value, type_))


def read(value: Any, shape: str, go_type: str, *, milli: bool) -> Any:
    """The value as Go writes it back. Raises WrongType, and ValueError with the server's sentence."""
    if shape == "quantity":
        return quantity.canonical(value if isinstance(value, str) else str(value).lower(), milli=milli)
    reader = _READERS.get(shape)
    if reader is not None:
        return reader(value, go_type)
    if not isinstance(value, bool if shape == "boolean" else str):
        raise WrongType(spoken(value))
    return times.canonical(str(value), micro=shape == "microtime") if shape in {"time", "microtime"} else value


def _integer(value: Any, go_type: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongType(spoken(value))
    if isinstance(value, float) or not -(2 ** _BITS.get(go_type, 31)) <= value < 2 ** _BITS.get(go_type, 31):
        raise WrongType(f"number {value}")
    return value


def _int_or_string(value: Any, _: str) -> int | str:
    return value if isinstance(value, str) else _integer(value, "int32")


def _number(value: Any, _: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongType(spoken(value))
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e21 else value


def _bytes(value: Any, _: str) -> str:
    if isinstance(value, list) and all(type(entry) is int and 0 <= entry < 256 for entry in value):
        return base64.b64encode(bytes(value)).decode()
    if not isinstance(value, str):
        raise WrongType(spoken(value))
    plain = re.sub(r"[\r\n]", "", value)
    body = plain.rstrip("=")
    wrong = _NOT_BASE64.search(value.rstrip("=\r\n"))
    if wrong or len(plain) % 4 or len(plain) - len(body) > 2:
        at = wrong.start() if wrong else (len(body) // 4 * 4 if len(plain) == len(body) else len(plain))
        raise ValueError(f"illegal base64 data at input byte {at}")
    return base64.b64encode(base64.b64decode(plain)).decode()


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "integer": _integer,
    "int-or-string": _int_or_string,
    "number": _number,
    "bytes": _bytes,
}
