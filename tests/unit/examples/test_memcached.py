"""The Memcached operator, as its author tests it: on a FakeCluster, without a thread that works and without a wait."""

import pytest

from support.objects import available
from unit.examples import examples

KIND, DEPLOYMENT = "cache.example.com/v1/Memcached", "apps/v1/Deployment"


@pytest.fixture
def fake():
    with examples.cluster("memcached") as fake:
        yield fake


@pytest.fixture
def run(fake):
    with fake.run(examples.module("memcached/memcached.py").memcached) as run:
        run.settle()
        yield run


def conditions(fake):
    return examples.conditions(fake.get(KIND, "cache"))


def test_the_children_are_made(fake, run):
    parent, made = fake.get(KIND, "cache"), fake.get(DEPLOYMENT, "cache")
    assert made["spec"]["replicas"] == 3
    (reference,) = made["metadata"]["ownerReferences"]
    assert reference["uid"] == parent["metadata"]["uid"]
    assert reference["controller"] is True
    assert fake.get("v1/Service", "cache")["spec"]["ports"][0]["port"] == 11211
    assert parent["status"]["nodes"] == []
    assert parent["status"]["observedGeneration"] == 1
    assert "finalizers" not in parent["metadata"]
    assert conditions(fake)["Ready"] == "False", "no replica is available"


def test_a_run_with_nothing_to_do_writes_nothing(run):
    run.writes.clear()
    run.advance(seconds=100_000)
    assert run.writes == []


def test_drift_in_any_field_is_repaired(fake, run):
    run.writes.clear()
    fake.patch(DEPLOYMENT, "cache", {"op": "add", "path": "/spec/template/spec/hostNetwork", "value": True})
    run.settle()
    run.advance(seconds=2)
    assert "hostNetwork" not in fake.get(DEPLOYMENT, "cache")["spec"]["template"]["spec"]
    assert [write.method for write in run.writes] == ["PATCH"]


def test_a_child_that_is_deleted_comes_back(fake, run):
    fake.delete("v1/Service", "cache")
    run.advance(seconds=2)
    assert fake.get("v1/Service", "cache")


def test_a_change_of_the_parent_is_carried_out(fake, run):
    fake.patch(KIND, "cache", {"op": "replace", "path": "/spec/size", "value": 5})
    run.advance(seconds=2)
    assert fake.get(DEPLOYMENT, "cache")["spec"]["replicas"] == 5
    assert fake.get(KIND, "cache")["status"]["observedGeneration"] == 2


def test_the_status_names_the_pods_that_are_ready(fake, run):
    labels = {"app": "memcached", "memcached": "cache"}
    for name in ("one", "two"):
        spec = {"containers": [{"name": "memcached", "image": "memcached"}]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}
        fake.create(pod)
    fake.set_status("v1/Pod", "one", {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
    run.advance(seconds=2)
    assert fake.get(KIND, "cache")["status"]["nodes"] == ["one"]


def test_it_is_ready_when_its_children_are(fake, run):
    fake.set_status(DEPLOYMENT, "cache", available(3, generation=1))
    run.advance(seconds=2)
    assert conditions(fake)["Ready"] == "True"


def test_children_go_with_their_parent(fake, run):
    fake.delete(KIND, "cache")
    run.advance(seconds=2)
    assert fake.find(KIND) == fake.find(DEPLOYMENT) == fake.find("v1/Service") == []
