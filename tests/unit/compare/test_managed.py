"""Values that controllers write are left alone only where a controller can have written them."""

import copy

import pytest

import genreconcile as gr
from support.recorded import SCHEMA

TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "main", "image": "main"}]}}
SPEC = {"selector": {"matchLabels": {"app": "x"}}, "template": TEMPLATE}
RESTARTED = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
OWNERS = [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "1", "controller": True}]


def obj(api_version, kind, metadata=None, **rest):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", **(metadata or {})}, **rest}


def drift(expected, live):
    found = gr.diff(expected, live, schema=SCHEMA)
    return ["/" + "/".join(map(str, one.path)) for one in found.differences]


@pytest.mark.parametrize("key", ["desired-replicas", "max-replicas", "revision"])
def test_annotations_of_the_deployment_controller_are_for_what_is_owned(key):
    expected = obj("apps/v1", "ReplicaSet", spec=SPEC)
    annotations = {f"deployment.kubernetes.io/{key}": "1"}
    owned = obj("apps/v1", "ReplicaSet", {"ownerReferences": OWNERS, "annotations": annotations}, spec=SPEC)
    assert drift(expected, owned) == []
    bare = obj("apps/v1", "ReplicaSet", {"annotations": annotations}, spec=SPEC)
    assert drift(expected, bare) == [f"/metadata/annotations/deployment.kubernetes.io/{key}"]


@pytest.mark.parametrize("label", ["zone", "region"])
def test_labels_of_a_node_are_for_pods_that_are_bound(label):
    expected = obj("v1", "Pod", {"labels": {"app": "x"}}, spec=TEMPLATE["spec"])
    labels = {"app": "x", f"topology.kubernetes.io/{label}": "a"}
    bound = obj("v1", "Pod", {"labels": labels}, spec={**TEMPLATE["spec"], "nodeName": "n"})
    assert drift(expected, bound) == []
    waiting = obj("v1", "Pod", {"labels": labels}, spec=TEMPLATE["spec"])
    assert drift(expected, waiting) == [f"/metadata/labels/topology.kubernetes.io/{label}"]


def test_the_volume_of_a_claim_is_the_binders_once_it_says_so():
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    expected = obj("v1", "PersistentVolumeClaim", spec=spec)
    bound = {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
    live = obj("v1", "PersistentVolumeClaim", bound, spec={**spec, "volumeName": "v"})
    assert drift(expected, live) == []
    assert drift(expected, {**live, "metadata": {"name": "x"}}) == ["/spec/volumeName"]


@pytest.mark.parametrize(
    ("kind", "count"), [("Deployment", 0), ("DaemonSet", 0), ("StatefulSet", 0), ("ReplicaSet", 1)]
)
def test_only_what_kubectl_can_restart_may_have_been_restarted(kind, count):
    expected = obj("apps/v1", kind, spec=SPEC)
    live = copy.deepcopy(expected)
    live["spec"]["template"]["metadata"]["annotations"] = RESTARTED
    assert len(drift(expected, live)) == count


def test_requests_of_a_pod_follow_from_those_of_its_containers():
    containers = [{"name": "main", "image": "main", "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}]
    limits = {"limits": {"cpu": "1"}}
    expected = obj("v1", "Pod", spec={"resources": limits, "containers": containers})
    sums = {"requests": {"cpu": "100m", "memory": "64Mi"}}
    assert drift(expected, obj("v1", "Pod", spec={"resources": limits | sums, "containers": containers})) == []
    without = obj("v1", "Pod", spec={"containers": containers})
    assert drift(without, obj("v1", "Pod", spec={"resources": sums, "containers": containers})) == ["/spec/resources"]


SERVICE = {"name": "s", "namespace": "n"}


def test_a_webhook_that_nobody_expects_goes_with_its_certificate():
    names = {"plural": "as", "kind": "A"}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": []}
    config = {"service": {**SERVICE, "port": 443}, "caBundle": "eA=="}
    conversion = {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": config}}
    live = obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", spec={**spec, "conversion": conversion})
    expected = obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", spec=spec)
    assert sorted(drift(expected, live)) == ["/spec/conversion/strategy", "/spec/conversion/webhook"]
    stated = copy.deepcopy(live)
    del stated["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"]
    assert drift(stated, live) == []


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        ({"service": SERVICE}, []),
        ({"service": SERVICE, "insecureSkipTLSVerify": True}, ["/spec/insecureSkipTLSVerify", "/spec/caBundle"]),
        ({}, ["/spec/caBundle", "/spec/service"]),
    ],
    ids=["verified", "not verified", "local"],
)
def test_an_api_service_has_a_certificate_only_where_it_is_used(spec, paths):
    common = {"group": "example.com", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}
    api = ("apiregistration.k8s.io/v1", "APIService")
    live = obj(*api, spec={**common, "service": {**SERVICE, "port": 443}, "caBundle": "eA=="})
    assert drift(obj(*api, spec={**common, **spec}), live) == paths
