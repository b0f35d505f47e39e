"""Immutable fields: refused with a hint, or recreated with foreground deletion and the wait for it."""

import json

import pytest

import genreconcile as gr
from genreconcile.testing import ControlPlane
from support.deletion_ground import Recorded
from support.eventually import eventually


@pytest.fixture(scope="module")
def cluster():
    with ControlPlane(controller_manager=True) as plane:
        plane.create_namespace("immutable")
        yield gr.connect(kubeconfig=str(plane.kubeconfig))


def job(image):
    spec = {"restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once", "namespace": "immutable", "labels": {"app": "once"}},
        "spec": {"template": {"metadata": {"labels": {"app": "once"}}, "spec": spec}},
    }


def binding(role):
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": "immutable"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": role},
    }


def stateful(service):
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "s", "namespace": "immutable"},
        "spec": {
            "serviceName": service,
            "selector": {"matchLabels": {"app": "s"}},
            "template": {"metadata": {"labels": {"app": "s"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        },
    }


def secret(value):
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "frozen", "namespace": "immutable"},
        "immutable": True,
        "stringData": {"k": value},
    }


PAIRS = {"job": job, "binding": binding, "stateful": stateful, "secret": secret}


@pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS.keys())
def test_it_fails_with_a_hint_and_recreates_when_allowed(cluster, make):
    before, after = make("one"), make("two")
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([before]).raise_for_failures()
        (outcome,) = reconciler.reconcile([after])
        assert outcome.status == "failed"
        assert "on_immutable='recreate' would delete it" in str(outcome.error)
        uid = reconciler.cache.list(str(gr.GVK.of(before)), namespace="immutable")[0]["metadata"]["uid"]
    with gr.Reconciler(cluster, on_immutable="recreate") as reconciler:
        (outcome,) = reconciler.reconcile([after])
        assert (outcome.status, outcome.reason) == ("configured", "recreated: an immutable field differed"), outcome
        (outcome,) = reconciler.reconcile([after])
        assert outcome.status == "unchanged", (outcome, outcome.change.operations)
        (live,) = reconciler.cache.list(str(gr.GVK.of(before)), namespace="immutable")
        assert live["metadata"]["uid"] != uid


def test_nothing_is_deleted_for_an_object_that_cannot_be_created(cluster):
    """The patch touches an immutable field, and the new object would be refused."""
    bad = job("one")
    bad["metadata"]["name"] = "ordinary"
    with gr.Reconciler(cluster, on_immutable="recreate") as reconciler:
        reconciler.reconcile([bad]).raise_for_failures()
        uid = reconciler.cache.get("batch/v1/Job", "ordinary", namespace="immutable")["metadata"]["uid"]
        bad["spec"]["parallelism"] = -1
        (outcome,) = reconciler.reconcile([bad])
        assert outcome.status == "failed"
        assert reconciler.cache.get("batch/v1/Job", "ordinary", namespace="immutable")["metadata"]["uid"] == uid


def test_a_dry_run_shows_no_difference_that_the_server_does_not_see(cluster):
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "immutable"},
        "spec": {"ports": [{"port": 80}]},
    }
    gap = gr.Registry(rule for rule in gr.Registry.builtin().rules if rule.id != "service-session-affinity")
    with gr.Reconciler(cluster, rules=gap) as reconciler:
        reconciler.reconcile([service]).raise_for_failures()
        assert reconciler.plan([service]).counts["update"] == 1
        verified = reconciler.plan([service], verify=True)
        assert verified.changes == ()
        assert verified.unchanged[0].reason == "rule gap: the server would keep the object as it is"
        service["spec"]["ports"][0]["port"] = 81
        assert reconciler.plan([service], verify=True).counts["update"] == 1
        service["spec"]["ports"][0]["port"] = -1
        (change,) = reconciler.plan([service], verify=True).changes
        assert change.reason.startswith("not verified: ")


def with_pods(name, service):
    """A StatefulSet whose Pod can be found by its own label."""
    obj = stateful(service)
    obj["metadata"]["name"] = name
    obj["spec"]["selector"]["matchLabels"] = obj["spec"]["template"]["metadata"]["labels"] = {"set": name}
    return obj


PROPAGATIONS = {"": "Foreground", "foreground": "Foreground", "background": "Background", "orphan": "Orphan"}


@pytest.mark.parametrize("propagation", PROPAGATIONS)
def test_r2_2_what_is_recreated_goes_with_the_users_propagation(cluster, propagation):
    name = f"with-{propagation or 'default'}"
    recorded = Recorded(cluster)
    with gr.Reconciler(recorded, on_immutable="recreate", propagation=propagation) as reconciler:
        reconciler.reconcile([with_pods(name, "one")]).raise_for_failures()
        before = eventually(lambda: pod(cluster, name))
        (outcome,) = reconciler.reconcile([with_pods(name, "two")])
        assert outcome.reason == "recreated: an immutable field differed", outcome
    # Where its controller writes the status meanwhile, there is a second attempt.
    sent = {body["propagationPolicy"] for method, _, body, _ in recorded.requests if method == "DELETE"}
    assert sent == {PROPAGATIONS[propagation]}
    owner = get(cluster, f"/apis/apps/v1/namespaces/immutable/statefulsets/{name}")["metadata"]["uid"]
    adopted = eventually(lambda: owner in owners(pod(cluster, name)) and pod(cluster, name))
    assert (adopted["metadata"]["uid"] == before["metadata"]["uid"]) is (propagation == "orphan")


def get(cluster, path):
    return json.loads(cluster.request("GET", path))


def pod(cluster, name):
    try:
        return get(cluster, f"/api/v1/namespaces/immutable/pods/{name}-0")
    except gr.NotFound:
        return {}


def owners(obj):
    return [owner["uid"] for owner in obj.get("metadata", {}).get("ownerReferences", ())]
