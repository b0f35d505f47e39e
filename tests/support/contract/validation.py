"""What a custom kind's schema refuses, prunes and completes, and how strictly fields are looked at."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said
from support.contract.kinds import custom

MAPS = "v1/configmaps"


_WRONG = {
    "text for a number": ({"size": "1"}, "FieldValueTypeInvalid", "spec.size", "must be of type integer"),
    "broken number": ({"size": 1.5}, "FieldValueTypeInvalid", "spec.size", "must be of type integer"),
    "number for a text": ({"text": 1}, "FieldValueTypeInvalid", "spec.text", "must be of type string"),
    "text for a map": ({"nested": "x"}, "FieldValueTypeInvalid", "spec.nested", "must be of type object"),
    "map for a list": ({"tags": {}}, "FieldValueTypeInvalid", "spec.tags", "must be of type array"),
    "member of a list": ({"tags": ["a", 1]}, "FieldValueTypeInvalid", "spec.tags[1]", "must be of type string"),
    "value of a map": ({"labels": {"a": 1}}, "FieldValueTypeInvalid", "spec.labels.a", "must be of type string"),
    "in a list": ({"rules": [{"verb": 1}]}, "FieldValueTypeInvalid", "spec.rules[0].verb", "must be of type string"),
    "too small": ({"size": -1}, "FieldValueInvalid", "spec.size", "should be greater than or equal to 0"),
    "too large": ({"size": 101}, "FieldValueInvalid", "spec.size", "should be less than or equal to 100"),
    "not of the enum": ({"mode": "x"}, "FieldValueNotSupported", "spec.mode", 'supported values: "fast", "slow"'),
    "too long": ({"text": "abcdef"}, "FieldValueTooLong", "spec.text", "may not be more than 5 bytes"),
    "pattern": ({"text": "ABC"}, "FieldValueInvalid", "spec.text", "should match '^[a-z]*$'"),
    "too many": ({"tags": ["a", "b", "c"]}, "FieldValueTooMany", "spec.tags", "must have at most 2 items"),
    "neither number nor text": ({"port": True}, "FieldValueTypeInvalid", "spec.port", "must be of type integer,string"),
    "required and null": ({"size": None}, "FieldValueRequired", "spec.size", ""),
}


@case(rows=_WRONG)
def what_the_schema_does_not_allow_is_invalid(place, spec, reason, field, message):
    error = place.refused(place.widget, "a", **spec)
    assert said(error) == ("Invalid", 422, "Invalid")
    named = {name: error.details[name] for name in ("name", "group", "kind")}
    assert named == {"name": "a", "group": "contract.example.dev", "kind": "Widget"}
    cause = error.details["causes"][0]
    assert (cause["reason"], cause["field"]) == (reason, field)
    assert message in cause["message"]
    assert field in str(error)
    assert not place.is_there(place.at(place.kind("Widget"), "a"))


@case
def a_required_field_is_asked_for(place):
    resource = place.kind("Widget")
    error = place.refused(place.post, place.at(resource), custom(resource, "Widget", "a", spec={}))
    assert (error.details["causes"][0]["reason"], error.details["causes"][0]["field"]) == (
        "FieldValueRequired",
        "spec.size",
    )


@case
def all_that_is_wrong_is_said_at_once(place):
    error = place.refused(place.widget, "a", size=101, mode="x", tags=["a", "b", "c"])
    fields = {cause["field"] for cause in error.details["causes"]}
    assert {"spec.size", "spec.mode", "spec.tags"} <= fields


@case(rows={"patch": "patch", "merge": "merge", "put": "put"})
def a_write_of_what_the_schema_does_not_allow_changes_nothing(place, verb):
    path, made = place.widget("a")
    send = {
        "patch": (place.patch, path, {"op": "replace", "path": "/spec/size", "value": "x"}),
        "merge": (place.merge, path, {"spec": {"size": "x"}}),
        "put": (place.put, path, {**made, "spec": {"size": "x"}}),
    }
    error = place.refused(*send[verb])
    assert said(error) == ("Invalid", 422, "Invalid")
    assert error.details["causes"][0]["field"] == "spec.size"
    assert place.get(path) == made


_STORED = {
    "unknown": ({"nope": 1}, {}),
    "unknown in a map": ({"nested": {"level": 1, "nope": 1}}, {"nested": {"level": 1}}),
    "unknown in a list": ({"rules": [{"verb": "a", "nope": 1}]}, {"rules": [{"verb": "a"}]}),
    "unknown where all is kept": ({"free": {"a": {"b": [1, None]}}}, {"free": {"a": {"b": [1, None]}}}),
    "null that is allowed": ({"note": None}, {"note": None}),
    "null with a default that allows it": ({"maybe": None}, {"maybe": None}),
    "null with a default": ({"mode": None}, {}),
    "null without a default": ({"text": None}, {}),
    "whole float": ({"size": 2.0}, {"size": 2}),
    "float": ({"ratio": 0.5}, {"ratio": 0.5}),
    "integer for a float": ({"ratio": 2}, {"ratio": 2}),
    "number or text: number": ({"port": 80}, {"port": 80}),
    "number or text: text": ({"port": "http"}, {"port": "http"}),
    "default in a map that is there": ({"inner": {}}, {"inner": {"level": 3}}),
    "default of a map and in it": ({"nested": {}}, {"nested": {"level": 3}}),
    "own value in place of the default": ({"nested": {"level": 9}}, {"nested": {"level": 9}}),
    "default in a list": ({"rules": [{}, {"verb": "put"}]}, {"rules": [{"verb": "get"}, {"verb": "put"}]}),
    "empty": ({"tags": [], "labels": {}, "text": ""}, {"tags": [], "labels": {}, "text": ""}),
}


@case(rows=_STORED)
def a_spec_is_completed_and_pruned(place, spec, stored):
    path, made = place.widget("a", **spec)
    expected = {"size": 1, "mode": "fast", "maybe": "none", "nested": {"level": 3}, **stored}
    assert made["spec"] == expected
    assert place.get(path)["spec"] == expected
    assert isinstance(made["spec"]["size"], int)


@case
def all_unknown_fields_are_kept_where_the_schema_says_so(place):
    spec = {"a": {"b": [1, "x", {"c": None}]}, "size": 1}
    assert place.widget("a", "Free", **spec)[1]["spec"] == spec


@case
def unknown_fields_of_the_root_and_of_metadata_are_pruned(place):
    resource = place.kind("Widget")
    body = custom(resource, "Widget", "a", metadata={"nope": 1}, spec={"size": 1}, nope={"a": 1})
    made = place.post(place.at(resource), body)
    assert set(made) == {"apiVersion", "kind", "metadata", "spec"}
    assert "nope" not in made["metadata"]


_KINDS = {"built-in": MAPS, "custom": "Widget"}
_LOOSE = {f"{kind}, {how}": (resource, how) for kind, resource in _KINDS.items() for how in ("Warn", "Ignore", "")}


def _with_unknown(place, resource):
    if resource == MAPS:
        return place.at(MAPS), {"metadata": {"name": "a"}, "nope": {"a": 1}}
    found = place.kind(resource)
    return place.at(found), custom(found, "Widget", "a", spec={"size": 1, "nope": 1})


@case(rows=_LOOSE)
def an_unknown_field_is_dropped(place, resource, how):
    path, body = _with_unknown(place, resource)
    made = place.post(path, body, **({"fieldValidation": how} if how else {}))
    assert "nope" not in made
    assert "nope" not in made.get("spec", {})


@case(rows=_KINDS)
def an_unknown_field_is_refused_strictly(place, resource):
    path, body = _with_unknown(place, resource)
    error = place.refused(place.post, path, body, fieldValidation="Strict")
    assert said(error) == ("Invalid", 400, "BadRequest")
    assert 'strict decoding error: unknown field "' in str(error)
    assert "nope" in str(error)
    assert not place.is_there(f"{path}/a")


@case(rows={"json": "patch", "merge": "merge"})
def an_unknown_field_in_a_patch_is_refused_strictly(place, verb):
    path, made = place.widget("a")
    send = {
        "patch": (place.patch, path, {"op": "add", "path": "/spec/nope", "value": 1}),
        "merge": (place.merge, path, {"spec": {"nope": 1}}),
    }
    error = place.refused(*send[verb], fieldValidation="Strict")
    assert said(error) == ("Invalid", 422, "Invalid")
    (cause,) = error.details["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldValueInvalid", "patch")
    assert 'unknown field "spec.nope"' in cause["message"]
    assert place.get(path) == made


_TWICE = {
    MAPS: b'{"metadata":{"name":"a"},"data":{"k":"1","k":"2"}}',
    "Widget": b'{"apiVersion":"contract.example.dev/v1","kind":"Widget","metadata":{"name":"a"},'
    b'"spec":{"size":1,"size":2}}',
}


@case(rows=_KINDS)
def a_field_that_stands_twice_counts_once_or_is_refused(place, resource):
    path = place.at(resource if resource == MAPS else place.kind(resource))
    error = place.refused(place.post, path, _TWICE[resource], fieldValidation="Strict")
    assert said(error) == ("Invalid", 400, "BadRequest")
    assert "duplicate field" in str(error)
    made = place.post(path, _TWICE[resource])
    assert (made.get("data") or made["spec"]).get("k", made.get("spec", {}).get("size")) in {"2", 2}


@case
def a_way_of_validation_that_is_none_is_refused(place):
    path, body = _with_unknown(place, MAPS)
    error = place.refused(place.post, path, body, fieldValidation="Bogus")
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueNotSupported", "fieldValidation")]


@case
def a_built_in_kind_says_what_is_wrong(place):
    port = {"name": "c", "image": "i", "ports": [{"containerPort": 70000}]}
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [port], "restartPolicy": "Sometimes"}}
    spec = {"replicas": -1, "selector": {"matchLabels": {"x": "y"}}, "template": pod}
    error = place.refused(place.post, place.at("apps/v1/deployments"), {"metadata": {"name": "a"}, "spec": spec})
    assert said(error) == ("Invalid", 422, "Invalid")
    named = {name: error.details[name] for name in ("name", "group", "kind")}
    assert named == {"name": "a", "group": "apps", "kind": "Deployment"}
    fields = set(causes(error))
    assert fields >= {
        ("FieldValueInvalid", "spec.replicas"),
        ("FieldValueInvalid", "spec.template.metadata.labels"),
        ("FieldValueInvalid", "spec.template.spec.containers[0].ports[0].containerPort"),
        ("FieldValueNotSupported", "spec.template.spec.restartPolicy"),
    }
