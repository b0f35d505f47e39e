"""The types of built-in kinds, as the recorded OpenAPI documents describe them.

Invariant: a type is read once, when it is first asked for, and never changed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from genreconcile.testing.fake.kinds import Kind, recorded

_DATA = Path(__file__).parents[1] / "data"
_GVK = "x-kubernetes-group-version-kind"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
METADATA: Final = f"{_META}.ObjectMeta"
"""The name of the type of every object's metadata."""
_REFERENCE = "#/components/schemas/"
_FORMATS = {"byte": "bytes", "int-or-string": "int-or-string"}
_NAMED = {
    f"{_META}.Time": "time",
    f"{_META}.MicroTime": "microtime",
    f"{_META}.FieldsV1": "any",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
}
SCALARS = frozenset(
    {"string", "integer", "number", "boolean", "bytes", "time", "microtime", "quantity", "int-or-string"}
)
"""The shapes of types that are no object, map, list or free JSON."""


class _Missing:
    """A field that Go does not write where it is not set."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


class Field:
    """A field of an object. ``empty`` is what Go writes where nothing is set, MISSING for nothing.

    ``is_value``: its zero is the same as no field. ``go_type`` as Go's messages spell it.
    ``is_dropped``: it belongs to a feature that is off.
    """

    __slots__ = ("empty", "go_type", "is_dropped", "is_value", "type")

    def __init__(self, type_: Type, empty: Any, go_type: str, *, is_value: bool, is_dropped: bool) -> None:
        self.type, self.empty, self.is_value, self.is_dropped = type_, empty, is_value, is_dropped
        self.go_type = go_type or type_.go_type


class Type:
    """A type. ``shape`` is ``object map list any`` or one of SCALARS.

    ``items`` is the type of a list's members or a map's values; of ``any`` that of an object that may stand there.
    ``list_type`` and ``map_keys`` tell how the server merges a list.
    """

    def __init__(self, schema: Mapping[str, Any], name: str = "") -> None:
        self.name = name
        self._schema = schema
        self.shape = _shape(schema, name)
        self.list_type: str = schema.get("x-kubernetes-list-type", "")
        self.map_keys: tuple[str, ...] = tuple(schema.get("x-kubernetes-list-map-keys", ()))
        self.required = frozenset(schema.get("required", ()))

    def __repr__(self) -> str:
        return f"Type({self.name or self.shape})"

    @functools.cached_property
    def fields(self) -> Mapping[str, Field]:
        """By name."""
        return {name: self._field(name, schema) for name, schema in self._schema.get("properties", {}).items()}

    @functools.cached_property
    def items(self) -> Type | None:
        """See the class."""
        if self.name in encoding()["alternatives"]:
            return named(encoding()["alternatives"][self.name])
        schema = self._schema.get("items", self._schema.get("additionalProperties"))
        return type_of(schema) if schema else None

    @functools.cached_property
    def go_type(self) -> str:
        """As Go's messages spell it."""
        if self.shape == "list":
            return f"[]{self.items.go_type if self.items else ''}"
        if self.shape == "map":
            return f"map[string]{self.items.go_type if self.items else ''}"
        if self.name and self.shape not in SCALARS:
            return ".".join(self.name.split(".")[-2:])
        plain = {"boolean": "bool", "number": "float64", "bytes": "[]uint8", "int-or-string": "int32"}
        if self.shape == "integer":
            return str(self._schema.get("format", "int64"))
        return plain.get(self.shape, "string")

    def _field(self, name: str, schema: Mapping[str, Any]) -> Field:
        type_ = type_of(schema)
        known = encoding()
        empty = self._empty(name, type_, schema)
        is_value = name in known["values"].get(self.name, ()) or empty not in (MISSING, None)
        go_type = known["types"].get(self.name, {}).get(name, "")
        return Field(type_, empty, go_type, is_value=is_value, is_dropped=name in known["dropped"].get(self.name, ()))

    def _empty(self, name: str, type_: Type, schema: Mapping[str, Any]) -> Any:
        """What the documents tell of it: of what Go writes always they have a ``default``, or it is required."""
        if name in encoding()["omitted"].get(self.name, ()):
            return MISSING
        if name in encoding()["written"].get(self.name, ()):
            return "0" if type_.shape == "quantity" else None
        if type_.shape == "int-or-string":
            return 0 if name in self.required else MISSING
        default = schema.get("default", MISSING)
        return default if default in ("", 0, False) or type_.shape == "object" else MISSING


def _shape(schema: Mapping[str, Any], name: str) -> str:
    if name in _NAMED:
        return _NAMED[name]
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    declared: str = schema.get("type", "any")
    if declared == "array":
        return "list"
    if declared == "object":
        return "map" if "additionalProperties" in schema else "object"
    return declared


@functools.cache
def encoding() -> Mapping[str, Any]:
    """What the documents do not tell of Go's types, recorded; by type, the names of fields.

    ``values``: whose zero means not set; ``written``: lists and such that are written where not set; ``omitted``: what
    is not written though the documents look so; ``dropped``: those of features that are off; ``types``: Go types by
    field; ``alternatives``: types by type.
    """
    found: Mapping[str, Any] = yaml.safe_load((_DATA / "encoding.yaml").read_text("utf-8"))
    return found


@functools.cache
def _schemas() -> Mapping[str, Mapping[str, Any]]:
    documents = recorded().values()
    return {name: schema for document in documents for name, schema in document["components"]["schemas"].items()}


@functools.cache
def named(name: str) -> Type:
    """A type by its name in the documents. Raises KeyError."""
    return Type(_schemas()[name], name)


def type_of(schema: Mapping[str, Any]) -> Type:
    """The type of a field's or a member's schema."""
    for inner in (schema, *schema.get("allOf", ())):
        if "$ref" in inner:
            return named(inner["$ref"].removeprefix(_REFERENCE))
    return Type(schema)


@functools.cache
def _roots() -> Mapping[tuple[str, str, str], str]:
    return {
        (gvk["group"], gvk["version"], gvk["kind"]): name
        for name, schema in _schemas().items()
        for gvk in schema.get(_GVK, ())
    }


def root_of(kind: Kind) -> Type | None:
    """The type of a kind's objects, None for a kind that no recorded document describes."""
    name = _roots().get((kind.group, kind.version, kind.kind))
    return None if name is None else named(name)
