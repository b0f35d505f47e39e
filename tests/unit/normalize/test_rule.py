import pytest

import genreconcile as gr
from genreconcile.conditions import Condition
from genreconcile.normalize.rule import parse_rules

HEAD = {"apiVersion": "genreconcile.dev/v1alpha1", "kind": "RuleSet"}
GOOD = {"id": "one", "type": "io.k8s.api.core.v1.PodSpec", "path": "dnsPolicy", "default": "ClusterFirst"}
MANAGED = {"id": "one", "type": "io.k8s.api.core.v1.PodSpec", "path": "nodeName", "managed": True}
REFER = {"kind": "v1/Node", "at": "/metadata/name", "in": ["x"], "take": "/spec/x"}


def parse(*entries, **head):
    return parse_rules({**HEAD, "rules": list(entries), **head}, "mine.yaml")


def without(key):
    return {name: value for name, value in GOOD.items() if name != key}


def test_a_rule_is_read():
    (rule,) = parse({**GOOD, "path": "a/b~1c/*", "when": {"at": "../x", "in": [1, None]}})
    assert (rule.id, rule.types, rule.tokens) == ("one", ("io.k8s.api.core.v1.PodSpec",), ("a", "b/c", "*"))
    assert (rule.action, rule.argument) == ("default", "ClusterFirst")
    assert rule.conditions == (Condition(at="../x", values=(1, None)),)
    assert str(rule) == "one"


def test_a_rule_says_who_may_write_a_managed_value():
    rules = [{**MANAGED}, {**MANAGED, "by": ["a", "b*"]}, {**MANAGED, "allocated": True, "fixed": True}]
    found = [parse(rule)[0] for rule in rules]
    assert [(rule.by, rule.fixed) for rule in found] == [(None, False), (("a", "b*"), False), ((), True)]


