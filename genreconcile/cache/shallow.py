"""Finds values in JSON by counting brackets, for text that is nested more deeply than a decoder goes.

Invariant: the search is not recursive, and linear in time; a text that is no JSON gives nothing, or a value that no
decoder takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]', re.DOTALL)
_OPEN, _CLOSE = (b"{", b"["), (b"}", b"]")


def value_of(data: bytes, key: bytes) -> bytes:
    """The value of a key of the outermost object, b"" where it has none."""
    name = b'"%b"' % key
    for member in members(data):
        stripped = member.lstrip()
        if stripped.startswith(name):
            _, colon, value = stripped[len(name) :].partition(b":")
            return value.strip() if colon else b""
    return b""


def members(data: bytes) -> Iterator[bytes]:
    """The members of the outermost list, or ``key: value`` of the outermost object."""
    depth, start = 0, 0
    for match in _TOKEN.finditer(data):
        token = match[0]
        if token in _OPEN:
            depth += 1
            start = match.end() if depth == 1 else start
        elif depth == 1 and token in (b",", *_CLOSE):
            if data[start : match.start()].strip():
                yield data[start : match.start()]
            start = match.end()
        if token in _CLOSE:
            depth -= 1
            if depth == 0:
                return
