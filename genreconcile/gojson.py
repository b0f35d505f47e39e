r"""JSON bytes spelled as Go's encoder spells them.

Invariant: strings come out as the API server stores them. Its JSON patch ``test`` compares raw bytes, so ``<`` must
be sent as ``\u003c``, and characters beyond ASCII as UTF-8, never as ``\uXXXX``.
"""

from __future__ import annotations

from gc import get_referents
from sys import getrecursionlimit
from typing import Any, Final

import msgspec

# Outside of strings JSON holds none of these, so replacing them in the encoded bytes is exact.
_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def dumps(value: Any) -> bytes:
    """Encode JSON data as Go's ``encoding/json`` would; TypeError for what is no JSON data."""
    data = msgspec.json.encode(value)
    for raw, escaped in _ESCAPES:
        data = data.replace(raw, escaped)
    return data


_SMALL: Final = 4096
_MOST_VALUES: Final = 2_000_000
"""Members of the mappings and lists in one value, each counted as often as it would be written."""

_into = msgspec.json.Encoder().encode_into


class TooLargeError(ValueError):
    """A value would be written far larger than it is in memory, because it holds the same parts again and again."""


def encode(value: Any) -> bytes | bytearray:
    """Encode JSON data; TypeError and the like for what is none, TooLargeError for what would never end."""
    buffer = bytearray(_SMALL)
    view = memoryview(buffer)
    # While somebody looks at the buffer it cannot grow: an encoder with a limit, which costs a small value little.
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
    """Count as a tree, level by level: what is shared, as YAML's aliases are, counts each time."""
    level = [value] if isinstance(value, dict | list | tuple) else []
    count = depth = 0
    while level:
        depth += 1
        if depth > getrecursionlimit():
            raise RecursionError("circular, or nested too deeply")  # As the encoder would say, after much more work.
        count += sum(map(len, level))  # Before they are looked at: they may all be the same long list.
        if count > _MOST_VALUES:
            raise TooLargeError(f"more than {_MOST_VALUES} values")
        level = [found for found in get_referents(*level) if isinstance(found, dict | list | tuple)]


def dumps_sorted(value: Any) -> bytes:
    """Encode JSON data with sorted keys: equal data give equal bytes."""
    return msgspec.json.encode(value, order="sorted")


def loads(data: bytes | bytearray | str) -> Any:
    """Parse JSON; msgspec.DecodeError (a ValueError) for what is none."""
    return msgspec.json.decode(data)