def test_an_object_selector_means_the_root():
    (rule,) = parse({"id": "one", "object": {"kind": "Widget"}, "path": "spec", "ignore": True})
    assert rule.root
    assert rule.types == ("*",)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("text", "rule #1: is no mapping"),
        (without("default"), "rule one: has 0 actions (none)"),
        ({**GOOD, "managed": True}, "rule one: has 2 actions (managed, default)"),
        ({**GOOD, "defualt": 1}, "rule one: key defualt: is not known"),
        (without("id"), "rule #1: key id: must be a text"),
        (without("type"), "rule one: key type: must be a schema type"),
        ({**GOOD, "type": []}, "rule one: key type: must be a schema type"),
        (without("path"), "rule one: key path: must be a text"),
        ({**GOOD, "path": "a//b"}, "rule one: key path: 'a//b' is no path"),
        ({**GOOD, "root": "yes"}, "rule one: key root: must be true or false, not 'yes'"),
        ({**GOOD, "object": []}, "rule one: key object: must be a mapping"),
        ({**GOOD, "object": {"knid": "x"}}, "rule one: key object: key knid: is not known"),
        ({**GOOD, "managers": "x"}, "rule one: key managers: must be a list of names"),
        ({**GOOD, "by": ["x"]}, "rule one: key by: goes with managed; add that"),
        ({**GOOD, "allocated": True}, "rule one: key allocated: goes with managed; add that"),
        ({**MANAGED, "by": "x"}, "rule one: key by: must be a list of names of field managers"),
        ({**MANAGED, "by": [""]}, "rule one: key by: must be a list of names of field managers"),
        ({**MANAGED, "allocated": "yes"}, "rule one: key allocated: must be true or false"),
        ({**MANAGED, "allocated": True, "by": ["x"]}, "rule one: key by: what the API server allots is written by"),
        ({**MANAGED, "fixed": True}, "rule one: key fixed: goes with allocated; add that"),
        ({**GOOD, "managers": ["x"]}, "rule one: key managers: goes with ignore, and with root or object"),
        ({**GOOD, "when": "x"}, "rule one: key when: must be a condition"),
        ({**GOOD, "when": ["x"]}, "rule one: key when: must be a mapping"),
        ({**GOOD, "when": {"at": "x"}}, "rule one: key when: give at or live with in, notIn or present"),
        ({**GOOD, "when": {"in": [1]}}, "rule one: key when: give at or live with in, notIn or present"),
        ({**GOOD, "when": {"at": "x", "only": ["y"]}}, "rule one: key when: give at or live with in, notIn or present"),
        ({**GOOD, "when": {"at": "x", "live": "y", "in": [1]}}, "rule one: key when: give at or live with in, notIn"),
        ({**GOOD, "when": {"live": "x", "notIn": "y"}}, "rule one: key when: notIn must be a list"),
        ({**GOOD, "when": {"at": "x", "in": "y"}}, "rule one: key when: in must be a list"),
        ({**GOOD, "when": {"at": "x", "present": 1}}, "rule one: key when: key present: must be true or false"),
        ({**GOOD, "when": {"targetedBy": "x"}}, "rule one: key when: targetedBy must be a mapping of kind and at"),
        ({**GOOD, "when": {"targetedBy": {"kind": "x", "at": "/a"}}}, "rule one: key when: targetedBy: 'x' is no kind"),
        ({**without("default"), "managed": 1}, "rule one: key managed: must be true"),
        ({**without("default"), "copy": ""}, "rule one: key copy: must be the path"),
        ({**without("default"), "function": "eval"}, "rule one: key function: must name one of"),
        ({**without("default"), "function": {"name": "x"}}, "rule one: key function: must name one of"),
        ({**without("default"), "refer": "x"}, "rule one: key refer: must be a mapping of kind, at, in and take"),
        ({**without("default"), "refer": {**REFER, "x": 1}}, "rule one: key refer: must be a mapping of kind, at, in"),
        ({**without("default"), "refer": {**REFER, "in": "x"}}, "rule one: key refer: in must be a list"),
        (
            {**without("default"), "refer": {**REFER, "at": "x"}},
            "rule one: key refer: at and take must be JSON pointers",
        ),
        (
            {**without("default"), "refer": {**REFER, "take": 1}},
            "rule one: key refer: at and take must be JSON pointers",
        ),
        ({**without("default"), "refer": {**REFER, "kind": "x"}}, "rule one: key refer: 'x' is no kind"),
        ({**without("default"), "list": "sorted"}, "rule one: key list: must be ordered, unordered or a list of keys"),
        ({**without("default"), "list": []}, "rule one: key list: must be ordered, unordered or a list of keys"),
        ({**without("default"), "keep": "some"}, "rule one: key keep: must be all or a list of members"),
        ({**without("default"), "canonical": "money"}, "rule one: key canonical: must be one of"),
        ({**without("default"), "canonical": []}, "rule one: key canonical: must be one of"),
        ({**without("default"), "function": {"name": []}}, "rule one: key function: must name one of"),
        ({**without("default"), "list": {}}, "rule one: key list: must be ordered, unordered or a list of keys"),
        ({**without("default"), "fold": {"into": "x"}}, "rule one: key fold: must be a mapping of into and encode"),
    ],
)
def test_a_wrong_rule_names_file_rule_and_key(entry, message):
    with pytest.raises(gr.RuleError) as error:
        parse(entry)
    assert str(error.value).startswith("mine.yaml: " + message)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "no rules: the document's kind is not RuleSet"),
        ({**HEAD, "kind": "Rules"}, "no rules: the document's kind is not RuleSet"),
        ({**HEAD, "apiVersion": "v2"}, "cannot be read: apiVersion is not genreconcile.dev/v1alpha1"),
        ({**HEAD, "ruels": []}, "key ruels: is not known"),
        ({**HEAD, "rules": "x"}, "key rules: is no list"),
        ({**HEAD, "rules": [GOOD, GOOD]}, "rule one: key id: is used twice"),
    ],
)
def test_a_wrong_document_is_refused(document, message):
    with pytest.raises(gr.RuleError) as error:
        parse_rules(document, "mine.yaml")
    assert str(error.value).startswith("mine.yaml: " + message)
