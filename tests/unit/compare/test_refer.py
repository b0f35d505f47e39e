"""A default that stands in another object: the class of an Ingress, named by the IngressClass marked as the default."""

import pytest

import genreconcile as gr
from genreconcile.compare import Comparison, Policy
from genreconcile.compare.quick import is_clean
from genreconcile.objects import GVK
from support.recorded import SCHEMA

INGRESS = GVK("networking.k8s.io", "v1", "Ingress")
MARK = "ingressclass.kubernetes.io/is-default-class"


def ingress(chosen=None, created="2026-01-02T00:00:00Z", **annotations):
    spec = {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}
    metadata = {"name": "web", "namespace": "shop", "creationTimestamp": created, "annotations": annotations}
    if chosen:
        spec["ingressClassName"] = chosen
    return {"apiVersion": INGRESS.api_version, "kind": INGRESS.kind, "metadata": metadata, "spec": spec}


def ingress_class(name="standard", mark="true", created="2026-01-01T00:00:00Z"):
    metadata = {"name": name, "creationTimestamp": created, "annotations": {MARK: mark}}
    return {"apiVersion": INGRESS.api_version, "kind": "IngressClass", "metadata": metadata, "spec": {}}


def operations(expected, live, **settings):
    return [op for op in gr.diff(expected, live, schema=SCHEMA, **settings).patch.patch if op["op"] != "test"]


def test_the_name_of_the_default_class_is_the_default():
    found = gr.diff(ingress(), ingress("standard"), schema=SCHEMA, others=[ingress_class()])
    assert not found
    assert [covered.rule for covered in found.covered if covered.path == ("spec", "ingressClassName")] == [
        "ingress-class-name"
    ]


def test_another_name_is_drift():
    assert operations(ingress(), ingress("other"), others=[ingress_class(), ingress_class("other", "false")]) == [
        {"op": "replace", "path": "/spec/ingressClassName", "value": "standard"}
    ]


def test_what_is_expected_wins():
    assert operations(ingress("mine"), ingress("standard"), others=[ingress_class()]) == [
        {"op": "replace", "path": "/spec/ingressClassName", "value": "mine"}
    ]


def test_none_is_no_drift_for_the_server_looked_at_creation_only():
    assert operations(ingress(), ingress(), others=[ingress_class()]) == []


def test_only_what_expected_sets_is_compared_in_a_subset():
    assert operations(ingress(), ingress("other"), others=[ingress_class()], fields="subset") == []


@pytest.mark.parametrize(
    "others",
    [
        [],
        [ingress_class(mark="false")],
        [ingress_class(), ingress_class("second")],
        [ingress_class(created="2026-01-03T00:00:00Z")],
    ],
    ids=["none", "none marked", "several", "younger than the Ingress"],
)
def test_where_it_cannot_be_told_any_name_is_right(others):
    assert operations(ingress(), ingress("other"), others=others) == []


def test_a_class_of_the_same_second_may_have_been_the_default():
    same = ingress_class(created="2026-01-02T00:00:00Z")
    assert len(operations(ingress(), ingress("other"), others=[same])) == 1


def test_unknown_is_not_none():
    node = gr.Registry.builtin().compile(INGRESS, SCHEMA.root(INGRESS), ingress(), has_status=True)
    for policy in (Policy(), Policy(others=lambda *_: None)):
        assert not Comparison(node, policy=policy).compare(ingress(), ingress("other"))


def test_a_legacy_annotation_keeps_the_server_from_it():
    legacy = {"kubernetes.io/ingress.class": "old"}
    assert operations(ingress(**legacy), ingress("standard", **legacy), others=[ingress_class()]) == [
        {"op": "remove", "path": "/spec/ingressClassName"}
    ]


def test_an_object_without_the_value_says_nothing():
    nameless = ingress_class()
    rules = gr.Registry.empty().extend(
        {
            "apiVersion": "genreconcile.dev/v1alpha1",
            "kind": "RuleSet",
            "rules": [
                {
                    "id": "mine",
                    "object": {"kind": "Ingress"},
                    "path": "spec/ingressClassName",
                    "refer": {
                        "kind": "networking.k8s.io/v1/IngressClass",
                        "at": f"/metadata/annotations/{MARK.replace('/', '~1')}",
                        "in": ["true"],
                        "take": "/spec/nothing",
                    },
                }
            ],
        }
    )
    assert operations(ingress(), ingress("other"), others=[nameless], rules=rules) == []
    assert rules.consulted(INGRESS, SCHEMA.root(INGRESS)) == {GVK.of(nameless)}


def test_the_kind_is_watched_for_those_that_refer_to_it_alone():
    rules = gr.Registry.builtin()
    classes = GVK("networking.k8s.io", "v1", "IngressClass")
    assert classes in rules.consulted(INGRESS, SCHEMA.root(INGRESS))
    config = GVK("", "v1", "ConfigMap")
    assert classes not in rules.consulted(config, SCHEMA.root(config))


@pytest.mark.parametrize("others", [None, [], [ingress_class()], [ingress_class(), ingress_class("second")]])
@pytest.mark.parametrize("chosen", [None, "standard", "other"])
def test_the_quick_check_agrees(chosen, others):
    expected, live = ingress(a="b"), ingress(chosen, a="b")
    node = gr.Registry.builtin().compile(INGRESS, SCHEMA.root(INGRESS), expected, has_status=True)
    found = Comparison(node, policy=Policy(others=lambda _kind, _namespace: others)).compare(expected, live)
    assert is_clean(expected, live, node, others=lambda _kind, _namespace: others) == (not found)
