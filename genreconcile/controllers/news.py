"""Which changes of an object are news to those who have read it.

Invariant: pure; a change that cannot be judged is news.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from typing import Any, Final

from jsonpointer import EndOfList, resolve_pointer

from genreconcile.cache import Record
from genreconcile.data import Heartbeats, shipped
from genreconcile.errors import CacheError
from genreconcile.gojson import dumps_sorted
from genreconcile.objects import GVK, Object
from genreconcile.pointer import split_pointer, token_matches

_ABSENT: Final = object()
_ANY: Final = "*"
_STATUS: Final = ("status",)

Tokens = tuple[str, ...]


def is_news(before: Record | None, after: Record | None, fields: Collection[str] = ()) -> bool:
    """Whether the object, None where there is none, has come, gone, or changed in one of ``fields`` (JSON pointers);
    without fields in anything but heartbeats, which are never news.
    """
    if before is None or after is None:
        return before is not after
    return _differ(before, after, fields)


def is_beyond_status(before: Record, after: Record) -> bool:
    """Whether an object has changed in anything but its status and heartbeats."""
    return _differ(before, after, apart=(_STATUS,))


def _differ(before: Record, after: Record, fields: Collection[str] = (), apart: Sequence[Tokens] = ()) -> bool:
    try:
        return _judged(before, fields, apart) != _judged(after, fields, apart)
    except (CacheError, RecursionError):  # Not readable, or nested too deeply.
        return True


def _judged(record: Record, fields: Collection[str], apart: Sequence[Tokens]) -> bytes:
    """What is compared of an object: all but its heartbeats, and what stands ``apart``."""
    obj = record.decode()
    for tokens in (*_heartbeats(GVK.of(obj)), *apart):
        _remove(obj, tokens)
    return dumps_sorted(_picked(obj, fields) if fields else obj)


def _picked(obj: Object, fields: Collection[str]) -> dict[str, Any]:
    found = {field: resolve_pointer(obj, field, _ABSENT) for field in fields}
    # ``-`` is the place behind the end of a list, where nothing is.
    return {field: value for field, value in found.items() if value is not _ABSENT and not isinstance(value, EndOfList)}


def is_heartbeat(kind: GVK, field: str) -> bool:
    """Whether the field, or what holds it, is a heartbeat of this kind."""
    tokens = split_pointer(field)
    return any(_holds(pattern, tokens) for pattern in _heartbeats(kind))


def _holds(pattern: Tokens, tokens: Tokens) -> bool:
    return len(pattern) <= len(tokens) and all(map(token_matches, pattern, tokens))


@functools.lru_cache(maxsize=256)
def _heartbeats(kind: GVK) -> Sequence[Tokens]:
    data = shipped(Heartbeats)
    name = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    own = (field for entry in data.kinds if entry.kind == name for field in entry.fields)
    return tuple(map(split_pointer, (*data.everywhere, *own)))


def _remove(value: Any, tokens: Tokens) -> None:
    """Remove what the tokens lead to; ``*`` is any member of a list."""
    token, *rest = tokens
    if isinstance(value, list) and token == _ANY:
        for member in value:
            _remove(member, tuple(rest))
    elif isinstance(value, dict) and token in value:
        if rest:
            _remove(value[token], tuple(rest))
        else:
            del value[token]
