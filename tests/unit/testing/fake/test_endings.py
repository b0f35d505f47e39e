"""How objects end: what holds them, what goes with them, and what is free afterwards."""

import json

import pytest

from genreconcile.errors import ClusterError, Invalid, NotFound
from genreconcile.testing import FakeCluster

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a"},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
def fake():
    with FakeCluster() as cluster:
        yield cluster


def named(obj, name, **spec):
    return {**obj, "metadata": {"name": name}, "spec": {**obj["spec"], **spec}}


def address(obj):
    return obj["spec"]["clusterIP"]


def test_an_address_is_free_when_its_service_is_gone(fake):
    first = fake.create(SERVICE)
    assert address(fake.create(named(SERVICE, "b"))) != address(first)
    fake.delete("v1/Service", "a")
    assert address(fake.create(named(SERVICE, "c", clusterIP=address(first)))) == address(first)


def test_an_address_is_free_when_its_namespace_is_gone(fake):
    fake.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    first = fake.create({**SERVICE, "metadata": {"name": "a", "namespace": "shop"}})
    fake.delete("v1/Namespace", "shop", namespace="")
    assert address(fake.create(named(SERVICE, "c", clusterIP=address(first)))) == address(first)


def test_a_dry_run_takes_no_address(fake):
    fake.request(
        "POST", "/api/v1/namespaces/default/services", query={"dryRun": "All"}, body=json.dumps(SERVICE).encode()
    )
    fake.create(SERVICE)
    with pytest.raises(Invalid):
        fake.create(named(SERVICE, "b", clusterIP=address(fake.get("v1/Service", "a"))))


def test_addresses_follow_a_backup(fake):
    first = fake.create(SERVICE)
    backup = fake.api.store.backup()
    second = fake.create(named(SERVICE, "b"))
    fake.api.store.restore(backup)
    with pytest.raises(Invalid):
        fake.create(named(SERVICE, "c", clusterIP=address(first)))
    assert address(fake.create(named(SERVICE, "c", clusterIP=address(second)))) == address(second)


def test_a_pod_on_no_node_goes_at_once(fake):
    fake.create(POD)
    fake.delete("v1/Pod", "a")
    assert fake.find("v1/Pod") == []


def test_a_pod_on_a_node_waits_for_its_kubelet(fake):
    fake.create(named(POD, "a", nodeName="n"))
    fake.delete("v1/Pod", "a")
    meta = fake.get("v1/Pod", "a")["metadata"]
    assert (meta["deletionTimestamp"], meta["deletionGracePeriodSeconds"]) == ("2026-01-01T00:00:30Z", 30)
    version = meta["resourceVersion"]
    fake.delete("v1/Pod", "a")
    assert fake.get("v1/Pod", "a")["metadata"]["resourceVersion"] == version
    fake.patch("v1/Pod", "a", {"op": "add", "path": "/metadata/labels", "value": {"l": "1"}})
    fake.request("DELETE", f"{PODS}/a", body=b'{"gracePeriodSeconds":5}')
    assert fake.get("v1/Pod", "a")["metadata"]["deletionGracePeriodSeconds"] == 5
    fake.request("DELETE", f"{PODS}/a", body=b'{"gracePeriodSeconds":0}')
    with pytest.raises(NotFound):
        fake.get("v1/Pod", "a")


def test_a_finalizer_outlasts_the_kubelet(fake):
    fake.create({**POD, "metadata": {"name": "a", "finalizers": ["example.dev/hold"]}})
    fake.request("DELETE", f"{PODS}/a", body=b'{"gracePeriodSeconds":0}')
    assert "deletionTimestamp" in fake.get("v1/Pod", "a")["metadata"]
    fake.patch("v1/Pod", "a", {"op": "remove", "path": "/metadata/finalizers"})
    assert fake.find("v1/Pod") == []


@pytest.mark.parametrize("body", [b'{"gracePeriodSeconds":"x"}', b"[]", b'{"kind":"Pod"}'])
def test_options_that_cannot_be_read(fake, body):
    fake.create(POD)
    with pytest.raises(Invalid):
        fake.request("DELETE", f"{PODS}/a", body=body)
    assert len(fake.find("v1/Pod")) == 1


def test_nothing_is_created_while_a_definition_goes(fake):
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {
        "group": "example.dev",
        "scope": "Namespaced",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [version],
    }
    fake.create({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.dev"}, "spec": spec,
    })  # fmt: skip
    thing = {"apiVersion": "example.dev/v1", "kind": "Thing", "metadata": {"name": "a"}}
    fake.create({**thing, "metadata": {"name": "a", "finalizers": ["example.dev/hold"]}})
    fake.delete("apiextensions.k8s.io/v1/CustomResourceDefinition", "things.example.dev")
    with pytest.raises(ClusterError, match="create not allowed while custom resource definition is terminating"):
        fake.create({**thing, "metadata": {"name": "b"}})
    fake.patch("example.dev/v1/Thing", "a", {"op": "remove", "path": "/metadata/finalizers"})
    assert fake.find("apiextensions.k8s.io/v1/CustomResourceDefinition") == []


def test_an_event_is_one_object_in_both_groups(fake):
    regarding = {"apiVersion": "v1", "kind": "Pod", "name": "a", "namespace": "default"}
    made = fake.create({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e"}, "regarding": regarding,
        "note": "said", "reason": "Tested", "type": "Normal", "action": "Test",
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "example.dev/me", "reportingInstance": "i",
    })  # fmt: skip
    assert (made["regarding"], made["note"]) == (regarding, "said")
    found = fake.get("v1/Event", "e")
    assert (found["involvedObject"], found["message"], found["apiVersion"]) == (regarding, "said", "v1")
    assert found["reportingComponent"] == "example.dev/me"
    assert fake.get("events.k8s.io/v1/Event", "e") == made
    fake.delete("v1/Event", "e")
    assert fake.find("events.k8s.io/v1/Event") == []
