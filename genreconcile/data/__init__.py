"""The YAML files beside this module, in which knowledge of kinds, tools and texts stands, and their one loader.

Invariant: each file is read once, at its first use, and has the shape that ``shapes`` gives it; a file that has another
is refused with its name and the key. What is returned is shared, and nobody changes it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, TypeVar, cast

import msgspec
import yaml

from genreconcile.data.shapes import (
    Access,
    ApplySet,
    Deletion,
    Doctor,
    Entry,
    Errors,
    Exclusive,
    File,
    Heartbeats,
    Immutable,
    Managers,
    Mask,
    Order,
    Own,
    Types,
)
from genreconcile.data.steps import Readiness

__all__ = [
    "Access",
    "ApplySet",
    "Deletion",
    "Doctor",
    "Errors",
    "Exclusive",
    "Heartbeats",
    "Immutable",
    "Managers",
    "Mask",
    "Order",
    "Own",
    "Readiness",
    "Types",
    "shipped",
    "told",
]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Shape = TypeVar("Shape", bound=File)
Told = TypeVar("Told", bound=Entry)

_PLACE: Final = re.compile(r" - at (?:`key` in )?`\$\.?(?P<place>.*)`$")
_FIELD: Final = re.compile(r"Object (?P<what>missing required|contains unknown) field `(?P<field>.*)`")
_SAID: Final = {"missing required": "is missing", "contains unknown": "is no key here"}


def shipped(shape: type[Shape]) -> Shape:
    """The content of the file with this shape. Raises ValueError as ``checked`` does."""
    return cast("Shape", _shipped(shape))


@functools.cache
def _shipped(shape: type[File]) -> File:
    text = (resources.files(__name__) / shape.name).read_text("utf-8")
    return checked(shape, yaml.load(text, _Loader))  # noqa: S506 -- one of the two safe loaders


def checked(shape: type[Shape], content: Any) -> Shape:
    """What a file holds, as this shape. Raises ValueError, whose text names the file and the key."""
    try:
        return told(content, shape)
    except ValueError as error:
        raise ValueError(f"{shape.name}: {error}") from None


def told(content: Any, shape: type[Told]) -> Told:
    """A part of a file as this shape. Raises ValueError, whose text begins with the key."""
    try:
        return msgspec.convert(content, shape, strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(_told(str(error), shape, content)) from None


def _told(fault: str, shape: type[Entry], content: Any) -> str:
    """What msgspec says, with the key in front."""
    found = _PLACE.search(fault)
    what, place = (fault[: found.start()], found["place"]) if found else (fault, "")
    name, is_free, rest = place.partition("[...]")
    if isinstance(content, Mapping) and name in content and (is_free or "`key` in" in fault):
        place = f"{name}[{_free_key(fault, name, shape, content)}]{rest}"
    field = _FIELD.fullmatch(what)
    if field:
        place, what = f"{place}.{field['field']}".lstrip("."), _SAID[field["what"]]
    return f"{place}: {what}" if place else what


def _free_key(fault: str, name: str, shape: type[Entry], content: Mapping[str, Any]) -> Any:
    """The key in the mapping ``name``, which msgspec does not say: that of the entry that alone has the fault."""

    def has_it(key: Any) -> bool:
        try:
            msgspec.convert({**content, name: {key: content[name][key]}}, shape, strict=True)
        except msgspec.ValidationError as error:
            return str(error) == fault
        return False

    return next(filter(has_it, content[name]))
