"""The sizes of an object's parts in words, and the messages of servers that an object is too large.

Invariant: pure; texts hold paths and sizes, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from genreconcile.gojson import dumps
from genreconcile.pointer import join_pointer

_MOST: Final = 5
_LONGEST_PATH: Final = 200
_LARGE: Final = 4
"""A part is split where its largest own part is at least this fraction (1/n) of it."""
_SMALL: Final = 100
"""A part smaller than this fraction (1/n) of the whole is left out."""

TOO_LARGE: Final = "tooLarge"
"""The key of an error's ``details`` for the server's message on a size, and nothing else."""
# The messages of the API server on a request, and of etcd and its client on an object to be stored.
_SAYS: Final = {
    413: re.compile(
        r"Request entity too large: "
        r"(?:limit is \d+|The allowed maximum operations in a JSON patch is \d+, got \d+)"
    ),
    500: re.compile(
        r"(?:rpc error: code = \w+ desc = )?(?:etcdserver: |grpc: )?"
        r"(?:request is too large|(?:trying to send|received) message larger than max(?: \(\d+ vs\. \d+\))?)",
        re.IGNORECASE,
    ),
}

Path = tuple[str | int, ...]


def refused_size(code: int, message: str) -> str:
    """The part of a server's message that refuses a size, without quoted values; "" for other messages."""
    found = _SAYS[code].match(message) if code in _SAYS else None
    return found[0] if found else ""


def in_words(size: int) -> str:
    """A size in bytes as text: ``1.4 MiB``, ``12.0 KiB``, ``17 bytes``."""
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def largest(value: Any, at: Path = ()) -> str:
    """The largest parts of a value as JSON, the largest one first: ``/data/a 0.9 MiB, /data/b 12.0 KiB``.

    ``at`` is the path of the value.
    """
    total = len(dumps(value))
    parts = sorted(_parts(value, at, total, max(total // _SMALL, 1)), key=lambda part: -part[1])
    return ", ".join(f"{shown_path(path)} {in_words(size)}" for path, size in parts[:_MOST])


def _parts(value: Any, path: Path, size: int, least: int) -> Iterator[tuple[Path, int]]:
    inner = [((*path, key), entry, len(dumps(entry))) for key, entry in _entries(value)]
    if not inner or _LARGE * max(length for _, _, length in inner) < size:
        yield path, size
        return
    for below, entry, length in inner:
        if length >= least:
            yield from _parts(entry, below, length, least)


def _entries(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def shown_path(path: Path) -> str:
    """A path as a JSON pointer, shortened."""
    text = join_pointer(path) or "/"
    return text if len(text) <= _LONGEST_PATH else f"{text[:_LONGEST_PATH]}…"
