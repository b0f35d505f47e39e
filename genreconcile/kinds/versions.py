"""The defaults that an object gains from its stored version, laid into the schema of the version that is read.

The API server fills defaults in when it reads an object from etcd, by the schema of the version in which the object
lies there, and then converts it; fields that the version that is read does not know are dropped. A write through the
version that is read gets the defaults of that version, and loses fields that the stored version does not know.

Invariant: pure: schemas in, schemas out; neither is changed. Without stored versions the schema stays what it is.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

JSONSchema = Mapping[str, Any]

ALSO: Final = "x-genreconcile-also"
"""At a field's schema: further values that the server may have filled in there."""
NULL: Final = "x-genreconcile-null"
"""At a field's schema: the value that a null becomes there."""
IN_MAPPING: Final = "x-genreconcile-in-mapping"
"""At a schema that allows anything: the schema of a mapping that stands there."""
_PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED: Final = "x-kubernetes-embedded-resource"
_IDENTITY: Final = frozenset({"apiVersion", "kind", "metadata"})
_UNKNOWN: Final[JSONSchema] = {_PRESERVE: True, "nullable": True}


class Stored(NamedTuple):
    """The schemas of a kind in the other versions in which its objects may lie in etcd; ``written`` is that of the
    version in which they are written, None where that is the version that is read, or not known. ``is_converted``: a
    webhook may convert objects, and move any value elsewhere.
    """

    schemas: tuple[JSONSchema, ...] = ()
    written: JSONSchema | None = None
    is_converted: bool = False


HERE_ALONE: Final = Stored()
"""Objects lie in etcd in the version that is read, as far as is known."""


def overlaid(schema: JSONSchema, stored: Stored) -> JSONSchema:
    """The schema of a kind's root in one version, with the defaults that objects stored in others gain and lose."""
    if stored.written is not None:
        schema = _held(schema, stored.written, _IDENTITY)
    return _laid(schema, stored.schemas, _IDENTITY)


def _held(schema: JSONSchema, written: JSONSchema, without: Iterable[str] = ()) -> JSONSchema:
    """The schema, with the defaults that an object has after a write: its own, as far as the written version keeps
    them, and where it has none, those that the written version fills in when the object is read.
    """
    result, own = dict(schema), _mapping(schema.get("properties"))
    fields = {
        key: field if key in without else _held_field(key, _mapping(field), written) for key, field in own.items()
    }
    if schema.get(_PRESERVE) and (schema.get("type") or own):
        others = {
            key: _with_null(_UNKNOWN, _mapping(field)) for key, field in _mapping(written.get("properties")).items()
        }
        fields = {key: field for key, field in others.items() if NULL in field and key not in without} | fields
    if fields:
        result["properties"] = fields
    for below in ("items", "additionalProperties"):
        if isinstance(schema.get(below), Mapping) and isinstance(written.get(below), Mapping):
            result[below] = _held(schema[below], written[below])
    return result


def _held_field(key: str, field: JSONSchema, written: JSONSchema) -> JSONSchema:
    fields = _mapping(written.get("properties"))
    if key not in fields:
        if written.get(_PRESERVE) or isinstance(written.get("additionalProperties"), Mapping):
            return field
        return {name: value for name, value in field.items() if name != "default"}
    other = _mapping(fields[key])
    held = _with_null(_held(field, other), other)
    if "default" in field:
        return {**held, "default": pruned(field["default"], other)}
    # A container is repaired piece by piece. A scalar is better removed, for it may be of another type in that version.
    if isinstance(other.get("default"), dict | list) and field.get("type") == other.get("type"):
        return {**held, "default": pruned(other["default"], field)}
    return held


def _with_null(field: JSONSchema, written: JSONSchema) -> JSONSchema:
    """The field, with the value that its null becomes: where the written version allows no null, the null is pruned
    before defaults are filled in.
    """
    if not field.get("nullable") or written.get("nullable") or "default" not in written:
        return field
    return {**field, NULL: pruned(filled(written["default"], written), field)}


