"""The public diff: policies, lists and errors that need no schema of a server."""

import copy

import pytest

import genreconcile as gr
from support.objects import rule_set

WIDGET = {"apiVersion": "example.genreconcile.dev/v1", "kind": "Widget", "metadata": {"name": "w"}}


def rules(*entries):
    return gr.Registry.builtin().extend(rule_set(*entries))


def operations(expected, live, **settings):
    found = gr.diff({**WIDGET, "spec": expected}, {**WIDGET, "spec": live}, **settings)
    return [{key: op[key] for key in ("op", "path", "value", "from") if key in op} for op in found.patch.patch]


def rule(path, **action):
    return {"id": "mine", "object": {"kind": "Widget"}, "path": path, **action}


def test_without_a_schema_the_result_says_so():
    found = gr.diff(WIDGET, WIDGET)
    assert not found
    assert not found.typed
    assert found.patch.patch == []


def test_every_field_counts():
    assert operations({"a": 1}, {"a": 1, "b": 2}) == [{"op": "remove", "path": "/spec/b"}]
    assert operations({"a": 1, "b": 2}, {"a": 1}) == [{"op": "add", "path": "/spec/b", "value": 2}]
    assert operations({"a": 1}, {"a": 2}) == [{"op": "replace", "path": "/spec/a", "value": 1}]


@pytest.mark.parametrize(
    ("expected", "live"),
    [(True, 1), (1, True), (0, False), ("1", 1), (None, 0), ({}, []), ({"a": 1}, 1), ([1], 1), ("", None)],
)
def test_different_shapes_are_different(expected, live):
    assert operations({"a": expected}, {"a": live}) == [{"op": "replace", "path": "/spec/a", "value": expected}]


@pytest.mark.parametrize(("expected", "live"), [(1, 1.0), (0, -0.0), (2**63 - 1, 2**63 - 1)])
def test_equal_numbers_are_equal(expected, live):
    assert operations({"a": expected}, {"a": live}) == []


def test_large_integers_are_exact():
    assert operations({"a": 2**53 + 1}, {"a": 2**53}) != []


def test_lists_without_a_schema_are_atomic():
    assert operations({"a": [1, 2]}, {"a": [2, 1]}) == [
        {"op": "test", "path": "/spec/a/1", "value": 1},
        {"op": "remove", "path": "/spec/a/1"},
        {"op": "add", "path": "/spec/a/0", "value": 1},
    ]


def test_a_member_is_guarded_by_the_whole_of_it():
    assert operations({"a": [{"x": 1}]}, {"a": [{"x": 2}]}) == [
        {"op": "test", "path": "/spec/a/0", "value": {"x": 2}},
        {"op": "replace", "path": "/spec/a/0/x", "value": 1},
    ]


def test_structural_patches_are_bound_to_the_version():
    live = {**WIDGET, "metadata": {"name": "w", "uid": "u", "resourceVersion": "7"}, "spec": {"a": [1, 2]}}
    patch = gr.diff({**WIDGET, "spec": {"a": [1]}}, live).patch.patch
    assert patch == [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "test", "path": "/spec/a/1", "value": 2},
        {"op": "remove", "path": "/spec/a/1"},
    ]


def test_patches_of_a_leaf_are_not_so_that_status_writers_cannot_starve_them():
    live = {**WIDGET, "metadata": {"name": "w", "uid": "u", "resourceVersion": "7"}, "spec": {"a": 1}}
    patch = gr.diff({**WIDGET, "spec": {"a": 2}}, live).patch.patch
    assert [op["path"] for op in patch] == ["/metadata/uid", "/spec/a"]


def test_ignored_fields_are_neither_compared_nor_written():
    ignoring = rules(rule("spec/replicas", ignore=True))
    assert operations({"replicas": 1}, {"replicas": 2}, rules=ignoring) == []
    assert operations({"replicas": 1}, {}, rules=ignoring) == []
    assert operations({}, {"replicas": 2}, rules=ignoring) == []


def test_adopted_fields_are_written_only_where_live_has_none():
    adopting = rules(rule("spec/replicas", adopt=True))
    assert operations({"replicas": 1}, {"replicas": 2}, rules=adopting) == []
    assert operations({"replicas": 1}, {}, rules=adopting) == [{"op": "add", "path": "/spec/replicas", "value": 1}]


def test_managed_fields_are_compared_where_expected_has_them():
    managing = rules(rule("spec/ip", managed=True))
    assert operations({}, {"ip": "1"}, rules=managing) == []
    assert operations({"ip": "2"}, {"ip": "1"}, rules=managing) == [{"op": "replace", "path": "/spec/ip", "value": "2"}]


