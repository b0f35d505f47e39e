from genreconcile.kinds.order import defined_by, defines_kinds, is_served, wave_of, waves
from genreconcile.objects import GVK
from support.objects import definition

CRD = definition(
    "example.dev",
    {"name": "v1", "served": True, "subresources": {"status": {}}},
    {"name": "v1beta1", "served": True},
    {"name": "v1alpha1", "served": False},
    kind="Widget",
)
NAMESPACE, WORKLOAD, WEBHOOK = (
    ("", "Namespace"),
    ("apps", "Deployment"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
)


def test_waves_and_back():
    members = [(WEBHOOK, "webhook"), (WORKLOAD, "one"), (NAMESPACE, "namespace"), (WORKLOAD, "two")]
    assert waves(members) == [["namespace"], ["one", "two"], ["webhook"]]
    assert waves(members, reverse=True) == [["webhook"], ["one", "two"], ["namespace"]]


def test_unknown_kinds_go_with_the_workloads():
    assert wave_of("example.dev", "Widget") == wave_of(*WORKLOAD)
    assert wave_of("", "Deployment") == wave_of(*WORKLOAD)
    assert wave_of("example.dev", "Namespace") != wave_of(*NAMESPACE)


def test_what_a_definition_brings():
    assert defines_kinds(GVK.of(CRD))
    assert [(str(found.gvk), found.plural, found.namespaced) for found in defined_by(CRD)] == [
        ("example.dev/v1/Widget", "widgets", True),
        ("example.dev/v1beta1/Widget", "widgets", True),
    ]
    assert defined_by(CRD)[0].subresources == {"status"}


def test_what_brings_nothing():
    assert defined_by({"apiVersion": "v1", "kind": "ConfigMap"}) == []
    assert defined_by({**CRD, "spec": {}}) == []
    assert defined_by({**CRD, "spec": {**CRD["spec"], "versions": ["v1"]}}) == []
    assert defined_by({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "spec": {"group": "x"}}) == []


def test_when_it_is_served():
    def with_condition(status):
        return {**CRD, "status": {"conditions": [{"type": "Other"}, {"type": "Established", "status": status}]}}

    assert is_served(with_condition("True"))
    assert not is_served(with_condition("False"))
    assert not is_served(CRD)
