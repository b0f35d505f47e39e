"""The operator of tenants, as its author tests it."""

import pytest

from unit.examples import examples

KIND, NAMESPACE, CLAIM, POD = "tenancy.example.com/v1/Tenant", "v1/Namespace", "v1/PersistentVolumeClaim", "v1/Pod"
ROLE, QUOTA = "rbac.authorization.k8s.io/v1/Role", "v1/ResourceQuota"


@pytest.fixture
def fake():
    with examples.cluster("tenants", namespace="") as fake:
        yield fake


@pytest.fixture
def run(fake):
    with fake.run(examples.module("tenants/tenant.py").tenants) as run:
        run.advance(seconds=2)
        yield run


def places(fake, kind):
    return sorted({obj["metadata"]["namespace"] for obj in fake.find(kind)})


def namespaces(fake):
    return [obj["metadata"]["name"] for obj in fake.find(NAMESPACE) if obj["metadata"]["name"].startswith("blue")]


def set_teams(fake, *teams):
    fake.patch(KIND, "blue", {"op": "replace", "path": "/spec/teams", "value": list(teams)}, namespace="")


def test_each_team_has_a_namespace_with_a_quota_and_a_role(fake, run):
    assert namespaces(fake) == ["blue-data", "blue-web"]
    assert places(fake, ROLE) == places(fake, QUOTA) == ["blue-data", "blue-web"]
    assert places(fake, CLAIM) == ["archive"]
    assert fake.get(KIND, "blue", namespace="")["status"]["namespaces"] == ["blue-web", "blue-data"]


def test_a_run_with_nothing_to_do_writes_nothing(run):
    run.writes.clear()
    run.advance(seconds=100_000)
    assert run.writes == []


def test_a_namespace_goes_with_its_team_and_no_other_does(fake, run):
    set_teams(fake, "web", "new")
    run.advance(seconds=10)
    assert namespaces(fake) == ["blue-new", "blue-web"]
    assert places(fake, ROLE) == ["blue-new", "blue-web"]


def test_drift_in_a_namespace_of_a_team_is_repaired(fake, run):
    fake.delete(QUOTA, "team", namespace="blue-web")
    operation = {"op": "replace", "path": "/spec/hard/pods", "value": "1000"}
    fake.patch(QUOTA, "team", operation, namespace="blue-data")
    run.advance(seconds=2)
    assert {obj["spec"]["hard"]["pods"] for obj in fake.find(QUOTA)} == {"20"}
    assert places(fake, QUOTA) == ["blue-data", "blue-web"]


def test_the_claim_outlives_its_tenant(fake, run):
    fake.delete(KIND, "blue", namespace="")
    run.advance(seconds=10)
    assert fake.find(KIND) == []
    assert namespaces(fake) == places(fake, ROLE) == []
    assert places(fake, CLAIM) == ["archive"]
    assert "ownerReferences" not in fake.get(CLAIM, "blue", namespace="archive")["metadata"]


def test_a_tenant_stays_while_a_pod_of_it_runs(fake, run):
    spec = {"containers": [{"name": "a", "image": "a"}]}
    fake.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "blue-web"}, "spec": spec})
    fake.delete(KIND, "blue", namespace="")
    run.advance(seconds=10)
    (tenant,) = fake.find(KIND)
    (told,) = (one for one in tenant["status"]["conditions"] if one["type"] == "Ready")
    assert told["message"].endswith("1 Pods of web still run")
    assert namespaces(fake) == ["blue-data", "blue-web"]
    fake.delete(POD, "a", namespace="blue-web")
    run.advance(seconds=2)
    assert fake.find(KIND) == [], "the end of the Pod has woken it, before its time came"
    assert namespaces(fake) == []
    assert places(fake, CLAIM) == ["archive"]
