r"""JSON bytes spelled as Go's encoder spells them.

Invariant: strings and numbers are encoded as the API server stores them. Its JSON patch ``test`` compares raw bytes, so
``<`` must be sent as ``\u003c``, characters beyond ASCII as UTF-8, never as ``\uXXXX``, and 5e-06 as ``0.000005``.
"""

from __future__ import annotations

import re
from decimal import Decimal
from gc import get_referents
from typing import Any, Final

import msgspec

from genreconcile.depth import require_flat

# Outside of strings JSON holds none of these, so replacing them in the encoded bytes is exact.
_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def dumps(value: Any) -> bytes:
    """Encode JSON data as Go's ``encoding/json`` does; TypeError for other data."""
    data = msgspec.json.encode(_respelled(value) if _holds_float(value) else value)
    for raw, escaped in _ESCAPES:
        data = data.replace(raw, escaped)
    return data


_HOLDERS: Final = frozenset({dict, list, tuple})
_MOST_LEVELS: Final = 10_000
"""Go's decoder, which reads what is sent, goes no deeper; where Python's encoder ends before, it says so itself."""


def _holds_float(value: Any) -> bool:
    """Whether a value holds a float, which msgspec may spell otherwise than Go; the search by level is fast."""
    level = [value]
    depth = 0
    while level:
        kinds = set(map(type, level))
        if float in kinds:
            return True
        if kinds.isdisjoint(_HOLDERS):
            return False
        depth += 1
        if depth > _MOST_LEVELS:
            raise RecursionError("circular, or nested too deeply")
        level = get_referents(*[found for found in level if found.__class__ in _HOLDERS])
    return False


def _respelled(value: Any) -> Any:
    """A copy in which each float is raw JSON, spelled as by Go."""
    top = [value]
    pending: list[Any] = [top]
    while pending:
        holder = pending.pop()
        for place, found in list(holder.items()) if isinstance(holder, dict) else enumerate(holder):
            if isinstance(found, float):
                holder[place] = msgspec.Raw(spelled(found).encode())
            elif isinstance(found, dict | list | tuple):
                copied = dict(found) if isinstance(found, dict) else list(found)
                holder[place] = copied
                pending.append(copied)
    return top[0]


_SHORT: Final = 1e-6
_LONG: Final = 1e21


def spelled(value: float) -> str:
    """A finite number as Go's ``encoding/json`` writes a float64: the fewest digits that are read as the same number.

    The text has an exponent only below 1e-6 and from 1e21 on.
    """
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    if _SHORT <= abs(value) < _LONG:
        return format(Decimal(text), "f")
    return text.replace("e-0", "e-")


_SMALL: Final = 4096
_MOST_VALUES: Final = 2_000_000
"""The most members of all mappings and lists in one value, each counted as often as it would be written."""

_into = msgspec.json.Encoder().encode_into


class TooLargeError(ValueError):
    """A value has far more members as JSON than in memory, because it holds the same parts again and again."""


def encode(value: Any) -> bytes | bytearray:
    """Encode JSON data; TypeError and the like for other data, TooLargeError for a value of too many members."""
    buffer = bytearray(_SMALL)
    view = memoryview(buffer)
    # A buffer with a view cannot grow, so encoding stops at its size: small values need no count of their members.
    try:
        _into(value, buffer)
    except BufferError:
        pass
    else:
        return buffer
    finally:
        view.release()
    _require_finite(value)
    return msgspec.json.encode(value)


def _require_finite(value: Any) -> None:
    """Raise TooLargeError for too many members, counted by level; a shared part (a YAML alias) counts each time."""
    level = [value] if isinstance(value, dict | list | tuple) else []
    count = depth = 0
    while level:
        depth += 1
        if depth > _MOST_LEVELS:
            raise RecursionError("circular, or nested too deeply")  # As the encoder raises, after much more work.
        count += sum(map(len, level))  # Before the members are visited: all may be the same long list.
        if count > _MOST_VALUES:
            raise TooLargeError(f"more than {_MOST_VALUES} values")
        level = [found for found in get_referents(*level) if isinstance(found, dict | list | tuple)]


def dumps_sorted(value: Any) -> bytes:
    """Encode JSON data with sorted keys: equal data give equal bytes."""
    return msgspec.json.encode(value, order="sorted")


def loads(data: bytes | bytearray | str) -> Any:
    r"""Parse JSON; msgspec.DecodeError (a ValueError) for other text, RecursionError where it is nested too deeply.

    Invalid Unicode becomes U+FFFD, as in Go: the server passes values that it keeps as raw JSON on as they are.
    """
    require_flat(data)
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(mended(data))


_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


def mended(data: bytes | bytearray | str) -> bytes:
    """JSON with U+FFFD for invalid Unicode: bytes that are no UTF-8, and halves of surrogate pairs."""
    text = data if isinstance(data, str) else bytes(data).decode("utf-8", "replace")
    return _ESCAPE.sub(_whole, text).encode("utf-8", "replace")


def _whole(escape: re.Match[str]) -> str:
    return r"\ufffd" if escape[1] else escape[0]
