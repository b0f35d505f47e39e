"""Values → plain JSON data, and lists → their items.

Invariant: no message quotes a value, because it may be a Secret's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from genreconcile.errors import LoadError
from genreconcile.gojson import TooLargeError, encode, loads
from genreconcile.manifests.usable import is_list
from genreconcile.objects import Object
from genreconcile.pointer import join_pointer

# A little below Python's limit on the digits of an int as text.
_MAX_BITS = 10_000


def plain(value: Any, origin: str, data: bytes | bytearray = b"") -> Object:
    """A deep copy made of dict, list, str, int, float, bool and None. Raises LoadError, which names the place of any
    other value. ``data`` is the value's JSON, if it is known.
    """
    if not isinstance(value, Mapping):
        raise LoadError(
            f"{origin}: not an object: {type(value).__name__}; give a mapping (for objects of the Kubernetes client: "
            "ApiClient().sanitize_for_serialization(obj))",
            code="GR206",
        )
    try:
        # Fast: a value that JSON cannot hold does not survive unchanged, whatever the encoder makes of it.
        copied = loads(data or encode(value))
        if copied == value:
            return copied  # type: ignore[no-any-return]  # a mapping, as value is one
    except TooLargeError as error:
        raise LoadError(f"{origin}: too large: {error}; split it, or do not repeat its parts", code="GR205") from None
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        pass
    try:
        return _copy(value, origin, ())  # type: ignore[no-any-return]  # a mapping, as value is one
    except RecursionError:
        raise LoadError(f"{origin}: not JSON: circular, or nested too deeply; give a tree", code="GR205") from None


def _copy(value: Any, origin: str, place: tuple[str | int, ...]) -> Any:
    if isinstance(value, Mapping):
        if bad := [key for key in value if not isinstance(key, str)]:
            # Keys such as 8080 and true are shown; the text of others may be long.
            shown = str(bad[0]) if isinstance(bad[0], bool | int | float) and _problem(bad[0]) == "" else ""
            raise _not_json(origin, place, f"a key is no string but {shown or type(bad[0]).__name__}; quote it")
        return {_copy(key, origin, place): _copy(item, origin, (*place, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(item, origin, (*place, index)) for index, item in enumerate(value)]
    if problem := _problem(value):
        raise _not_json(origin, place, problem)
    # Subclasses, such as members of a StrEnum, become plain.
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool) or value is None:
        return value
    return int(value) if isinstance(value, int) else float(value)


def _problem(value: Any) -> str:
    """The problem that keeps a scalar from being JSON for an API server; "" for none."""
    if isinstance(value, float) and not math.isfinite(value):
        return "not a finite number; leave it out"
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return "the number is too long; write it as a string"
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return "the string has half of a surrogate pair; correct it"
    if value is None or isinstance(value, str | int | float):
        return ""
    return f"{type(value).__name__}; give a string, number, boolean, list, mapping or null"


def _not_json(origin: str, place: tuple[str | int, ...], problem: str) -> LoadError:
    return LoadError(f"{origin}: not JSON at {join_pointer(place) or 'the top'}: {problem}", code="GR207")


def flatten(obj: Object, origin: str) -> Iterator[tuple[Any, str]]:
    """The objects of a list (a nameless ``kind: …List`` with ``items``), or the object itself, each with its origin."""
    pending: list[tuple[Any, str]] = [(obj, origin)]
    while pending:
        found, place = pending.pop()
        if not is_list(found):
            yield found, place
            continue
        items = [(_typed(item, found), f"{place} items[{index}]") for index, item in enumerate(found["items"] or ())]
        pending += reversed(items)


def _typed(item: Any, collection: Object) -> Any:
    """The item with apiVersion and kind, which the API server leaves out in a typed list (``kind: FooList``)."""
    kind = str(collection["kind"]).removesuffix("List")
    if not kind or not isinstance(item, dict) or "kind" in item or "apiVersion" in item:
        return item
    return {"apiVersion": collection.get("apiVersion"), "kind": kind, **item}
