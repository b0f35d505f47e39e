"""exact and subset, ignore and adopt by annotation, and rules that consult other objects."""

import pytest

import genreconcile as gr
from genreconcile.compare import Comparison, Policy
from support.objects import rule_set
from support.recorded import SCHEMA


def widget(annotations=None, **spec):
    metadata = {"name": "w"} | ({"annotations": annotations} if annotations else {})
    return {"apiVersion": "example.genreconcile.dev/v1", "kind": "Widget", "metadata": metadata, "spec": spec}


def operations(expected, live, **settings):
    return [op for op in gr.diff(expected, live, schema=SCHEMA, **settings).patch.patch if op["op"] != "test"]


def test_subset_leaves_alone_what_expected_does_not_set():
    live = widget(size=1, ratio=2.0, mode="slow")
    assert len(operations(widget(size=1), live)) == 2
    assert operations(widget(size=1), live, fields="subset") == []
    assert operations(widget(size=2), live, fields="subset") == [{"op": "replace", "path": "/spec/size", "value": 2}]


def test_subset_keeps_members_of_maps_and_sets_but_not_of_atomic_lists():
    expected = widget(tags=["a"], ports=[{"port": 1, "name": "x"}], steps=["a"])
    live = widget(tags=["a", "b"], ports=[{"port": 1, "name": "y", "protocol": "TCP"}, {"port": 2}], steps=["a", "b"])
    assert [(op["op"], op["path"]) for op in operations(expected, live, fields="subset")] == [
        ("replace", "/spec/ports/0/name"),
        ("remove", "/spec/steps/1"),
    ]


def test_subset_by_rule():
    rule = {"id": "mine", "object": {"kind": "Widget"}, "path": "spec", "subset": True}
    rules = gr.Registry.builtin().extend(rule_set(rule))
    live = widget(size=1, ratio=2.0)
    live["metadata"]["labels"] = {"a": "b"}
    assert operations(widget(size=1), live, rules=rules) == [{"op": "remove", "path": "/metadata/labels"}]


@pytest.mark.parametrize(
    ("annotations", "left"),
    [
        ({}, ["/spec/ratio", "/spec/size"]),
        ({"genreconcile.dev/ignore": "/spec/size"}, ["/spec/ratio"]),
        ({"genreconcile.dev/ignore": "/spec/size, /spec/ratio"}, []),
        ({"genreconcile.dev/ignore": "/spec"}, []),
        ({"genreconcile.dev/adopt": "/spec/size"}, ["/spec/ratio"]),
        ({"genreconcile.dev/subset": "/spec"}, ["/spec/size"]),
        ({"genreconcile.dev/subset": "/"}, ["/spec/size"]),
    ],
    ids=str,
)
def test_annotations_of_expected(annotations, left):
    expected, live = widget(annotations, size=1), widget(annotations, size=2, ratio=1.5)
    assert sorted(op["path"] for op in operations(expected, live)) == left


def test_annotations_of_live_are_never_read():
    live = widget({"genreconcile.dev/ignore": "/spec"}, size=2)
    assert sorted(op["path"] for op in operations(widget(size=1), live)) == [
        "/metadata/annotations/genreconcile.dev~1ignore",
        "/spec/size",
    ]


@pytest.mark.parametrize("text", ["spec/size", "/spec//size"])
def test_a_path_that_is_none_is_an_error(text):
    with pytest.raises(gr.InputError, match=r"is no path|does not begin with /") as error:
        operations(widget({"genreconcile.dev/ignore": text}, size=1), widget(size=1))
    assert error.value.path == "/metadata/annotations/genreconcile.dev~1ignore"


def test_what_is_ignored_is_never_part_of_a_removal_of_its_parent():
    expected = widget({"genreconcile.dev/ignore": "/spec/free/mine"}, size=1)
    live = widget({"genreconcile.dev/ignore": "/spec/free/mine"}, size=1, free={"mine": 1, "other": 2})
    assert operations(expected, live) == [{"op": "remove", "path": "/spec/free/other"}]


def test_what_is_ignored_is_never_part_of_an_added_parent():
    annotations = {"genreconcile.dev/ignore": "/spec/free/mine"}
    found = operations(widget(annotations, size=1, free={"mine": 1, "other": 2}), widget(annotations, size=1))
    assert found == [{"op": "add", "path": "/spec/free", "value": {"other": 2}}]


def deployment(replicas=None):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {} if replicas is None else {"replicas": replicas},
    }


def autoscaler(name="web", kind="Deployment", namespace="shop", api_version="apps/v1"):
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "a", "namespace": namespace},
        "spec": {"scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": name}},
    }


@pytest.mark.parametrize("expected", [None, 3])
def test_replicas_belong_to_the_autoscaler_that_targets_them(expected):
    assert operations(deployment(expected), deployment(7), others=[autoscaler()]) == []
    assert operations(deployment(expected), deployment(7), others=[autoscaler(api_version="apps/v1beta1")]) == []


@pytest.mark.parametrize(
    "other",
    [
        autoscaler("db"),
        autoscaler(kind="StatefulSet"),
        autoscaler(namespace="bank"),
        autoscaler(api_version="v1"),
        {**autoscaler(), "spec": {}},
        {**autoscaler(), "apiVersion": "autoscaling/v1"},
    ],
    ids=["name", "kind", "namespace", "group", "no reference", "version"],
)
def test_other_autoscalers_do_not_matter(other):
    assert operations(deployment(), deployment(7), others=[other]) == [
        {"op": "replace", "path": "/spec/replicas", "value": 1}
    ]


def test_unknown_autoscalers_never_scale_production_down():
    expected = deployment()
    gvk = gr.GVK.of(expected)
    node = gr.Registry.builtin().compile(gvk, SCHEMA.root(gvk), expected, has_status=True)
    for policy in (Policy(), Policy(others=lambda *_: None)):
        comparison = Comparison(node, policy=policy)
        assert not comparison.compare(expected, deployment(7))
        assert comparison.compare(deployment(3), deployment(7)), "what expected sets is enforced"


def owned(manager, fields):
    return {"manager": manager, "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": fields}


def test_what_another_field_manager_owns_is_left_alone():
    rule = {"id": "mine", "object": {"kind": "Widget"}, "path": "spec", "managers": ["vpa*"], "ignore": True}
    rules = gr.Registry.builtin().extend(rule_set(rule))
    expected, live = widget(size=1, mode="fast", ratio=1.0), widget(size=2, mode="slow", ratio=2.0)
    live["metadata"]["managedFields"] = [
        owned("vpa-updater", {"f:spec": {"f:size": {}, "f:ratio": {}}}),
        owned("genreconcile", {"f:spec": {"f:ratio": {}, "f:mode": {}}}),
    ]
    found = gr.diff(expected, live, schema=SCHEMA, rules=rules)
    assert [difference.path for difference in found.differences] == [("spec", "mode"), ("spec", "ratio")]
    assert [entry.path for entry in found.covered if entry.rule == "mine"] == [("spec", "size")]
    assert len(gr.diff(expected, live, schema=SCHEMA).differences) == 3
    assert rules.needs_managers(gr.GVK.of(expected))
    assert not rules.needs_managers(gr.GVK("", "v1", "Pod"))
    del live["metadata"]["managedFields"]
    assert len(gr.diff(expected, live, schema=SCHEMA, rules=rules).differences) == 3, "unknown owners"
