"""What the server asks of metadata: names, labels, annotations, finalizers, owners, and what nobody may change.

Invariant: pure. Source: k8s.io/apimachinery/pkg/api/validation/objectmeta.go of Kubernetes 1.37.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from genreconcile.gojson import dumps
from genreconcile.testing.fake.builtin import names
from genreconcile.testing.fake.builtin.tables import name_of, table
from genreconcile.testing.fake.kinds import Kind
from genreconcile.testing.fake.options import FOREGROUND, ORPHAN
from genreconcile.testing.fake.places import data
from genreconcile.testing.fake.structural import Cause

_LARGEST_ANNOTATIONS: Final = 256 * 1024
_STANDARD_FINALIZERS: Final = frozenset({FOREGROUND, ORPHAN, "kubernetes"})
_IMMUTABLE: Final = ("uid", "deletionTimestamp", "deletionGracePeriodSeconds")


def problems_of_new(metadata: Mapping[str, Any], kind: Kind) -> Iterator[Cause]:
    """What is refused in the metadata of a new object, which has its name."""
    if prefix := metadata.get("generateName"):
        yield from (_invalid("generateName", prefix, text) for text in _name(_unmasked(prefix), kind))
    yield from (_invalid("name", metadata["name"], text) for text in _name(metadata["name"], kind))
    yield from _common(metadata)
    yield from _of_finalizers(metadata.get("finalizers") or (), kind)


def problems_of_change(metadata: Mapping[str, Any], old: Mapping[str, Any], kind: Kind) -> Iterator[Cause]:
    """What is refused in what became of the metadata of an object."""
    if "deletionTimestamp" in old:
        yield from _of_new_finalizers(metadata.get("finalizers") or (), old.get("finalizers") or ())
    for field in _IMMUTABLE:
        if metadata.get(field) != old.get(field):
            yield _invalid(field, metadata.get(field), "field is immutable")
    if any(metadata.get(field) != old.get(field) for field in ("labels", "annotations", "ownerReferences")):
        yield from _common(metadata)
    if metadata.get("finalizers") != old.get("finalizers"):
        yield from _of_finalizers(metadata.get("finalizers") or (), kind)


def _unmasked(prefix: str) -> str:
    """A prefix as if it were a name: at the end of it a dash is right."""
    return prefix[:-2] + "a" if len(prefix) > 1 and prefix.endswith("-") else prefix


def _name(name: str, kind: Kind) -> Iterator[str]:
    form = "subdomain" if kind.defines else table()["names"].get(name_of(kind), "subdomain")
    return names.NAMES[form](name)


def _common(metadata: Mapping[str, Any]) -> Iterator[Cause]:
    for key, value in (metadata.get("labels") or {}).items():
        yield from (_invalid("labels", key, text) for text in names.qualified(key))
        yield from (_invalid("labels", value, text) for text in names.value(value))
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        yield from (_invalid("annotations", key, text) for text in names.qualified(key.lower()))
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _LARGEST_ANNOTATIONS:
        text = f"Too long: may not be more than {_LARGEST_ANNOTATIONS} bytes"
        yield Cause("FieldValueTooLong", text, "metadata.annotations")
    yield from _of_owners(metadata.get("ownerReferences") or ())


def _of_owners(owners: Sequence[Mapping[str, Any]]) -> Iterator[Cause]:
    for index, owner in enumerate(owners):
        field = f"ownerReferences[{index}]"
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                yield Cause("FieldValueRequired", "Required value: must not be empty", f"metadata.{field}.{name}")
        if f"{owner.get('apiVersion')}/{owner.get('kind')}" in data("places")["banned_owners"]:
            yield _invalid(field, owner, f"{owner['kind']} is disallowed from being an owner")
    controllers = [f"{owner.get('kind')}/{owner.get('name')}" for owner in owners if owner.get("controller")]
    for other in controllers[1:]:
        text = f'Found "true" in references for {controllers[0]} and {other}'
        yield _invalid("ownerReferences", owners, f"Only one reference can have Controller set to true. {text}")


def _of_finalizers(finalizers: Sequence[str], kind: Kind) -> Iterator[Cause]:
    for index, name in enumerate(finalizers):
        yield from (_invalid("finalizers", name, text) for text in names.qualified(name))
        if not kind.defines and "/" not in name and name not in _STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            yield _invalid(f"finalizers[{index}]", name, text)
    if {FOREGROUND, ORPHAN} <= set(finalizers):
        yield _invalid("finalizers", finalizers, f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set")


def _of_new_finalizers(finalizers: Sequence[str], old: Sequence[str]) -> Iterator[Cause]:
    if new := sorted(set(finalizers) - set(old)):
        quoted = ", ".join(f'"{name}"' for name in new)
        text = "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
        yield Cause("FieldValueForbidden", f"{text}[]string{{{quoted}}}", "metadata.finalizers")


def _invalid(field: str, value: Any, text: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {dumps(value).decode()}: {text}", f"metadata.{field}")
