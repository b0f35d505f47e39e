import dataclasses
import gc
import weakref

import pytest
import yaml

import genreconcile as gr
from genreconcile.kinds.types import TypeGraph, untyped
from genreconcile.normalize.annotations import PREFIX
from genreconcile.objects import GVK

HEAD = {"apiVersion": "genreconcile.dev/v1alpha1", "kind": "RuleSet"}
WIDGET = GVK("example.genreconcile.dev", "v1", "Widget")
OBJECT = {
    "apiVersion": WIDGET.api_version,
    "kind": "Widget",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "x"}},
}


def rule(name, **keys):
    return {"id": name, "path": "spec/a", "default": 1, **keys}


def registry(*entries):
    return gr.Registry.empty().extend({**HEAD, "rules": list(entries)})


def selected(entry):
    node = registry(entry).compile(WIDGET, None, OBJECT, has_status=True)
    return bool(node.child("spec").node.child("a").rules)


def test_the_shipped_rules_are_valid_and_many():
    rules = gr.Registry.builtin().rules
    assert len(rules) >= 150
    assert len({rule.id for rule in rules}) == len(rules), "ids are unique over all files"


def test_shipped_rules_name_types_that_exist_or_globs():
    for shipped in gr.Registry.builtin().rules:
        assert shipped.root or all(name.startswith("io.k8s.") for name in shipped.types), shipped.id


def test_extend_makes_a_new_registry(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({**HEAD, "rules": [rule("one", root=True)]}))
    extended = gr.Registry.empty().extend(file)
    assert [found.id for found in extended.rules] == ["one"]
    assert gr.Registry.empty().rules == ()
    assert extended.version != gr.Registry.empty().version
    assert extended.version == gr.Registry.empty().extend(str(file)).version


@pytest.mark.parametrize(
    ("object_selector", "is_selected"),
    [
        ({}, True),
        ({"kind": "Widget"}, True),
        ({"kind": "Wid*"}, True),
        ({"kind": "Other"}, False),
        ({"group": "example.*"}, True),
        ({"group": ""}, False),
        ({"namespace": "shop", "name": "web"}, True),
        ({"namespace": "bank"}, False),
        ({"name": "db*"}, False),
        ({"labels": {"app": "x"}}, True),
        ({"labels": {"app": "y"}}, False),
        ({"statusSubresource": True}, True),
        ({"statusSubresource": False}, False),
    ],
)
def test_rules_select_objects(object_selector, is_selected):
    assert selected(rule("one", object=object_selector)) is is_selected


def test_rules_for_a_type_do_not_apply_to_an_untyped_object():
    assert not selected(rule("one", root=True, type="io.k8s.*"))
    assert not selected(rule("one", type="io.k8s.*"))


@pytest.mark.parametrize("text", ["{", "a: b: c", "\x00"])
def test_a_file_that_is_no_yaml_is_refused(tmp_path, text):
    file = tmp_path / "rules.yaml"
    file.write_text(text)
    with pytest.raises(gr.RuleError, match=r"rules\.yaml:\d: not readable"):
        gr.Registry.builtin().extend(file)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(gr.RuleError, match="cannot be read"):
        gr.Registry.builtin().extend(tmp_path / "none.yaml")


def test_the_users_rule_stands_before_the_shipped_one():
    extended = gr.Registry.builtin().extend({**HEAD, "rules": [rule("mine", root=True, path="metadata/uid")]})
    node = extended.compile(WIDGET, None, OBJECT, has_status=True)
    assert [found.id for found in node.child("metadata").node.child("uid").rules] == ["mine", "metadata-uid"]


def test_compiled_nodes_are_shared():
    kind = untyped()
    rules = gr.Registry.builtin()
    first = rules.compile(WIDGET, kind, OBJECT, has_status=True)
    assert rules.compile(WIDGET, kind, {**OBJECT}, has_status=True) is first
    assert rules.compile(WIDGET, kind, OBJECT, has_status=False) is not first


def test_rules_cannot_be_changed():
    first = gr.Registry.builtin().rules[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.layer = 1


DOCUMENT = {
    "components": {
        "schemas": {
            "Widget": {
                "type": "object",
                "properties": {"spec": {"type": "object", "properties": {"a": {"type": "integer"}}}},
                "x-kubernetes-group-version-kind": [
                    {"group": WIDGET.group, "version": WIDGET.version, "kind": WIDGET.kind}
                ],
            }
        }
    }
}


def test_rules_keep_no_schema():
    """The shipped rules live as long as the process, the schemas of a cluster as long as who asks them."""
    rules = gr.Registry.builtin()
    kind = TypeGraph(lambda _: DOCUMENT).root(WIDGET)
    assert (
        rules.compile(WIDGET, kind, OBJECT, has_status=True).child("spec").node.child("a").field.type.shape == "scalar"
    )
    assert rules.compile(WIDGET, kind, OBJECT, has_status=True) is rules.compile(WIDGET, kind, OBJECT, has_status=True)
    gone = weakref.ref(kind)
    del kind
    gc.collect()
    assert gone() is None


def test_ever_new_rules_of_objects_are_kept_in_a_bound():
    rules, kind = gr.Registry.empty(), TypeGraph(lambda _: DOCUMENT).root(WIDGET)
    for number in range(5000):
        annotations = {PREFIX + "ignore": f"/spec/a{number}"}
        obj = {**OBJECT, "metadata": {**OBJECT["metadata"], "annotations": annotations}}
        for found in (kind, None):
            assert rules.compile(WIDGET, found, obj, has_status=True).named == {"spec"}
            assert len(rules._compiler.made(found)) <= 4096
