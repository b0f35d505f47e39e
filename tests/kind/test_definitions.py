"""A definition that changes while the engine runs: by us, and by somebody else."""

import copy
import json
import time

import pytest

import genreconcile as gr


@pytest.fixture
def cluster(control_plane):
    return gr.connect(kubeconfig=str(control_plane.kubeconfig))


def definition(group, **properties):
    spec = {"type": "object", "properties": {"size": {"type": "integer"}, **properties}}
    schema = {"type": "object", "properties": {"spec": spec}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def thing(group, namespace, **spec):
    metadata = {"name": "t", "namespace": namespace}
    return {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": metadata, "spec": spec}


def replace(cluster, changed):
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{changed['metadata']['name']}"
    live = json.loads(cluster.request("GET", path))
    live["spec"] = {**live["spec"], "versions": changed["spec"]["versions"]}
    cluster.request("PUT", path, body=json.dumps(live).encode())


def eventually(check, timeout=15.0):
    deadline = time.monotonic() + timeout
    while not (found := check()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def test_somebody_else_adds_a_field_with_a_default(cluster, namespace):
    group = f"{namespace}.example.dev"
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([definition(group)]).raise_for_failures()
        expected = [thing(group, namespace, size=1)]
        reconciler.reconcile(expected).raise_for_failures()
        assert reconciler.reconcile(expected).counts["unchanged"] == 1

        replace(cluster, definition(group, mode={"type": "string", "default": "fast"}))
        # The object is served with the default under its old resourceVersion.
        live = lambda: reconciler.cache.get(f"{group}/v1/Thing", "t", namespace=namespace)  # noqa: E731 - short
        assert eventually(lambda: reconciler.reconcile(expected) and live()["spec"].get("mode") == "fast")
        assert reconciler.reconcile(expected).counts["unchanged"] == 1

        # The new field is known now, and drift in it is found.
        named = [thing(group, namespace, size=1, mode="slow")]
        assert eventually(lambda: reconciler.reconcile(named).counts["configured"] == 1)
        assert reconciler.reconcile(named).counts["unchanged"] == 1
        assert reconciler.reconcile(expected).outcomes[0].change.operations == [
            {"op": "replace", "path": "/spec/mode", "value": "fast"}
        ]


def test_somebody_else_removes_a_field(cluster, namespace):
    group = f"{namespace}.example.dev"
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([definition(group, mode={"type": "string"})]).raise_for_failures()
        expected = [thing(group, namespace, size=1, mode="x")]
        reconciler.reconcile(expected).raise_for_failures()
        replace(cluster, definition(group))
        found = eventually(lambda: (result := reconciler.reconcile(expected)).counts["failed"] and result)
        assert "/spec/mode: the schema knows no such field" in str(found.failures[0].error)
        without = [thing(group, namespace, size=1)]
        assert eventually(lambda: reconciler.reconcile(without).counts["unchanged"] == 1)


def test_we_change_it(cluster, namespace):
    group = f"{namespace}.example.dev"
    first = definition(group)
    with gr.Reconciler(cluster) as reconciler:
        expected = [first, thing(group, namespace, size=1)]
        assert reconciler.reconcile(expected).counts["created"] == 2
        second = [definition(group, mode={"type": "string", "default": "fast"}), copy.deepcopy(expected[1])]
        assert reconciler.reconcile(second).counts["failed"] == 0
        assert reconciler.reconcile(second).counts["unchanged"] == 2
        assert reconciler.cache.get(f"{group}/v1/Thing", "t", namespace=namespace)["spec"]["mode"] == "fast"
