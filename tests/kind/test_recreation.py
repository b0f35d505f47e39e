"""R2.3: recreating an object whose own values are in the way of the new one: held alone, or part of a full quota."""

import json

import pytest

import genreconcile as gr
from genreconcile.catalog import Catalog
from genreconcile.errors import ClusterError
from genreconcile.testing import ControlPlane
from support.deletion_ground import Recorded
from support.eventually import eventually


@pytest.fixture(scope="module")
def plane():
    with ControlPlane(controller_manager=True) as plane:
        yield plane


@pytest.fixture
def place(plane, request):
    return Place(plane, plane.create_namespace(f"r-{abs(hash(request.node.name)) % 10**9}"))


class Place:
    """One namespace of a server with its controllers."""

    def __init__(self, plane, namespace):
        self.cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.catalog = Catalog(self.cluster, gr.Registry.builtin())
        self.namespace = namespace

    def get(self, obj):
        resource = self.catalog.resource(gr.GVK.of(obj))
        path = resource.path(self.namespace if resource.namespaced else "", obj["metadata"]["name"])
        return json.loads(self.cluster.request("GET", path))

    def create(self, *objects):
        with gr.Reconciler(self.cluster) as reconciler:
            reconciler.reconcile(objects, namespace=self.namespace).raise_for_failures()

    def reconcile(self, *objects, **options):
        """As created, its outcome, and what was sent."""
        recorded = Recorded(self.cluster)
        with gr.Reconciler(recorded, on_immutable="recreate", **options) as reconciler:
            (outcome,) = reconciler.reconcile(objects, namespace=self.namespace)
        return outcome, recorded.sent("DELETE")

    def is_recreated(self, before, after, *, wanted=True):
        uid = self.get(before)["metadata"]["uid"]
        outcome, deletions = self.reconcile(after)
        if wanted:
            assert outcome.reason == "recreated: an immutable field differed", outcome
            assert self.get(after)["metadata"]["uid"] != uid
            assert self.reconcile(after)[0].status == "unchanged"
        else:
            assert outcome.status == "failed", outcome
            assert deletions == []
            assert self.get(before)["metadata"]["uid"] == uid
        return outcome

    def quota(self, **hard):
        """A quota whose usage the controller has counted."""
        hard = {key.replace("__", "/").replace("_", "."): value for key, value in hard.items()}
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}}
        self.create(quota)
        eventually(lambda: self.get(quota).get("status", {}).get("used"))


def service(name, address, node_port=None, **spec):
    port = {"port": 80} | ({"nodePort": node_port} if node_port else {})
    spec = {"type": "NodePort", "clusterIP": address, "ports": [port], "selector": {"a": "b"}, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def free_address(place, last):
    """One in the server's range."""
    path = "/api/v1/namespaces/default/services/kubernetes"
    return json.loads(place.cluster.request("GET", path))["spec"]["clusterIP"].rpartition(".")[0] + f".{last}"


def test_r2_3_a_service_that_holds_its_node_port(place):
    first, second = (free_address(place, last) for last in (101, 102))
    place.create(service("s", first, 30011))
    place.is_recreated(service("s", first, 30011), service("s", second, 30011))


def test_r2_3_a_service_that_holds_all_there_is_to_hold(place):
    more = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30021}
    more["ports"] = [{"name": "a", "port": 80, "nodePort": 30022}, {"name": "b", "port": 81, "nodePort": 30023}]
    first, second = (free_address(place, last) for last in (103, 104))
    place.create(service("s", first, **more))
    place.is_recreated(service("s", first, **more), service("s", second, **more))


class Late(Recorded):
    """As a server whose watch is ahead of what it does after a deletion: its first creations then are refused."""

    def __init__(self, cluster, refusal):
        super().__init__(cluster)
        self.refusals = [refusal] * 2

    def request(self, method, path, **settings):
        if method == "POST" and not (settings.get("query") or {}).get("dryRun") and self.refusals:
            raise self.refusals.pop()
        return super().request(method, path, **settings)


def checked(name, address, port):
    """A Service with this port of a health check, of which the server says by an internal error that it is taken."""
    more = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": port}
    return service(name, address, **more)


@pytest.mark.parametrize(("made", "port", "last"), [(service, 30041, 108), (checked, 30044, 113)])
def test_r2_3_a_value_is_free_a_moment_after_its_deletion_was_seen(place, made, port, last):
    first, second, third = (free_address(place, number) for number in range(last, last + 3))
    place.create(made("s", first, port))
    path = f"/api/v1/namespaces/{place.namespace}/services"
    with pytest.raises(ClusterError, match="already allocated") as refused:
        place.cluster.request("POST", path, body=json.dumps(made("second", third, port)).encode())
    late = Late(place.cluster, refused.value)
    with gr.Reconciler(late, on_immutable="recreate") as reconciler:
        (outcome,) = reconciler.reconcile([made("s", second, port)], namespace=place.namespace)
    assert (outcome.reason, late.refusals) == ("recreated: an immutable field differed", [])


