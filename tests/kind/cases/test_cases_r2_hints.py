"""R2.10: no advice that the product itself refuses to follow. R4.6, R4.11: the server's reason is shown."""

import pytest

import genreconcile as gr
from support.deletion_ground import Recorded


def claim(world, size="1Gi", mode="ReadWriteOnce", **metadata):
    spec = {"accessModes": [mode], "storageClassName": "none", "resources": {"requests": {"storage": size}}}
    return world.obj("v1", "PersistentVolumeClaim", "c", metadata, spec=spec)


def volume(world, path="/a"):
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": path}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": world.namespace}, "spec": spec}


def kept(world, text="a"):
    metadata = {"annotations": {"helm.sh/resource-policy": "keep"}}
    return world.obj("v1", "ConfigMap", "kept", metadata, immutable=True, data={"k": text})


def controlled(world, text="a"):
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "1", "controller": True}
    return world.obj("v1", "ConfigMap", "owned", {"ownerReferences": [owner]}, immutable=True, data={"k": text})


UNLOSABLE = {
    "grown": (claim, {"size": "2Gi"}),
    "mode": (claim, {"mode": "ReadWriteMany"}),
    "volume": (volume, {"path": "/b"}),
    "kept": (kept, {"text": "b"}),
    "controlled": (controlled, {"text": "b"}),
}


@pytest.mark.parametrize("case", UNLOSABLE)
def test_r2_10_no_hint_at_what_would_be_refused(world, case):
    make, change = UNLOSABLE[case]
    world.create(make(world))
    uid = world.get(make(world))["metadata"]["uid"]
    (outcome,) = world.reconcile(make(world, **change))
    assert outcome.status == "failed"
    assert "recreate" not in str(outcome.error)
    cluster = Recorded(world.cluster)
    with gr.Reconciler(cluster, on_immutable="recreate") as reconciler:
        (outcome,) = reconciler.reconcile([make(world, **change)])
    assert outcome.status == "failed"
    assert cluster.sent("DELETE") == []
    assert world.get(make(world))["metadata"]["uid"] == uid
    world.send("PATCH", world.path(make(world)), [{"op": "add", "path": "/metadata/finalizers", "value": []}],
               "application/json-patch+json")  # fmt: skip
    world.delete(make(world))


def second_controller(world):
    owners = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": name, "controller": True} for name in ("a", "b")
    ]
    return world.config(metadata={"ownerReferences": owners})


def mismatch(world):
    deployment = world.deployment()
    deployment["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    return deployment


def tls(world):
    return world.obj("v1", "Secret", "tls", type="kubernetes.io/tls", stringData={"tls.crt": "hunter2-hunter2"})


def ports(world):
    """The value is a list of ports, one of them twice."""
    port = {"port": 80, "name": "http"}
    return world.obj("v1", "Service", "s", spec={"ports": [port, {**port, "port": 81}], "selector": {"a": "b"}})


REASONS = {
    "selector": (mismatch, "spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`"),
    "owners": (second_controller, "metadata.ownerReferences: Invalid value: Only one reference can have Controller"),
    "secret": (tls, "data[tls.key]: Required value"),
    "ports": (ports, "spec.ports[1].name: Duplicate value"),
}


@pytest.mark.parametrize("case", REASONS)
def test_r4_6_the_servers_reason_is_shown(world, case):
    make, reason = REASONS[case]
    (outcome,) = world.reconcile(make(world))
    assert outcome.status == "failed"
    assert reason in str(outcome.error)
    assert "hunter2" not in str(outcome.error)


def test_r4_11_a_second_controller_of_a_live_object(world):
    """As a patch that adds it."""
    before, after = world.config(), second_controller(world)
    before["metadata"]["ownerReferences"] = after["metadata"]["ownerReferences"][:1]
    world.create(before)
    (outcome,) = world.reconcile(after)
    assert "Only one reference can have Controller set to true" in str(outcome.error)
