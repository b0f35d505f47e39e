"""What a controller made without an ownerReference is not deleted, and neither is what it may have made."""

import pytest

from genreconcile.errors import ClusterError, Forbidden, NotFound, Unreachable
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change
from genreconcile.plan.evidence import Evidence
from genreconcile.testing.fake.cluster import MemoryCluster
from support.api.script import Script

CLAIM = GVK("", "v1", "PersistentVolumeClaim")
CLAIMS = Resource(CLAIM, "persistentvolumeclaims", namespaced=True)
PATH = "/api/v1/namespaces/shop/persistentvolumeclaims/data-db-0"


class FakeCatalog:
    def resource(self, gvk):
        assert gvk == CLAIM
        return CLAIMS


class FakeCluster(MemoryCluster):
    """A server that has one claim, or an error for it."""

    def __init__(self, answer):
        self.answer, self.requests = answer, []
        script = Script()
        script.says(PATH, lambda: self.answer)
        super().__init__(script)

    def request(self, method, path, *, accept):
        assert "PartialObjectMetadata" in accept, "no more than metadata is asked for"
        self.requests.append((method, path))
        return super().request(method, path, accept=accept)


def made_by(*managers, uid="u"):
    fields = {"f:spec": {"f:resources": {"f:requests": {}}}}
    entries = [{"manager": manager, "fieldsV1": fields} for manager in managers]
    status = {"manager": "kube-controller-manager", "subresource": "status", "fieldsV1": {"f:status": {"f:phase": {}}}}
    return {"metadata": {"uid": uid, "managedFields": [*entries, status] if managers else []}}


def deletion(gvk=CLAIM, version="7"):
    live = {"metadata": {"name": "data-db-0", "namespace": "shop", "uid": "u", "resourceVersion": version}}
    return Change("delete", gvk, ObjectKey(gvk.group, gvk.kind, "shop", "data-db-0"), live=live)


def judged(answer, change=None):
    cluster = FakeCluster(answer)
    return Evidence(cluster, FakeCatalog()).unless_made_by_a_controller(change or deletion()), cluster


def test_what_a_user_made_goes():
    change, cluster = judged(made_by("kubectl"))
    assert change.operation == "delete"
    assert cluster.requests == [("GET", "/api/v1/namespaces/shop/persistentvolumeclaims/data-db-0")]


@pytest.mark.parametrize("managers", [("kube-controller-manager",), ("kube-controller-manager", "kubectl-edit")])
def test_a_volume_of_a_statefulset_stays(managers):
    change, _ = judged(made_by(*managers))
    assert (change.operation, change.skipped) == ("none", True)
    assert change.reason == (
        "not deleted: a StatefulSet's controller made it, and its data outlives the StatefulSet; delete it yourself"
    )


@pytest.mark.parametrize(
    "answer",
    [made_by(), made_by("kubectl", uid="other"), Forbidden("no", status=403), NotFound("no"), ClusterError("no")],
    ids=["no managedFields", "another object", "forbidden", "gone", "fault"],
)
def test_in_doubt_it_stays(answer):
    change, _ = judged(answer)
    assert (change.operation, change.skipped) == ("none", True)
    assert "who made it cannot be told" in change.reason


def test_a_server_that_does_not_answer_raises():
    with pytest.raises(Unreachable):
        judged(Unreachable("no"))


def test_other_kinds_and_other_operations_cost_no_request():
    config = GVK("", "v1", "ConfigMap")
    for change in (deletion(config), Change("none", CLAIM, deletion().key, live={}, reason="kept", skipped=True)):
        found, cluster = judged(made_by("kube-controller-manager"), change)
        assert found is change
        assert cluster.requests == []


def test_each_version_is_asked_for_once():
    cluster = FakeCluster(made_by("kube-controller-manager"))
    evidence = Evidence(cluster, FakeCatalog())
    for version in ("7", "7", "8", "7"):
        assert evidence.unless_made_by_a_controller(deletion(version=version)).skipped
    assert len(cluster.requests) == 2


def test_after_a_fault_it_is_asked_for_again():
    cluster = FakeCluster(ClusterError("no", status=503))
    evidence = Evidence(cluster, FakeCatalog())
    assert evidence.unless_made_by_a_controller(deletion()).skipped
    cluster.answer = made_by("kubectl")
    assert evidence.unless_made_by_a_controller(deletion()).operation == "delete"
