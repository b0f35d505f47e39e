"""Structural schemas of CustomResourceDefinitions: what is pruned, what is filled in, and what is refused.

Invariant: pure; neither objects nor schemas are changed. Of rules in CEL only ``self == oldSelf`` is evaluated.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from genreconcile.gojson import dumps
from genreconcile.testing.fake.copying import copied, is_same

Schema = Mapping[str, Any]
PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
_INT_OR_STRING: Final = "x-kubernetes-int-or-string"
_RULES: Final = "x-kubernetes-validations"
_SYSTEM: Final = frozenset({"apiVersion", "kind", "metadata"})


BLOCKING: Final = frozenset({
    "FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid",
})  # fmt: skip
"""The reasons of causes after which rules in CEL are not looked at."""
ABSENT: Final = object()
"""In place of a value that was not there."""


class Cause(NamedTuple):
    """Why an object is refused, as in ``details.causes`` of a Status."""

    reason: str
    message: str
    field: str


def pruned(value: Any, schema: Schema, *, is_root: bool = True) -> Any:
    """A copy without the fields that the schema does not know."""
    if isinstance(value, list):
        items = _items(schema)
        return [pruned(item, items, is_root=False) for item in value]
    if not isinstance(value, dict):
        return copied(value)
    return {
        key: pruned(entry, field, is_root=False) if field is not None else copied(entry)
        for key, entry in value.items()
        for field in (field_of(schema, key),)
        if field is not None or _keeps(schema, key, is_root=is_root)
    }


def unknown(
    value: Any, schema: Schema, path: str = "", *, is_root: bool = True, is_apply: bool = False
) -> Iterator[str]:
    """The paths of the fields that are pruned, such as ``spec.items[0].a``; with ``is_apply`` those that it refuses."""
    if is_apply and schema.get(_INT_OR_STRING):
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown(item, _items(schema), f"{path}[{index}]", is_root=False, is_apply=is_apply)
    elif isinstance(value, dict):
        for key, entry in value.items():
            field = field_of(schema, key)
            place = f"{path}.{key}" if path else key
            if field is not None:
                yield from unknown(entry, field, place, is_root=False, is_apply=is_apply)
            elif not _keeps(schema, key, is_root=is_root):
                yield place


def defaulted(value: Any, schema: Schema) -> Any:
    """A copy with the defaults of missing fields; a null at a field that is not nullable is a missing one."""
    if isinstance(value, list):
        items = schema.get("items")
        return [defaulted(item, items) for item in value] if items else copied(value)
    if not isinstance(value, dict):
        return value
    found = {}
    for key, entry in value.items():
        field = field_of(schema, key)
        if field is None:
            found[key] = copied(entry)
        elif entry is not None or field.get("nullable"):
            found[key] = defaulted(entry, field)
    for key, field in (schema.get("properties") or {}).items():
        if key not in found and field.get("default") is not None:
            found[key] = defaulted(field["default"], field)
    return found


def _items(schema: Schema) -> Schema:
    """The schema of the members of what is a list, whether or not it should be one."""
    return schema.get("items") or ({PRESERVE: True} if schema.get(PRESERVE) else {})


def field_of(schema: Schema, key: str) -> Schema | None:
    """The schema of a member, None where the schema names none."""
    field = (schema.get("properties") or {}).get(key, schema.get("additionalProperties"))
    return {PRESERVE: True} if field is True else field or None if field is not None else None


def _keeps(schema: Schema, key: str, *, is_root: bool) -> bool:
    embedded = is_root or schema.get(EMBEDDED)
    return bool(schema.get(PRESERVE)) or (bool(embedded) and key in _SYSTEM)


def problems(value: Any, schema: Schema, path: str = "", old: Any = ABSENT) -> Iterator[Cause]:
    """What the schema refuses in an object, or in a part of it at ``path``.

    What is as it was in ``old`` is not looked at again, as in CRD validation ratcheting.
    """
    if (value is None and schema.get("nullable")) or (path and old is not ABSENT and is_same(value, old)):
        return
    if wrong := _wrong_type(value, schema, path):
        yield wrong
        if value is None:
            return
    yield from _of_enum(value, schema, path)
    if path and old is not ABSENT:
        yield from _of_transitions(value, schema, path)
    if isinstance(value, bool):
        return
    if isinstance(value, str):
        yield from _of_text(value, schema, path)
    elif isinstance(value, int | float):
        yield from _of_number(value, schema, path)
    elif isinstance(value, list):
        yield from _of_list(value, schema, path, old)
    elif isinstance(value, dict):
        yield from _of_object(value, schema, path, old)


def has_rules(schema: Any) -> bool:
    """Whether there are rules in CEL anywhere in a schema."""
    if isinstance(schema, Mapping):
        return _RULES in schema or any(has_rules(entry) for entry in schema.values())
    return isinstance(schema, list) and any(map(has_rules, schema))


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _wrong_type(value: Any, schema: Schema, path: str) -> Cause | None:
    if schema.get(_INT_OR_STRING):
        is_right = isinstance(value, int | str) and not isinstance(value, bool)
        wanted = "integer,string"
    else:
        wanted = schema.get("type", "")
        if not wanted:
            return None
        is_right = isinstance(value, _TYPES[wanted]) and (wanted == "boolean" or not isinstance(value, bool))
        is_right |= wanted == "integer" and isinstance(value, float) and value.is_integer()
    if is_right:
        return None
    name = _name_of(value)
    text = f'{path} in body must be of type {wanted}: "{name}"'
    return Cause("FieldValueTypeInvalid", f'Invalid value: "{name}": {text}', path)


def _name_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return names[type(value)]


def _shown(value: Any) -> str:
    return dumps(value).decode()


def _of_transitions(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    """What may not become another value. Of the rules in CEL, this is the one that is evaluated."""
    for rule in schema.get(_RULES) or ():
        if "".join(rule["rule"].split()) in {"self==oldSelf", "oldSelf==self"}:
            text = rule.get("message") or f"failed rule: {rule['rule']}"
            reason = rule.get("reason") or "FieldValueInvalid"
            name = "Forbidden" if reason == "FieldValueForbidden" else f'Invalid value: "{_name_of(value)}"'
            yield Cause(reason, f"{name}: {text}", path)


def _of_enum(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    allowed = schema.get("enum")
    if allowed and value not in allowed:
        texts = ", ".join(_shown(one) for one in allowed)
        yield Cause("FieldValueNotSupported", f"Unsupported value: {_shown(value)}: supported values: {texts}", path)


def _of_text(value: str, schema: Schema, path: str) -> Iterator[Cause]:
    pattern, longest, shortest = schema.get("pattern"), schema.get("maxLength"), schema.get("minLength")
    if longest is not None and len(value) > longest:
        yield Cause("FieldValueTooLong", f"Too long: may not be more than {longest} bytes", path)
    if shortest is not None and len(value) < shortest:
        yield _invalid(value, path, f"should be at least {shortest} chars long")
    if pattern and not re.search(pattern, value):
        yield _invalid(value, path, f"should match '{pattern}'")


def _of_number(value: float, schema: Schema, path: str) -> Iterator[Cause]:
    most, least, step = schema.get("maximum"), schema.get("minimum"), schema.get("multipleOf")
    if most is not None and (value >= most if schema.get("exclusiveMaximum") else value > most):
        than = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        yield _invalid(value, path, f"should be {than} {_shown(most)}")
    if least is not None and (value <= least if schema.get("exclusiveMinimum") else value < least):
        than = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        yield _invalid(value, path, f"should be {than} {_shown(least)}")
    if step and value % step:
        yield _invalid(value, path, f"should be a multiple of {_shown(step)}")


def _invalid(value: Any, path: str, text: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {_shown(value)}: {path} in body {text}", path)


def _of_list(value: list[Any], schema: Schema, path: str, old: Any) -> Iterator[Cause]:
    most, least = schema.get("maxItems"), schema.get("minItems")
    if most is not None and len(value) > most:
        yield Cause("FieldValueTooMany", f"Too many: {len(value)}: must have at most {most} items", path)
    if least is not None and len(value) < least:
        yield _invalid(value, path, f"should have at least {least} items")
    items = schema.get("items")
    for index, item in enumerate(value if items else ()):
        yield from problems(item, items or {}, f"{path}[{index}]", _counterpart(item, schema, old))
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    seen: list[Any] = []
    for index, item in enumerate(value):
        identity = item
        if keys and isinstance(item, dict):
            identity = {key: item[key] for key in keys if key in item}
        if schema.get("x-kubernetes-list-type") in {"map", "set"} and identity in seen:
            yield Cause("FieldValueDuplicate", f"Duplicate value: {_shown(identity)}", f"{path}[{index}]")
        seen.append(identity)


def _counterpart(item: Any, schema: Schema, old: Any) -> Any:
    """What a member of a list was, where the list tells its members apart."""
    keys = schema.get("x-kubernetes-list-map-keys")
    if not keys or not isinstance(old, list) or not isinstance(item, dict):
        return ABSENT
    alike = (one for one in old if isinstance(one, dict) and all(one.get(key) == item.get(key) for key in keys))
    return next(alike, ABSENT)


def _of_object(value: dict[str, Any], schema: Schema, path: str, old: Any) -> Iterator[Cause]:
    for key in schema.get("required") or ():
        if key not in value:
            yield Cause("FieldValueRequired", "Required value", f"{path}.{key}" if path else key)
    most = schema.get("maxProperties")
    if most is not None and len(value) > most:
        yield Cause("FieldValueTooMany", f"Too many: {len(value)}: must have at most {most} items", path)
    for key, entry in value.items():
        field = field_of(schema, key)
        if field is not None and not (not path and key in _SYSTEM):
            was = old.get(key, ABSENT) if isinstance(old, Mapping) else ABSENT
            yield from problems(entry, field, f"{path}.{key}" if path else key, was)
