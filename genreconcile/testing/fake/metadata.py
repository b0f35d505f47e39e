"""What the server asks of metadata: names, labels, annotations, finalizers, owners, and what nobody may change.

Invariant: pure. Source: k8s.io/apimachinery/pkg/api/validation/objectmeta.go of Kubernetes 1.37.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from genreconcile.gojson import dumps
from genreconcile.testing.fake.kinds import Kind, Place, data, places_of
from genreconcile.testing.fake.options import FOREGROUND, ORPHAN
from genreconcile.testing.fake.structural import Cause

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE: Final = f"({_QUALIFIED})?"
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


@functools.cache
def _rules() -> Mapping[Place, str]:
    return {place: rule for rule, names in data("names").items() for place in places_of(names)}


def _name(name: str, kind: Kind) -> list[str]:
    return _CHECKS[_rules().get(kind.place, "subdomain")](name)


def _of_pattern(pattern: str, longest: int, what: str, *examples: str) -> Callable[[str], list[str]]:
    shown = "' or '".join(examples)

    def check(text: str) -> list[str]:
        found = [f"must be no more than {longest} bytes"] if len(text.encode()) > longest else []
        if not re.fullmatch(pattern, text, re.ASCII):
            shape = f"(e.g. '{shown}', regex used for validation is '{pattern}')"
            found.append(f"{what} {shape}")
        return found

    return check


def _path(name: str) -> list[str]:
    if name in {".", ".."}:
        return [f"may not be '{name}'"]
    return [f"may not contain '{character}'" for character in "/%" if character in name]


_ALPHANUMERIC: Final = "must start and end with an alphanumeric character"
_LOWER: Final = "must consist of lower case alphanumeric characters"
_CHECKS: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "subdomain": _of_pattern(
        _SUBDOMAIN, 253, f"a lowercase RFC 1123 subdomain {_LOWER}, '-' or '.', and {_ALPHANUMERIC}", "example.com"
    ),
    "label": _of_pattern(
        _LABEL, 63, f"a lowercase RFC 1123 label {_LOWER} or '-', and {_ALPHANUMERIC}", "my-name", "123-abc"
    ),
    "label1035": _of_pattern(
        _LABEL_1035,
        63,
        f"a DNS-1035 label {_LOWER} or '-', start with an alphabetic character, and end with an alphanumeric character",
        "my-name",
        "abc-123",
    ),
    "path": _path,
}
_NAME_PART: Final = _of_pattern(
    _QUALIFIED,
    63,
    f"name part must consist of alphanumeric characters, '-', '_' or '.', and {_ALPHANUMERIC}",
    "MyName",
    "my.name",
    "123-abc",
)
_VALUE_PART: Final = _of_pattern(
    _VALUE,
    63,
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
    f"{_ALPHANUMERIC}",
    "MyValue",
    "my_value",
    "12345",
)


def _qualified(text: str) -> list[str]:
    """What is wrong with a name such as ``example.com/name``."""
    prefix, slash, name = text.partition("/")
    if "/" in name:
        return ["a qualified name must consist of a prefix and a name"]
    if not slash:
        prefix, name = "", text
    wrong = [f"prefix part {told}" for told in _CHECKS["subdomain"](prefix)] if slash else []
    if not name:
        return [*wrong, "name part must be non-empty", *_NAME_PART(name)]
    return wrong + _NAME_PART(name)


def _common(metadata: Mapping[str, Any]) -> Iterator[Cause]:
    for key, value in (metadata.get("labels") or {}).items():
        yield from (_invalid("labels", key, text) for text in _qualified(key))
        yield from (_invalid("labels", value, text) for text in _VALUE_PART(value))
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        yield from (_invalid("annotations", key, text) for text in _qualified(key.lower()))
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
        yield from (_invalid("finalizers", name, text) for text in _qualified(name))
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
