"""Masks for values, objects and patches.

Invariant: no argument is changed; a result shares the parts that need no mask with its argument, so change neither.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from genreconcile.mask.fields import Fields
from genreconcile.objects import Object
from genreconcile.pointer import split_pointer, token_matches

_KEY: Final = secrets.token_bytes(32)
_LOOKS_LIKE_A_MASK: Final = re.compile(r"\*\*\* \(hmac:")

Tokens = Sequence[str]


def mask(value: Any) -> str:
    """The mask of one value; a mask is masked as well, for otherwise a value could pose as one."""
    return f"*** (hmac: {hmac.new(_KEY, _bytes(value), hashlib.sha256).hexdigest()[:12]})"


def _bytes(value: Any) -> bytes:
    """Different bytes for different JSON values; for other values the best that can be had."""
    try:
        return msgspec.json.encode(value, order="sorted")
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass
    try:
        return repr(value).encode(errors="backslashreplace")
    except Exception:  # noqa: BLE001 - what cannot even be printed has a type
        return repr(type(value)).encode()


def mask_object(obj: Mapping[str, Any], fields: Fields) -> Object:
    """A copy of the object, its secret fields masked."""
    masked = mask_value(fields, (), obj)
    if not isinstance(masked, Mapping):  # A mask: the object is nested too deeply.
        return {key: mask(value) for key, value in obj.items()}
    return dict(masked)


def mask_patch(fields: Fields, operations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Copies of RFC 6902 operations, their values masked, those of ``test`` as well."""
    return [_mask_operation(fields, operation) for operation in operations]


def _mask_operation(fields: Fields, operation: Mapping[str, Any]) -> dict[str, Any]:
    masked = dict(operation)
    if "value" in masked:
        try:
            path = split_pointer(masked["path"])
        except (AttributeError, KeyError, TypeError, ValueError):
            masked["value"] = mask(masked["value"]) if fields else _unposed(masked["value"])
        else:
            masked["value"] = mask_value(fields, path, masked["value"])
    return masked


def mask_value(fields: Fields, path: Tokens, value: Any) -> Any:
    """``value``, which stands at ``path`` in an object with these secret fields, masked as far as it is secret."""
    try:
        return _masked(fields, path, value)
    except RecursionError:
        return mask(value)


def _masked(fields: Fields, path: Tokens, value: Any) -> Any:
    value = _unposed(value)
    is_whole = False
    for field in fields:
        depth = min(len(path), len(field))
        if all(map(token_matches, field[:depth], path[:depth])):
            if len(path) > len(field):
                is_whole = True
            else:
                value = _mask_at(value, field[depth:])
    return mask(value) if is_whole else value


def _mask_at(value: Any, field: Tokens) -> Any:
    if value is None and field:
        return None
    if isinstance(value, list | tuple) and field and token_matches(field[0], "*"):
        found = [_mask_at(member, field[1:]) for member in value]
        return value if all(map(_is, found, value)) else found
    if not isinstance(value, Mapping):
        # A malformed object: nobody knows what it holds (CVE-2025-23216).
        return mask(value)
    if not field:
        return {key: mask(item) for key, item in value.items()}
    masked = {
        key: _mask_at(item, field[1:]) if isinstance(key, str) and token_matches(field[0], key) else item
        for key, item in value.items()
    }
    return _unless_same(value, masked)


def _unposed(value: Any) -> Any:
    """The value, with a mask in the place of every text that looks like a mask."""
    if isinstance(value, str):
        return mask(value) if _LOOKS_LIKE_A_MASK.search(value) else value
    if isinstance(value, Mapping):
        return _unless_same(value, {key: _unposed(item) for key, item in value.items()})
    if isinstance(value, list):
        found = [_unposed(member) for member in value]
        return value if all(map(_is, found, value)) else found
    return value


def _unless_same(value: Mapping[str, Any], found: dict[str, Any]) -> Mapping[str, Any]:
    return value if all(item is value[key] for key, item in found.items()) else found


def _is(one: object, other: object) -> bool:
    return one is other
