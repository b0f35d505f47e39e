"""Users' rules about readiness, in the files of the normalization rules."""

import builtins
import copy
import datetime as dt
import pickle

import pytest

import genreconcile as gr
from genreconcile.readiness import tried
from support.objects import rule_set

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
UP = {"when": {"at": "/status/phase", "in": ["Up"]}, "state": "Current", "message": "{/status/nodes} of {/spec/nodes}"}
RULE = {
    "id": "database",
    "object": {"group": "example.com", "kind": "Database"},
    "steps": [UP, {"state": "InProgress", "reason": "NotUp"}],
    "defaults": [["/spec/nodes", 1]],
}


def database(status=None, **metadata):
    metadata = {"name": "a", "namespace": "shop", **metadata}
    return {"apiVersion": "example.com/v1", "kind": "Database", "metadata": metadata, "status": status or {}}


def rules(*entries, **more):
    return {**rule_set(), "readiness": [{**RULE, **more}, *entries]}


def found(obj, *entries, **more):
    return gr.status(obj, now=NOW, rules=gr.Registry.builtin().extend(rules(*entries, **more)))


def test_a_rule_decides():
    up = found(database({"phase": "Up", "nodes": 3}))
    assert up == gr.Status("Current", "Current", "3 of 1", "database")
    assert str(found(database())) == "InProgress (NotUp)"
    assert gr.status(database(), now=NOW).state == "Current", "without the rule"


def test_a_file_with_both_kinds_of_rules(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text(
        "apiVersion: genreconcile.dev/v1alpha1\nkind: RuleSet\n"
        "rules: [{id: a, object: {kind: Database}, path: spec/a, ignore: true}]\n"
        "readiness: [{id: a, object: {kind: Database}, steps: [{state: Failed}]}]\n"
        "---\n"
        "apiVersion: genreconcile.dev/v1alpha1\nkind: RuleSet\n"
        "readiness: [{id: b, object: {kind: Database}, steps: [{state: Current}]}]\n",
        "utf-8",
    )
    registry = gr.Registry.empty().extend(file)
    assert [rule.id for rule in registry.readiness] == ["a", "b"]
    assert [rule.id for rule in registry.rules] == ["a"]
    assert gr.status(database(), rules=registry).rule == "a"
    assert repr(registry) == "<Registry 1 rules, 3 of the user>"


def test_the_last_registry_comes_first():
    first = gr.Registry.empty().extend(rules())
    second = first.extend({**rule_set(), "readiness": [{**RULE, "id": "later", "steps": [{"state": "Failed"}]}]})
    assert [rule.id for rule in second.readiness] == ["later", "database"]
    assert gr.status(database(), rules=second).state == "Failed"
    assert first != second
    assert first == gr.Registry.empty().extend(rules())
    assert first.version == gr.Registry.empty().version, "objects compare as before"


def test_rules_are_equal_where_they_say_the_same():
    one, other = (gr.Registry.empty().extend(rules()).readiness[0] for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
    assert one != "database"
    assert repr(one) == "<UserRule database>"
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own


def test_what_no_step_decides_goes_on():
    ready = {"conditions": [{"type": "Ready", "status": "False", "reason": "Down", "message": "no"}]}
    second = {"id": "second", "object": {"kind": "Data*"}, "steps": [{**UP, "state": "Failed"}]}
    assert (
        found(database({"phase": "Up"}), second, steps=[{**UP, "when": {"at": "/status/a", "in": [1]}}]).rule
        == "second"
    )
    assert found(database(ready), second, steps=[UP]).rule == "other-kinds"


@pytest.mark.parametrize(
    ("obj", "state"),
    [
        (database({"phase": "Up"}, deletionTimestamp="2026-06-01T00:00:00Z"), "Terminating"),
        (database({"phase": "Up", "observedGeneration": 1}, generation=2), "InProgress"),
        (database({"phase": "Up", "conditions": 5}), "Unknown"),
        (database({"phase": "Up", "conditions": [{"type": "Stalled", "status": "True"}]}), "Current"),
    ],
    ids=str,
)
def test_what_comes_before_a_rule(obj, state):
    assert found(obj).state == state


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"kind": "Database"}, True),
        ({"kind": "Data*", "group": "*.com"}, True),
        ({"kind": "Database", "group": ""}, False),
        ({"kind": "Database", "namespace": "shop*", "name": "a"}, True),
        ({"kind": "Database", "namespace": "other"}, False),
        ({"kind": "Database", "name": "b"}, False),
        ({"kind": "Database", "labels": {"tier": "gold"}}, True),
        ({"kind": "Database", "labels": {"tier": "iron"}}, False),
    ],
    ids=str,
)
def test_the_objects_of_a_rule(wanted, expected):
    status = found(database({"phase": "Up"}, labels={"tier": "gold"}), object=wanted)
    assert (status.rule == "database") is expected


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": 5}, "readiness #1: id: Expected `str`, got `int`"),
        ({"object": {}}, "readiness database: object.kind: is missing"),
        ({"object": {"kind": "A", "labels": {"a": 1}}}, "readiness database: object.labels"),
        ({"steps": []}, "readiness database: steps: Expected `array` of length >= 1"),
        ({"steps": [{"state": "Ready"}]}, "readiness database: steps[0].state: Invalid enum value 'Ready'"),
        (
            {"steps": [{"state": "Failed", "message": "{a"}]},
            "readiness database: key steps[0].message: a brace has no other",
        ),
        (
            {"steps": [{"each": "/a", "steps": [{"state": "Failed", "reason": "{}"}]}]},
            "readiness database: key steps[0].steps[0].reason: a pair of braces is empty",
        ),
        ({"colour": 1}, "readiness database: colour: is no key here"),
        ({"tests": [{"state": "Current"}]}, "readiness database: tests[0].object: is missing"),
        (
            {"tests": [{"state": "Current", "object": {}, "now": "today"}]},
            "key tests[0].now: is no time; write one such as",
        ),
        ({"steps": [{"state": "Current", "when": {"cel": "1 +"}}]}, "key steps[0].when: key cel: is no expression: "),
    ],
    ids=str,
)
def test_a_fault_is_told_when_the_file_is_loaded(change, told):
    with pytest.raises(gr.RuleError) as caught:
        gr.Registry.empty().extend(rules(**change))
    assert str(caught.value).startswith("rules #1: ")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("readiness", "told"),
    [
        ({"a": 1}, "key readiness: is no list"),
        ("a", "key readiness: is no list"),
        ([5], "readiness #1: Expected `object`"),
    ],
)
def test_no_list_of_rules(readiness, told):
    with pytest.raises(gr.RuleError, match="readiness") as caught:
        gr.Registry.empty().extend({**rule_set(), "readiness": readiness})
    assert told in str(caught.value)


