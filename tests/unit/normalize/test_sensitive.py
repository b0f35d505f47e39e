"""Rules and annotations that call fields sensitive: what they name is hidden, and more where nobody can tell."""

import json

import pytest

import genreconcile as gr
from genreconcile.errors import InputError, RuleError
from genreconcile.mask import EVERYTHING, mask_object
from genreconcile.normalize import Registry
from genreconcile.normalize.sensitive import sensitive_fields
from genreconcile.objects import GVK
from support.objects import rule_set

CANARY = "c4n4ry-v4lu3"
WIDGET = GVK("example.dev", "v1", "Widget")
USER = "dev.example.User"
SCHEMAS = {
    "dev.example.Widget": {
        "type": "object",
        "x-kubernetes-group-version-kind": [{"group": "example.dev", "version": "v1", "kind": "Widget"}],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "spec": {
                "type": "object",
                "properties": {
                    "owner": {"$ref": f"#/components/schemas/{USER}"},
                    "users": {"type": "array", "items": {"$ref": f"#/components/schemas/{USER}"}},
                    "byName": {"type": "object", "additionalProperties": {"$ref": f"#/components/schemas/{USER}"}},
                    "password": {"type": "string"},
                },
            },
        },
    },
    USER: {"type": "object", "properties": {"password": {"type": "string"}, "name": {"type": "string"}}},
}
SCHEMA = gr.Schema({"apis/example.dev/v1": {"components": {"schemas": SCHEMAS}}})


def rules(**rule):
    return Registry.empty().extend(rule_set({"id": "hide", **rule}))


OF_TYPE = rules(type=USER, path="password", sensitive=True)
OF_KIND = rules(object={"kind": "Widget"}, path="spec/password", sensitive=True)


def widget(spec, **annotations):
    metadata = {"name": "a", "annotations": annotations} if annotations else {"name": "a"}
    return {"apiVersion": "example.dev/v1", "kind": "Widget", "metadata": metadata, "spec": spec}


def masked(registry, obj, *others, schema=SCHEMA):
    kind = schema.root(WIDGET) if schema else None
    return mask_object(obj, sensitive_fields(registry, WIDGET, kind, obj, *others))


NAMED = [
    {"owner": {"password": CANARY}},
    {"users": [{"name": "a"}, {"password": CANARY}]},
    {"byName": {"x": {"password": CANARY}}},
    {"users": {"password": CANARY}},
]
# Without a schema only the name of a field can be known.
MALFORMED = [{"users": CANARY}, {"owner": CANARY}, {"owner": [CANARY]}, CANARY, [CANARY]]


@pytest.mark.parametrize(
    ("spec", "schema"), [*((spec, SCHEMA) for spec in (*NAMED, *MALFORMED)), *((spec, None) for spec in NAMED)], ids=str
)
def test_a_rule_for_a_type_holds_wherever_the_type_appears(spec, schema):
    shown = json.dumps(masked(OF_TYPE, widget(spec), schema=schema))
    assert CANARY not in shown
    assert "***" in shown


def test_the_rest_stays():
    shown = masked(OF_TYPE, widget({"owner": {"name": "x", "password": CANARY}, "password": "of another type"}))
    assert shown["spec"]["owner"]["name"] == "x"
    assert shown["spec"]["password"] == "of another type"
    assert shown["metadata"] == {"name": "a"}


@pytest.mark.parametrize("spec", [{"password": CANARY}, {"password": {"a": [CANARY]}}, CANARY, [CANARY]], ids=str)
@pytest.mark.parametrize("schema", [SCHEMA, None], ids=["typed", "untyped"])
def test_a_rule_for_a_kind(spec, schema):
    assert CANARY not in json.dumps(masked(OF_KIND, widget(spec), schema=schema))


def test_a_rule_for_some_objects_of_a_kind():
    some = rules(object={"kind": "Widget", "name": "a*"}, path="metadata/annotations/*token*", sensitive=True)
    hidden = widget({}, **{"example.dev/token-1": CANARY, "note": "shown"})
    shown = masked(some, hidden)
    assert shown["metadata"]["annotations"]["note"] == "shown"
    assert CANARY not in json.dumps(shown)
    other = {**hidden, "metadata": {**hidden["metadata"], "name": "b"}}
    assert masked(some, other) == other


def test_a_rule_that_selects_one_side_hides_both():
    some = rules(object={"labels": {"hide": "yes"}}, path="spec/password", sensitive=True)
    live = widget({"password": CANARY})
    expected = widget({"password": "x"})
    expected["metadata"]["labels"] = {"hide": "yes"}
    assert CANARY not in json.dumps(masked(some, live, expected))
    assert masked(some, live) == live


def test_where_the_type_is_not_known_rules_for_roots_of_a_type_hold():
    typed = rules(type="dev.example.Widget", root=True, path="spec/password", sensitive=True)
    assert CANARY not in json.dumps(masked(typed, widget({"password": CANARY}), schema=None))


def test_copies_of_the_values_are_hidden_too():
    copies = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": {"password": CANARY}})}
    obj = widget({"password": "x"}, **copies)
    obj["metadata"]["managedFields"] = [{"fieldsV1": {"f:spec": {f'v:"{CANARY}"': {}}}}]
    assert CANARY not in json.dumps(masked(OF_KIND, obj))


def test_an_annotation():
    obj = widget(
        {"password": CANARY, "other": CANARY[::-1]}, **{"genreconcile.dev/sensitive": "/spec/password, /spec/other"}
    )
    assert masked(Registry.empty(), obj)["spec"].keys() == {"password", "other"}
    assert CANARY not in json.dumps(masked(Registry.empty(), obj))
    assert CANARY not in json.dumps(masked(Registry.empty(), widget({"password": CANARY}), obj))


def test_an_annotation_that_is_not_readable_hides_everything():
    obj = widget({"password": CANARY}, **{"genreconcile.dev/sensitive": "spec/password"})
    assert sensitive_fields(Registry.empty(), WIDGET, None, obj) == EVERYTHING
    with pytest.raises(InputError, match="does not begin with /"):
        gr.diff(obj, obj)


def test_a_condition_is_refused():
    with pytest.raises(RuleError, match="key when: does not go with sensitive"):
        rules(type=USER, path="password", sensitive=True, when={"at": "name", "in": ["a"]})


def test_nothing_is_looked_for_without_such_rules():
    assert sensitive_fields(Registry.builtin(), WIDGET, None, widget({"password": CANARY})) == ()


def test_diff_and_explain_hide_what_a_rule_names():
    found = gr.diff(widget({"password": CANARY}), widget({"password": "old-v4lu3"}), rules=OF_KIND, schema=SCHEMA)
    assert found.patch.patch[-1]["value"] == CANARY
    for text in (str(found), repr(found), str(found.patch), repr(found.patch), repr(found.differences)):
        assert CANARY not in text
        assert "old-v4lu3" not in text
    (explanation,) = gr.explain(widget({"password": CANARY}), widget({"password": "b"}), rules=OF_KIND, schema=SCHEMA)
    assert str(explanation) == "/spec/password: drift (replace), masked"


def test_explain_says_nothing_of_masks_elsewhere():
    (explanation,) = gr.explain(widget({"password": CANARY}), widget({"password": "b"}), schema=SCHEMA)
    assert str(explanation) == "/spec/password: drift (replace)"
    assert explanation.masked is False