def test_a_default_is_no_more_than_its_value():
    defaulting = rules(rule("spec/mode", default="fast"))
    assert operations({}, {"mode": "fast"}, rules=defaulting) == []
    assert operations({}, {"mode": "slow"}, rules=defaulting) == [
        {"op": "replace", "path": "/spec/mode", "value": "fast"}
    ]


def test_what_is_covered_is_told():
    found = gr.diff(WIDGET, {**WIDGET, "spec": {"mode": "fast"}}, rules=rules(rule("spec", default={"mode": "fast"})))
    assert [(covered.path, covered.rule) for covered in found.covered] == [(("spec",), "mine")]


def test_kept_members_stay_each_once():
    keeping = rules(rule("spec/list", keep=[{"name": {"glob": "x-?"}, "n": [1]}]))
    live = [{"name": "x-1", "n": [1]}, {"name": "x-2", "n": [1]}, {"name": "x-3", "n": [2]}, "x"]
    found = operations({"list": []}, {"list": live}, rules=keeping)
    assert [op["path"] for op in found if op["op"] == "remove"] == ["/spec/list/3", "/spec/list/2", "/spec/list/1"]


def test_keep_all_keeps_every_live_member():
    assert operations({"list": [1]}, {"list": [2, 1, 3]}, rules=rules(rule("spec/list", keep="all"))) == []


def test_unordered_lists_are_sets():
    unordered = rules(rule("spec/list", list="unordered"))
    assert operations({"list": [{"a": 1, "b": 2}, 1]}, {"list": [1, {"b": 2, "a": 1}]}, rules=unordered) == []


def test_list_keys_by_rule():
    keyed = rules(rule("spec/list", list=["id/name"]))
    expected = [{"id": {"name": "a"}, "v": 1}, {"id": {"name": "b"}}]
    live = [{"id": {"name": "b"}}, {"id": {"name": "a"}, "v": 2}]
    assert operations({"list": expected}, {"list": live}, rules=keyed)[-1] == {
        "op": "replace",
        "path": "/spec/list/1/v",
        "value": 1,
    }


@pytest.mark.parametrize("strange", [[{"v": 1}], ["text"]], ids=["keyless", "scalar"])
def test_members_without_keys_are_compared_by_position(strange):
    keyed = rules(rule("spec/list", list=["name"]))
    assert operations({"list": strange}, {"list": strange}, rules=keyed) == []


def test_canonical_forms_by_rule():
    quantity = rules(rule("spec/memory", canonical="quantity"))
    assert operations({"memory": "1024Mi"}, {"memory": "1Gi"}, rules=quantity) == []
    assert operations({"memory": "1024Mi"}, {"memory": "1Gi"}) != []


def test_the_last_applied_annotation_is_left_alone():
    live = copy.deepcopy(WIDGET)
    live["metadata"]["annotations"] = {"a": "b"}
    patch = gr.diff(WIDGET, live).patch.patch
    assert patch == [{"op": "remove", "path": "/metadata/annotations/a"}]


def test_user_rules_beat_shipped_ones():
    kept = rules({"id": "mine", "root": True, "path": "metadata/finalizers", "ignore": True})
    live = {**WIDGET, "metadata": {"name": "w", "finalizers": ["a"]}}
    expected = {**WIDGET, "metadata": {"name": "w", "finalizers": ["b"]}}
    assert gr.diff(expected, live)
    assert not gr.diff(expected, live, rules=kept)


def test_a_member_with_another_key_and_nothing_else_different_is_renamed():
    keyed = rules(rule("spec/a", list=["k"]))
    live = {"a": [{"k": 1, "x": 1}, {"k": 3, "x": 2}]}
    assert operations({"a": [{"k": 1, "x": 1}, {"k": 2, "x": 2}]}, live, rules=keyed) == [
        {"op": "test", "path": "/spec/a/1/k", "value": 3},
        {"op": "replace", "path": "/spec/a/1/k", "value": 2},
    ]
    found = operations({"a": [{"k": 1, "x": 1}, {"k": 2, "x": 7}]}, live, rules=keyed)
    assert [op["op"] for op in found if op["op"] != "test"] == ["remove", "add"]


def test_a_guard_that_would_end_the_connection_is_the_resource_version():
    """The API server breaks off on a ``test`` of a list that holds null."""
    live = {**WIDGET, "metadata": {"name": "w", "uid": "u", "resourceVersion": "7"}, "spec": {"a": [{"b": [1, None]}]}}
    patch = gr.diff({**WIDGET, "spec": {"a": [{"b": [1, None], "c": 1}]}}, live).patch.patch
    assert patch == [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "add", "path": "/spec/a/0/c", "value": 1},
    ]


def test_r1_7_the_namespace_of_a_cluster_scoped_object_is_no_drift():
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}}
    expected = {**role, "metadata": {"name": "a", "namespace": "shop"}}
    assert not gr.diff(expected, {**role, "metadata": {"name": "a", "uid": "1"}})