def _laid(schema: JSONSchema, stored: Sequence[JSONSchema], without: Iterable[str] = ()) -> JSONSchema:
    if not stored:
        return schema
    result = dict(schema)
    if fields := _fields(schema, stored, without):
        is_open = not schema.get("type") and not _mapping(schema.get("properties"))
        if is_open:
            result[IN_MAPPING] = {"type": "object", _PRESERVE: True, "properties": fields}
        else:
            result["properties"] = fields
    for below in ("items", "additionalProperties"):
        if isinstance(schema.get(below), Mapping):
            result[below] = _laid(schema[below], _mappings(other.get(below) for other in stored))
    return result


def _fields(schema: JSONSchema, stored: Sequence[JSONSchema], without: Iterable[str]) -> dict[str, JSONSchema]:
    """The fields of an object; where unknown ones are kept, also those that only a stored version knows."""
    own = _mapping(schema.get("properties"))
    known = [_mapping(other.get("properties")) for other in stored]
    names = dict.fromkeys(own)
    if schema.get(_PRESERVE):
        names |= dict.fromkeys(name for fields in known for name in fields if name not in without)
    found = {}
    for name in names:
        field = _mapping(own.get(name, _UNKNOWN))
        others = _mappings(fields.get(name) for fields in known)
        found[name] = field if name in without or not others else _field(field, others)
    return found


def _field(field: JSONSchema, stored: Sequence[JSONSchema]) -> JSONSchema:
    also: list[Any] = []
    for default in _gained(field, stored):
        if default is not None and not _is_among(default, [field.get("default"), *also]):
            also.append(default)
    laid = _laid(field, stored)
    return {**laid, ALSO: also} if also else laid


def _gained(field: JSONSchema, stored: Sequence[JSONSchema]) -> Iterator[Any]:
    """What the field keeps of the defaults of the stored versions, and what these keep of the field's own."""
    for other in stored:
        if "default" in other:
            yield pruned(other["default"], field)
            yield pruned(filled(other["default"], other), field)
        if isinstance(field.get("default"), dict | list):
            yield pruned(field["default"], other)


def _is_among(value: Any, others: Iterable[Any]) -> bool:
    return any(type(value) is type(other) and value == other for other in others)


def filled(value: Any, schema: JSONSchema) -> Any:
    """A value with the defaults of the fields that it lacks, in a copy; a null that a schema does not allow counts as
    lacking where there is a default.
    """
    if isinstance(value, list):
        items = schema.get("items")
        return [filled(member, items) for member in value] if isinstance(items, Mapping) else value
    if not isinstance(value, Mapping):
        return value
    fields, others = _mapping(schema.get("properties")), _mapping(schema.get("additionalProperties"))
    result = {key: filled(entry, _mapping(fields.get(key, others))) for key, entry in value.items()}
    for name, found in fields.items():
        field = _mapping(found)
        is_lacking = name not in value or (value[name] is None and not field.get("nullable"))
        if "default" in field and is_lacking:
            result[name] = filled(field["default"], field)
    return result


def pruned(value: Any, schema: JSONSchema) -> Any:
    """A value without the fields that a schema does not know."""
    if isinstance(value, list):
        items = schema.get("items")
        return [pruned(member, items) for member in value] if isinstance(items, Mapping) else value
    if not isinstance(value, Mapping):
        return value
    fields, others = _mapping(schema.get("properties")), schema.get("additionalProperties")
    # The documents refer to a type of their own for the metadata of an embedded object.
    kept = _IDENTITY if schema.get(_EMBEDDED) else frozenset()
    result = {}
    for key, entry in value.items():
        if key in kept:
            result[key] = entry
        elif key in fields:
            result[key] = pruned(entry, _mapping(fields[key]))
        elif isinstance(others, Mapping):
            result[key] = pruned(entry, others)
        elif schema.get(_PRESERVE):
            result[key] = entry
    return result


def _mapping(value: Any) -> JSONSchema:
    return value if isinstance(value, Mapping) else {}


def _mappings(values: Iterable[Any]) -> list[JSONSchema]:
    return [value for value in values if isinstance(value, Mapping)]
