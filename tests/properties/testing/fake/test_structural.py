"""Structural schemas, held against the model of the server that tests/kind holds against a real one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.testing.fake import structural
from support.strategies import edited, has_twins, object_schemas, stored, values

schemas = object_schemas(3, least=1)
loose = schemas.flatmap(lambda schema: st.tuples(st.just(schema), values(schema, loose=True)))
pairs = schemas.flatmap(
    lambda schema: st.tuples(
        st.just(schema), values(schema), values(schema).flatmap(lambda value: edited(value, schema))
    )
)


def completed(value, schema):
    return structural.defaulted(structural.pruned(value, schema, is_root=False), schema)


@given(loose)
def test_an_object_is_pruned_and_completed_as_by_the_model(sample):
    schema, value = sample
    assert completed(value, schema) == stored(value, schema)


@given(loose)
def test_what_is_completed_is_complete(sample):
    schema, value = sample
    once = completed(value, schema)
    assert completed(once, schema) == once
    assert list(structural.unknown(once, schema, is_root=False)) == []


@given(loose)
def test_nothing_is_changed(sample):
    schema, value = sample
    before = json.dumps([schema, value])
    completed(value, schema)
    list(structural.problems(value, schema))
    assert json.dumps([schema, value]) == before


@given(loose)
def test_what_is_valid_is_not_refused(sample):
    schema, value = sample
    found = completed(value, schema)
    assert [cause for cause in structural.problems(found, schema) if cause.reason != "FieldValueDuplicate"] == []
    assert has_twins(found, schema) == any(structural.problems(found, schema))


@given(pairs)
def test_what_was_there_is_not_looked_at_again(sample):
    """Under a schema that takes nothing, the causes are those of what is new."""
    schema, old, new = sample
    nothing = {"type": "object", "properties": {name: {"enum": ["none"]} for name in schema["properties"]}}
    known = {name for name, value in new.items() if name in old and old[name] == value}
    found = {cause.field for cause in structural.problems(new, nothing, old=old)}
    assert found == (new.keys() & nothing["properties"].keys()) - known


_RULE = [{"rule": "self == oldSelf", "message": "is fixed"}]
_SET = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}
_FIXED = {"type": "object", "properties": {"a": {"type": "string", "x-kubernetes-validations": _RULE}}}


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [({"a": "x"}, {"a": "x"}, []), ({"a": "x"}, {"a": "y"}, ["a"]), ({}, {"a": "y"}, []), ({"a": "x"}, {}, [])],
)
def test_a_field_that_a_rule_holds(old, new, fields):
    assert [cause.field for cause in structural.problems(new, _FIXED, old=old)] == fields


@pytest.mark.parametrize(
    ("schema", "value", "reason"),
    [
        ({"type": "integer", "multipleOf": 3}, 4, "FieldValueInvalid"),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, 3, "FieldValueInvalid"),
        ({"type": "integer", "maximum": 3, "exclusiveMaximum": True}, 3, "FieldValueInvalid"),
        ({"type": "string", "minLength": 2}, "a", "FieldValueInvalid"),
        ({"type": "array", "minItems": 1, "items": {"type": "string"}}, [], "FieldValueInvalid"),
        ({"type": "object", "maxProperties": 0, "additionalProperties": {}}, {"a": 1}, "FieldValueTooMany"),
        (_SET, ["a", "a"], "FieldValueDuplicate"),
        ({"type": "boolean"}, 1, "FieldValueTypeInvalid"),
        ({"type": "number"}, True, "FieldValueTypeInvalid"),
    ],
)
def test_bounds(schema, value, reason):
    root = {"type": "object", "properties": {"a": schema}}
    assert [cause.reason for cause in structural.problems({"a": value}, root)] == [reason]
