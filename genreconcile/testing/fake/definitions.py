"""What the server refuses in the definition of a custom kind.

Invariant: pure. Not all of what a real server looks at: names, versions, and whether schemas are structural.
Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation of Kubernetes 1.37.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from genreconcile.gojson import dumps
from genreconcile.testing.fake import structural
from genreconcile.testing.fake.structural import Cause

_OF_ONE: Final = "spec.versions[{}].schema.openAPIV3Schema"
_OF_ALL: Final = "spec.validation.openAPIV3Schema"
_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")


def problems(definition: Mapping[str, Any]) -> Iterator[Cause]:
    """What is refused in a definition."""
    spec = definition.get("spec") or {}
    names, versions = spec.get("names") or {}, spec.get("versions") or []
    expected = f"{names.get('plural')}.{spec.get('group')}"
    if (name := definition["metadata"].get("name")) != expected:
        yield _invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    if spec.get("scope") not in {"Cluster", "Namespaced"}:
        yield _required("spec.scope") if not spec.get("scope") else _unknown("spec.scope", spec["scope"])
    for field in ("plural", "kind"):
        if not names.get(field):
            yield _required(f"spec.names.{field}")
    if not spec.get("group"):
        yield _required("spec.group")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield _invalid("spec.versions", versions, "must have exactly one version marked as storage version")
    schemas = [(version.get("schema") or {}).get("openAPIV3Schema") for version in versions]
    is_shared = all(schema == schemas[0] for schema in schemas)
    for index, schema in enumerate(schemas):
        if schema is None:
            yield _required(_OF_ONE.format(index), "schemas are required")
        elif index == 0 or not is_shared:
            yield from _of_schema(schema, _OF_ALL if is_shared else _OF_ONE.format(index), "at the root")


def _of_schema(schema: Mapping[str, Any], path: str, where: str) -> Iterator[Cause]:
    wanted = schema.get("type")
    is_free = schema.get(structural.PRESERVE) or schema.get("x-kubernetes-int-or-string")
    if not wanted and (where == "at the root" or not is_free):
        yield _required(f"{path}.type", f"must not be empty {where}")
    if wanted and wanted not in _TYPES:
        yield _unknown(f"{path}.type", wanted)
    if where == "at the root" and wanted not in {None, "object"}:
        yield _invalid(f"{path}.type", wanted, "must be object at the root")
    if wanted == "array" and not schema.get("items"):
        yield _required(f"{path}.items", "must be specified")
    if schema.get("properties") and schema.get("additionalProperties"):
        yield Cause(
            "FieldValueForbidden", "Forbidden: is mutually exclusive with properties", f"{path}.additionalProperties"
        )
    if "default" in schema and wanted in {*_TYPES, None}:
        yield from _of_default(schema, f"{path}.default")
    for name, field in (schema.get("properties") or {}).items():
        yield from _of_schema(field, f"{path}.properties[{name}]", "for specified object fields")
    for name, text in (("items", "array items"), ("additionalProperties", "object fields")):
        if isinstance(schema.get(name), dict):
            yield from _of_schema(schema[name], f"{path}.{name}", f"for specified {text}")


def _of_default(schema: Mapping[str, Any], path: str) -> Iterator[Cause]:
    default = schema["default"]
    if default is None:
        return
    if structural.pruned(default, schema, is_root=False) != default:
        yield _invalid(path, default, "must not have unknown fields")
    for cause in structural.problems(structural.defaulted(default, schema), schema):
        yield Cause(cause.reason, cause.message, path + (f".{cause.field}" if cause.field else ""))


def _required(field: str, text: str = "") -> Cause:
    return Cause("FieldValueRequired", f"Required value: {text}".rstrip(": "), field)


def _unknown(field: str, value: Any) -> Cause:
    return Cause("FieldValueNotSupported", f"Unsupported value: {dumps(value).decode()}", field)


def _invalid(field: str, value: Any, text: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {dumps(value).decode()}: {text}", field)