def test_r2_3_who_holds_the_port_of_a_health_check_is_told(place):
    place.create(checked("s", free_address(place, 116), 30045))
    with gr.Reconciler(place.cluster) as reconciler:
        (outcome,) = reconciler.reconcile([checked("t", free_address(place, 117), 30045)], namespace=place.namespace)
    assert outcome.status == "failed"
    assert f"Service {place.namespace}/s holds 30045 (/spec/healthCheckNodePort)" in str(outcome)


def test_r2_3_a_value_that_nobody_has_just_freed_is_refused_at_once(place):
    place.create(service("s", free_address(place, 111), 30042))
    late = Late(place.cluster, None)
    late.refusals.clear()
    with gr.Reconciler(late) as reconciler:
        (outcome,) = reconciler.reconcile([service("t", free_address(place, 112), 30042)], namespace=place.namespace)
    assert outcome.status == "failed"
    assert len(late.sent("POST")) == 1


def test_r2_3_what_another_service_holds_is_no_fault_of_the_old_one(place):
    first, second = (free_address(place, last) for last in (105, 106))
    place.create(service("s", first, 30031), service("other", free_address(place, 107), 30032))
    outcome = place.is_recreated(service("s", first, 30031), service("s", second, 30032), wanted=False)
    assert "provided port is already allocated" in str(outcome.error)
    outcome = place.is_recreated(
        service("s", first, 30031), service("s", free_address(place, 107), 30031), wanted=False
    )
    assert f"Service {place.namespace}/other holds" in str(outcome.error)  # A dry run of the server does not look.


def test_r2_3_the_default_priority(place):
    def priority(value):
        metadata = {"name": f"p-{place.namespace}"}
        kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
        return {**kind, "metadata": metadata, "value": value, "globalDefault": True}

    place.create(priority(1))
    place.is_recreated(priority(1), priority(2))
    place.cluster.request("DELETE", f"/apis/scheduling.k8s.io/v1/priorityclasses/p-{place.namespace}")


def frozen(text):
    metadata = {"name": "frozen"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": True, "data": {"k": text}}


def job(image):
    spec = {"restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}
    template = {"metadata": {"labels": {"app": "once"}}, "spec": spec}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {"template": template}}


def pod(cpu, host="a"):
    resources = {"requests": {"cpu": cpu}, "limits": {"cpu": cpu}}
    container = {"name": "c", "image": "i", "resources": resources}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"hostname": host, "terminationGracePeriodSeconds": 0, "containers": [container]},
    }


def test_r2_3_a_quota_that_counts(place):
    place.create(frozen("a"), job("a"))
    place.quota(count__configmaps="2", configmaps="2", count__jobs_batch="1")  # The first is kube-root-ca.crt.
    eventually(lambda: place.get({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}}))
    place.is_recreated(frozen("a"), frozen("b"))
    place.is_recreated(job("a"), job("b"))


def test_r2_3_a_quota_that_counts_and_is_too_full_all_the_same(place):
    place.create(frozen("a"), job("a"))
    place.quota(configmaps="1")
    outcome = place.is_recreated(frozen("a"), frozen("b"), wanted=False)
    assert "exceeded quota: q" in str(outcome.error)
    assert "the object is not recreated" in str(outcome.error)


@pytest.mark.parametrize(
    ("limit", "before", "after", "fits"),
    [("2", "2", "2", True), ("2", "2", "500m", True), ("4", "2", "4", True), ("4", "2", "4100m", False)],
)
def test_r2_3_a_quota_that_sums_up(place, limit, before, after, fits):
    place.create(pod(before))
    place.quota(requests_cpu=limit, limits_cpu=limit, cpu=limit, pods="1")
    place.is_recreated(pod(before), pod(after, "b"), wanted=fits)


def test_r2_9_a_full_quota_and_an_object_under_another_name(place):
    """The old one counts until it is gone, and the quota notices that with a delay."""
    settings = {"namespace": place.namespace, "owner": "secrets/s"}
    metadata = {"name": "renamed", "labels": {}}
    with gr.Reconciler(place.cluster) as reconciler:
        reconciler.reconcile([frozen("a")], **settings).raise_for_failures()
        place.quota(configmaps="2")
        new = {**frozen("a"), "metadata": metadata}
        result = reconciler.reconcile([new], **settings)
        assert [outcome.status for outcome in result] == ["failed", "skipped"]
        assert "there is room once what is to go is gone: prune_first=True" in str(result.outcomes[0].error)
        result = reconciler.reconcile([new], **settings, prune_first=True)
        assert [outcome.status for outcome in result] == ["created", "deleted"]
        two = [{**frozen("a"), "metadata": {"name": name}} for name in ("one", "two")]
        result = reconciler.reconcile(two, **settings, prune_first=True)
        assert "deleted" not in {outcome.status for outcome in result}, "there is room for one of the two alone"
