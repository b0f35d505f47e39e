"""Random values under a schema, and every edit of a value, leaf by leaf, as JSON patches that somebody might send."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import random

from kubernetes.utils import parse_quantity

from genreconcile.pointer import join_pointer
from support.strategies import EMBEDDED, PRESERVE, identity, is_list, is_unordered, kept, part, scalars_of

ANYTHING = [True, False, 0, 1, 0.5, "", "a", "é<&", [], {}, [1, None], {"x": None}, {"x": {"y": [1, "z"]}}]
IDENTITY = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
METADATA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


class Dice(random.Random):
    """The same for the same seed."""

    def value(self, schema, *, fresh=True):
        """A value that is valid under a schema; sometimes a null that the server drops, where ``fresh``."""
        if schema.get("nullable") and self.random() < 0.2:
            return None
        if is_list(schema):
            return self._members(schema)
        if schema.get(EMBEDDED):
            head = {"apiVersion": "v1", "kind": self.choice("XY"), "metadata": {"name": self.choice("nm")}}
            return head | self._fields(schema)
        if "additionalProperties" in schema:
            keys = self.sample(["x", "y", "z/é", "~"], self.randrange(3))
            return {key: self.value(schema["additionalProperties"]) for key in keys}
        if schema.get("type") == "object":
            found = self._fields(schema)
            absent = [key for key in schema.get("properties", {}) if key not in found]
            if fresh and absent and self.random() < 0.1:
                found[self.choice(absent)] = None
            return found
        return self.choice(ANYTHING if PRESERVE in schema else scalars_of(schema))

    def _fields(self, schema):
        required = schema.get("required", ())
        found = {
            key: self.value(field)
            for key, field in schema.get("properties", {}).items()
            if key in required or self.random() < 0.6
        }
        if PRESERVE in schema and self.random() < 0.4:
            found["extra"] = self.choice(ANYTHING)
        return found

    def _members(self, schema):
        members = [self.value(schema["items"]) for _ in range(self.randrange(4))]
        if not is_unordered(schema):
            return members
        return list({identity(member, schema): member for member in members}.values())

    def other(self, value, schema):
        """Another value that is valid, and does not mean the same; None where there is none."""
        for _ in range(20):
            found = self.value(schema, fresh=False)
            if found is not None and not alike(found, value, schema):
                return found
        return None

    def edits(self, value, schema, path=("spec",)):
        """All of them, each a patch."""
        if isinstance(value, dict):
            yield from self._of_mapping(value, schema, path)
        elif isinstance(value, list):
            yield from self._of_list(value, schema, path)
        found = self.other(value, schema)
        if found is not None:
            yield patch("replace", path, found)

    def _of_mapping(self, value, schema, path):
        for key, entry in value.items():
            yield patch("remove", (*path, key))
            yield from self.edits(entry, inner(schema, key), (*path, key))
        for key, field in schema.get("properties", {}).items():
            if key not in value and (found := self.value(field, fresh=False)) is not None:
                yield patch("add", (*path, key), found)
        if "additionalProperties" in schema or PRESERVE in schema:
            found = self.value(schema.get("additionalProperties", {PRESERVE: True}), fresh=False)
            if found is not None:
                yield patch("add", (*path, "new/é~"), found)

    def _of_list(self, value, schema, path):
        items = schema["items"] if is_list(schema) else {PRESERVE: True}
        for index, member in enumerate(value):
            yield patch("remove", (*path, index))
            yield from self.edits(member, items, (*path, index))
        found = self.value(items, fresh=False)
        if found is not None:
            yield patch("add", (*path, "-"), found)
            yield patch("add", (*path, 0), found)
        if len(value) > 1 and not is_unordered(schema) and not alike(value[0], value[-1], items):
            yield [{"op": "move", "from": join_pointer((*path, 0)), "path": join_pointer((*path, len(value) - 1))}]


def inner(schema, key):
    """The schema under a key; of an embedded object also those that every object has."""
    if schema.get(EMBEDDED) and key in IDENTITY:
        return IDENTITY[key]
    return METADATA if schema.get(EMBEDDED) and key == "metadata" else part(schema, key)


def patch(op, path, *value):
    return [{"op": op, "path": join_pointer(path), **({"value": value[0]} if value else {})}]


def alike(one, other, schema):
    """Whether two scalars mean the same; containers are compared elsewhere."""
    if isinstance(one, dict | list) or isinstance(other, dict | list):
        return one == other
    if one is None or other is None or isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if "pattern" in schema:
        return parse_quantity(one) == parse_quantity(other)
    if schema.get("format") == "byte":
        return base64.b64decode(one) == base64.b64decode(other)
    if schema.get("format") == "date-time":
        return dt.datetime.fromisoformat(one) == dt.datetime.fromisoformat(other)
    return isinstance(one, str) == isinstance(other, str) and one == other


def same(one, other, schema):
    """Whether two values are the same, members of sets and maps in any order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return set(one) == set(other) and all(same(one[key], other[key], inner(schema, key)) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        items = schema["items"] if is_list(schema) else {PRESERVE: True}
        if len(one) != len(other):
            return False
        if not is_unordered(schema):
            return all(same(here, there, items) for here, there in zip(one, other, strict=True))
        left = list(other)
        for here in one:
            found = next((there for there in left if same(here, there, items)), None)
            if found is None and here is not None:
                return False
            left.remove(found)
        return True
    return alike(one, other, schema)


def explained(live, expected, own, other):
    """Whether the server may have made this of what is expected: where expected has nothing, a default of the version
    that is read (``own``) or of the stored one (``other``) may stand, and nothing else.
    """
    if isinstance(live, dict) and isinstance(expected, dict):
        return all(_entry_explained(key, live, expected, own, other) for key in {*live, *expected})
    if isinstance(live, list) and isinstance(expected, list) and len(live) == len(expected):
        items, others = (schema["items"] if is_list(schema) else {PRESERVE: True} for schema in (own, other))
        orders = itertools.permutations(expected) if is_unordered(own) else [expected]
        return any(
            all(explained(here, there, items, others) for here, there in zip(live, some, strict=True))
            for some in itertools.islice(orders, 200)
        )
    return same(live, expected, own)


def _entry_explained(key, live, expected, own, other):
    field, others = inner(own, key), inner(other, key)
    wanted = expected.get(key)
    if wanted is not None or (key in expected and (field.get("nullable") or key not in own.get("properties", {}))):
        return key in live and explained(live[key], wanted, field, others)
    if key not in live:
        return True
    found = [schema["default"] for schema in (field, others) if "default" in schema]
    found += [kept(default, schema) for default in found for schema in (field, others)]
    return any(explained(live[key], default, field, others) for default in found)
