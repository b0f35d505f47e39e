"""What is looked at before an object is stored: metadata, and what ``data/validation.yaml`` says of types.

Invariant: what is found is in the server's words. Much is not looked at, above all what no operator gets wrong twice:
volumes, affinities, resources, probes, schedules, addresses, schemas and expressions; the server refuses more.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from genreconcile.testing.fake.builtin import names
from genreconcile.testing.fake.builtin.causes import Cause
from genreconcile.testing.fake.builtin.defaults import Rule, holds, is_unset
from genreconcile.testing.fake.builtin.types import Type, root_of
from genreconcile.testing.fake.kinds import Kind

_DATA = Path(__file__).parents[1] / "data"


@functools.cache
def _table() -> Mapping[str, Sequence[Rule]]:
    found: Mapping[str, Sequence[Rule]] = yaml.safe_load((_DATA / "validation.yaml").read_text("utf-8"))
    return found


def problems(obj: Mapping[str, Any], kind: Kind, form: str) -> list[Cause]:
    """What is wrong with a defaulted object, whose name has one of the forms of ``names.NAMES``."""
    root = root_of(kind)
    found = list(names.of_metadata(obj["metadata"], form))
    return found if root is None else [*found, *_object(obj, root, kind.kind, "", "")]


def _object(value: Mapping[str, Any], type_: Type, kind: str, at: str, path: str) -> Iterator[Cause]:
    there = {name for name in value if not is_unset(value, name, type_)}
    for rule in _table().get(type_.name, ()):
        if holds(rule, value, there, kind, at):
            yield from _of_rule(rule, value, f"{path}." if path else "")
    for name, field in type_.fields.items():
        if name in value and not (name == "status" and not path):
            yield from _inner(value[name], field.type, kind, name, f"{path}.{name}" if path else name)


def _inner(value: Any, type_: Type, kind: str, at: str, path: str) -> Iterator[Cause]:
    if type_.shape == "object" and isinstance(value, dict):
        yield from _object(value, type_, kind, at, path)
    elif type_.shape == "list" and type_.items is not None and isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _inner(entry, type_.items, kind, at, f"{path}[{index}]")


def _of_rule(rule: Rule, value: Mapping[str, Any], path: str) -> Iterator[Cause]:
    if value.get(rule.get("unlessHeadless", "")) == "None":
        return
    missing = {name for name in rule.get("required", ()) if value.get(name) in (None, "", 0, [])}
    yield from (
        Cause.required(path + name, rule["required"][name]) for name in rule.get("required", ()) if name in missing
    )
    yield from _numbers(rule, value, path, missing)
    for name, values in rule.get("supported", {}).items():
        if value.get(name) not in (None, *values):
            yield Cause.unsupported(path + name, value[name], values)
    for name in rule.get("label", ()):
        if value.get(name):
            yield from (Cause.invalid(path + name, value[name], text) for text in names.label(value[name]))
    yield from _lists(rule, value, path)
    for name in rule.get("keys", ()):
        for key in value.get(name) or ():
            yield from (Cause.invalid(f"{path}{name}[{key}]", key, text) for text in names.config_key(key))
    if "selects" in rule and value.get("selector") is not None:
        yield from _selection(rule, value, path)
    if "mounts" in rule:
        yield from _mounts(rule, value, path)


def _numbers(rule: Rule, value: Mapping[str, Any], path: str, missing: set[str]) -> Iterator[Cause]:
    for name, (least, most) in rule.get("range", {}).items():
        number = value.get(name, 0)
        if isinstance(number, int) and name not in missing and not least <= number <= most:
            yield Cause.invalid(path + name, number, f"must be between {least} and {most}, inclusive")
    for name, least in rule.get("least", {}).items():
        if value.get(name) is not None and value[name] < least:
            yield Cause.invalid(path + name, value[name], f"must be greater than or equal to {least}")


def _lists(rule: Rule, value: Mapping[str, Any], path: str) -> Iterator[Cause]:
    members = value.get(rule.get("named", "")) or ()
    for index, entry in enumerate(members):
        if len(members) > 1 and not entry.get("name"):
            yield Cause.required(f"{path}{rule['named']}[{index}].name")
    for name, key in rule.get("distinct", {}).items():
        seen = set()
        for index, entry in enumerate(value.get(name) or ()):
            if entry.get(key) and entry[key] in seen:
                yield Cause.duplicate(f"{path}{name}[{index}].{key}", entry[key])
            seen.add(entry.get(key))


def _selection(rule: Rule, value: Mapping[str, Any], path: str) -> Iterator[Cause]:
    selector = value["selector"]
    labels = ((value.get("template") or {}).get("metadata") or {}).get("labels")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield Cause.invalid(f"{path}selector", selector, f"empty selector is invalid for {rule['selects']}")
    elif any((labels or {}).get(key) != wanted for key, wanted in (selector.get("matchLabels") or {}).items()):
        yield Cause.invalid(f"{path}template.metadata.labels", labels, "`selector` does not match template `labels`")


def _mounts(rule: Rule, value: Mapping[str, Any], path: str) -> Iterator[Cause]:
    known = {volume.get("name") for volume in value.get(rule["mounts"]) or ()}
    for name in ("initContainers", "containers"):
        for index, container in enumerate(value.get(name) or ()):
            for at, mount in enumerate(container.get("volumeMounts") or ()):
                if mount.get("name") not in known:
                    yield Cause.not_found(f"{path}{name}[{index}].volumeMounts[{at}].name", mount.get("name"))
