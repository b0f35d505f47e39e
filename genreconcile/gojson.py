r"""JSON bytes spelled as Go's encoder spells them.

Invariant: strings come out as the API server stores them. Its JSON patch ``test`` compares raw bytes, so ``<`` must
be sent as ``\u003c``, and characters beyond ASCII as UTF-8, never as ``\uXXXX``.
"""

from __future__ import annotations

from typing import Any

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


def dumps_sorted(value: Any) -> bytes:
    """Encode JSON data with sorted keys: equal data give equal bytes."""
    return msgspec.json.encode(value, order="sorted")


def loads(data: bytes | str) -> Any:
    """Parse JSON; msgspec.DecodeError (a ValueError) for what is none."""
    return msgspec.json.decode(data)
