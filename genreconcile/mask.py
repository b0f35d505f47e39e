"""Hides the values of Secrets, and of whatever else ``mask.yaml`` lists.

Invariant: what stands at, below or (in a patch) around a listed field comes out masked, however malformed it is; equal
values get equal masks and different values different ones, so that changes stay visible. Masks of two processes do
not compare: the key is random, so that a mask cannot be tried against guesses.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

import msgspec
import yaml

from genreconcile.objects import GVK, Object
from genreconcile.pointer import split_pointer

_KEY = secrets.token_bytes(32)

Tokens = tuple[str, ...]


class Kind(Protocol):
    """A GVK or an ObjectKey."""

    @property
    def group(self) -> str:
        """The API group, "" for the core group."""

    @property
    def kind(self) -> str:
        """The kind's name."""


@cache
def _table() -> dict[tuple[str, str], tuple[Tokens, ...]]:
    entries = yaml.safe_load(files("genreconcile").joinpath("mask.yaml").read_text("utf-8"))
    return {(entry["group"], entry["kind"]): tuple(map(split_pointer, entry["fields"])) for entry in entries}


def _fields(kind: Kind) -> tuple[Tokens, ...]:
    return _table().get((kind.group, kind.kind), ())


def is_sensitive(kind: Kind) -> bool:
    """Whether objects of this kind hold secrets."""
    return bool(_fields(kind))


def mask_object(obj: Mapping[str, Any], kind: Kind | None = None) -> Object:
    """A copy without secrets; what needs no mask is shared with ``obj``, so change neither.

    ``kind`` is for objects that do not say theirs.
    """
    masked: Object = mask_value(kind or GVK.of(obj), (), obj)
    return masked if masked is not obj else dict(obj)


def mask_patch(kind: Kind, operations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Copies of RFC 6902 operations on an object of this kind, their values masked, those of ``test`` as well."""
    return [_mask_operation(kind, operation) for operation in operations]


def _mask_operation(kind: Kind, operation: Mapping[str, Any]) -> dict[str, Any]:
    masked = dict(operation)
    if "value" in masked and is_sensitive(kind):
        try:
            path = split_pointer(masked["path"])
        except (AttributeError, KeyError, ValueError):
            masked["value"] = mask(masked["value"])
        else:
            masked["value"] = mask_value(kind, path, masked["value"])
    return masked


def mask_value(kind: Kind, path: Sequence[str], value: Any) -> Any:
    """``value``, which stands at ``path`` in an object of this kind, without secrets; a copy where it has any."""
    for field in _fields(kind):
        depth = min(len(path), len(field))
        if tuple(path[:depth]) == field[:depth]:
            below = len(path) > len(field)
            value = mask(value) if below else _mask_at(value, field[depth:])
    return value


def _mask_at(value: Any, field: Tokens) -> Any:
    if value is None and field:
        return None
    if not isinstance(value, Mapping):
        # A malformed object: nobody knows what it holds (CVE-2025-23216).
        return mask(value)
    if not field:
        return {key: mask(item) for key, item in value.items()}
    if field[0] not in value:
        return value
    return {**value, field[0]: _mask_at(value[field[0]], field[1:])}


def mask(value: Any) -> str:
    """The mask of one value; of a mask as well: otherwise a value could pose as one."""
    try:
        data = msgspec.json.encode(value, order="sorted")
    except (TypeError, ValueError, OverflowError, RecursionError):
        data = repr(type(value)).encode()
    return f"*** (hmac: {hmac.new(_KEY, data, hashlib.sha256).hexdigest()[:8]})"


def mask_text(kind: Kind, text: str, *objects: Mapping[str, Any] | None) -> str:
    """``text``, such as a server's refusal that quotes what it refuses, without the secrets of these objects."""
    found = {form for obj in objects if obj for field in _fields(kind) for form in _forms_below(obj, field)}
    # The longest first: one secret may be a part of another.
    for secret in sorted(found, key=lambda form: (-len(form), form)):
        # A short secret is a part of too many words.
        pattern = re.escape(secret) if len(secret) > 3 else rf"(?<!\w){re.escape(secret)}(?!\w)"
        text = re.sub(pattern, "***", text)
    return text


def _forms_below(value: Any, field: Tokens) -> Iterator[str]:
    for token in field:
        value = value.get(token) if isinstance(value, Mapping) else None
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            pending += item.values()
        elif isinstance(item, list | tuple):
            pending += item
        elif item not in (None, "") and not isinstance(item, bool):
            yield from _forms(str(item))


def _forms(secret: str) -> Iterator[str]:
    """How a message may write a value: plain, decoded, and either of them quoted."""
    plain = [secret, base64.b64encode(secret.encode(errors="replace")).decode()]
    # binascii.Error and UnicodeDecodeError are ValueErrors: the value is no base64 of a text.
    with contextlib.suppress(ValueError):
        plain.append(base64.b64decode(secret, validate=True).decode())
    for form in filter(None, plain):
        yield form
        yield json.dumps(form, ensure_ascii=False)[1:-1]