def test_an_id_is_used_once():
    with pytest.raises(gr.RuleError, match="readiness database: key id: is used twice"):
        gr.Registry.empty().extend(rules(RULE))


def test_tests_beside_a_rule():
    tests = [
        {"object": database({"phase": "Up"}), "state": "Current"},
        {"object": database({"phase": "Up"}), "state": "Failed", "name": "it has failed"},
        {"object": database(), "state": "InProgress", "reason": "NotUp"},
        {"object": database(), "state": "InProgress", "reason": "Other"},
        {"object": {**database(), "kind": "Other"}, "state": "Current"},
    ]
    registry = gr.Registry.empty().extend(rules(tests=copy.deepcopy(tests)))
    assert [str(test) for test in tried(registry.readiness)] == [
        "passed database: test 1",
        "FAILED database: it has failed: Failed is expected; found Current: none of 1, by database",
        "passed database: test 3",
        "FAILED database: test 4: InProgress (Other) is expected; found InProgress (NotUp), by database",
        "FAILED database: test 5: the rule is not about this object; correct its object, or that of the test",
    ]


def with_expression(text):
    return [{"when": {"cel": text}, "state": "Current"}, {"state": "InProgress"}]


@pytest.mark.parametrize(
    ("text", "state", "told"),
    [
        ("self.status.phase == 'Up'", "Current", ""),
        ("self.status.phase == 'Down'", "InProgress", ""),
        ("self.status.nodes.all(node, node.up)", "Current", ""),
        ("self.status.nodes.size() == 2 && self.metadata.name.startsWith('a')", "Current", ""),
        ("has(self.status.absent)", "InProgress", ""),
        ("self.status.absent == 'Up'", "Unknown", "the expression has no answer: "),
        ("self.status.phase", "Unknown", "the expression gives neither true nor false: str"),
        ("nobody == 1", "Unknown", "the expression has no answer: "),
        ("self.status.nodes[7].up", "Unknown", "the expression has no answer: "),
        ("1 / (self.status.nodes.size() - 2) == 1", "Unknown", "the expression has no answer: "),
    ],
)
def test_expressions(text, state, told):
    obj = database({"phase": "Up", "nodes": [{"up": True}, {"up": True}]})
    status = found(obj, steps=with_expression(text))
    assert status.state == state
    assert status.message.startswith(told)
    assert (status.reason == "ExpressionFailed") is (state == "Unknown")


def test_expressions_need_their_extra(monkeypatch):
    imported = builtins.__import__

    def without(name, *arguments, **more):
        if name == "cel":
            raise ImportError(name)
        return imported(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        gr.RuleError, match=r"the package for expressions is not installed; pip install 'genreconcile\[cel\]'"
    ):
        gr.Registry.empty().extend(rules(steps=with_expression("true")))
    gr.Registry.empty().extend(rules())
