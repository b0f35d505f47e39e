"""Patches, applied as the API server applies them.

Invariants: the document is not changed; a ``test`` compares the spelling of scalars, as evanphx/json-patch does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from genreconcile.gojson import dumps
from genreconcile.testing.fake import strategic
from genreconcile.testing.fake.copying import copied
from genreconcile.testing.fake.shape import Shape
from genreconcile.testing.fake.wire import Refusal, Unsupported

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
_APPLY_PATCH: Final = ("application/apply-patch+yaml", "application/apply-patch+cbor")
_MOST_OPERATIONS: Final = 10_000
_MESSAGE: Final = "the server rejected our request due to an error in our request"


class _Operation(msgspec.Struct):
    op: str = ""
    path: str = ""
    from_: str = msgspec.field(name="from", default="")
    value: msgspec.Raw = msgspec.Raw(b"null")


_OPERATIONS: Final = msgspec.json.Decoder(list[_Operation])
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class _Refused(Exception):
    """An operation that does not apply."""


class _Place(NamedTuple):
    """A member of an object, or an item of a list; ``at`` is the length of the list for a new item at its end."""

    holder: Any
    key: str
    at: int

    @property
    def is_item(self) -> bool:
        return isinstance(self.holder, list)


def is_apply(content_type: str) -> bool:
    """Whether a patch is a server-side apply. Raises Unsupported for one in CBOR."""
    found = content_type.partition(";")[0].strip()
    if found == _APPLY_PATCH[1]:
        raise Unsupported(f"patches of type {found}")
    return found == _APPLY_PATCH[0]


def patched(document: Mapping[str, Any], body: bytes, content_type: str, shape: Shape | None = None) -> dict[str, Any]:
    """The document after a patch, as a copy; ``shape`` is the type where it can be strategic. Raises Refusal."""
    content_type = content_type.partition(";")[0].strip()
    if content_type == JSON_PATCH:
        return _whole(json_patched(document, body))
    accepted = [JSON_PATCH, MERGE_PATCH, *([STRATEGIC_PATCH] if shape is not None else []), *_APPLY_PATCH]
    if content_type not in accepted[:-2]:
        text = "the body of the request was in an unknown format - accepted media types include: "
        raise Refusal(415, text + ", ".join(accepted))
    patch = _read(msgspec.json.decode, body)
    if not isinstance(patch, dict):
        raise Refusal(400, "error decoding patch: it is no object")
    if content_type == MERGE_PATCH or shape is None:
        return _whole(_merged(document, patch))
    return _whole(strategic.merged(document, patch, shape))


def _whole(obj: Any) -> dict[str, Any]:
    if not isinstance(obj, dict):
        raise Refusal(422, _MESSAGE)
    return obj


def json_patched(document: Mapping[str, Any], body: bytes) -> Any:
    """The document after a JSON patch (RFC 6902), as a copy. Raises Refusal: 400, 413 or 422."""
    operations = _read(_OPERATIONS.decode, body)
    if len(operations) > _MOST_OPERATIONS:
        message = f"The allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got {len(operations)}"
        raise Refusal(413, message, reason="RequestEntityTooLarge")
    result = copied(document)
    for operation in operations:
        try:
            _apply(result, operation)
        except _Refused:
            raise Refusal(422, _MESSAGE) from None
    return result


def _read(decode: Callable[[bytes], Any], body: bytes) -> Any:
    try:
        return decode(body)
    except msgspec.MsgspecError as error:
        raise Refusal(400, f"error decoding patch: {error}") from None


def _merged(document: Any, patch: Any) -> Any:
    """RFC 7386; in what comes new, members that are null go also in lists, as evanphx/json-patch has it."""
    if not isinstance(document, dict):
        return _without_nulls(patch)
    if not isinstance(patch, dict):
        return patch
    result = dict(document)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(entry) for key, entry in value.items() if entry is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _place(document: Any, pointer: str, *, is_new: bool = False) -> _Place:
    """The place that a pointer names; ``is_new``: an item that is added there. The root is no place."""
    tokens = pointer.split("/")
    if len(tokens) < 2 or tokens[0]:
        raise _Refused
    names = [token.replace("~1", "/").replace("~0", "~") for token in tokens[1:]]
    holder = document
    for name in names[:-1]:
        holder = _value(_at(holder, name, is_new=False))
    return _at(holder, names[-1], is_new=is_new)


def _at(holder: Any, name: str, *, is_new: bool) -> _Place:
    if isinstance(holder, dict):
        return _Place(holder, name, 0)
    if not isinstance(holder, list):
        raise _Refused
    length = len(holder) + is_new
    if name == "-" and is_new:
        return _Place(holder, name, len(holder))
    try:
        index = int(name)
    except ValueError:
        raise _Refused from None
    index += length if index < 0 else 0
    if not 0 <= index < length:
        raise _Refused
    return _Place(holder, name, index)


def _value(place: _Place) -> Any:
    """The value at a place, None where an object has no such member."""
    return place.holder[place.at] if place.is_item else place.holder.get(place.key)


def _add(document: Any, operation: _Operation) -> None:
    _put(document, operation.path, _decoded(operation.value))


def _put(document: Any, pointer: str, value: Any) -> None:
    place = _place(document, pointer, is_new=True)
    if place.is_item:
        place.holder.insert(place.at, value)
    else:
        place.holder[place.key] = value


def _remove(document: Any, operation: _Operation) -> None:
    _take(document, operation.path)


def _take(document: Any, pointer: str) -> Any:
    place = _place(document, pointer)
    if place.is_item:
        return place.holder.pop(place.at)
    if place.key not in place.holder:
        raise _Refused
    return place.holder.pop(place.key)


def _replace(document: Any, operation: _Operation) -> None:
    place = _place(document, operation.path)
    place.holder[place.at if place.is_item else place.key] = _decoded(operation.value)


def _move(document: Any, operation: _Operation) -> None:
    _put(document, operation.path, _take(document, operation.from_))


def _copy(document: Any, operation: _Operation) -> None:
    _put(document, operation.path, copied(_value(_place(document, operation.from_))))


def _test(document: Any, operation: _Operation) -> None:
    if not _is_same(_value(_place(document, operation.path)), bytes(operation.value)):
        raise _Refused


_APPLY: Final[Mapping[str, Callable[[Any, _Operation], None]]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _apply(document: Any, operation: _Operation) -> None:
    if operation.op not in _APPLY:
        raise _Refused
    _APPLY[operation.op](document, operation)


def _decoded(value: msgspec.Raw) -> Any:
    return msgspec.json.decode(value)


def _is_same(value: Any, wanted: bytes) -> bool:
    """Whether a value is spelled so; objects and lists are compared member by member."""
    text = wanted.strip()
    if text.startswith(b"{"):
        members = _MEMBERS.decode(text)
        return (
            isinstance(value, dict)
            and value.keys() == members.keys()
            and all(_is_same(value[key], bytes(member)) for key, member in members.items())
        )
    if text.startswith(b"["):
        items = _ITEMS.decode(text)
        return (
            isinstance(value, list)
            and len(value) == len(items)
            and all(_is_same(one, bytes(item)) for one, item in zip(value, items, strict=True))
        )
    return not isinstance(value, dict | list) and dumps(value) == text
