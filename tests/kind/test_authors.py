"""Who had set what is repaired: the field managers that the server recorded, and nobody where it recorded none."""

import json

import pytest

import genreconcile as gr
from support.eventually import eventually

MAP, DEPLOYMENT = "v1/ConfigMap", "apps/v1/Deployment"


@pytest.fixture
def cluster(control_plane):
    return gr.connect(kubeconfig=str(control_plane.kubeconfig))


@pytest.fixture
def reconciler(cluster, namespace):
    with gr.Reconciler(cluster, namespaces=[namespace]) as opened:
        yield opened


def config(namespace, **data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": namespace},
        "data": {"k": "v", **data},
    }


def deployment(namespace):
    container = {
        "name": "web",
        "image": "registry.example/web:1",
        "args": ["a", "b"],
        "env": [{"name": "X", "value": "1"}],
    }
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def edit(cluster, path, manager, *operations, kind="application/json-patch+json"):
    body = operations[0] if kind != "application/json-patch+json" else list(operations)
    query = {"fieldManager": manager, **({"force": "true"} if "apply" in kind else {})}
    answer = cluster.request("PATCH", path, query=query, body=json.dumps(body).encode(), content_type=kind)
    return json.loads(answer)["metadata"]["resourceVersion"]


def repaired(reconciler, expected, version):
    """The outcome of a reconcile that has seen the edit by its watch."""
    kind, metadata = f"{expected['apiVersion']}/{expected['kind']}", expected["metadata"]

    def seen():
        found = reconciler.cache.get(kind, metadata["name"], namespace=metadata["namespace"])
        return found and found["metadata"]["resourceVersion"] == version

    eventually(seen, "the watch has shown the edit")
    (outcome,) = reconciler.reconcile([expected])
    assert outcome.status == "configured"
    return {author.path: author.managers for author in outcome.authors}


def test_the_manager_of_each_field_is_named(cluster, reconciler, namespace):
    expected = config(namespace, other="o")
    reconciler.reconcile([expected]).raise_for_failures()
    path = f"/api/v1/namespaces/{namespace}/configmaps/a"
    edit(cluster, path, "kubectl-edit", {"op": "replace", "path": "/data/k", "value": "theirs"})
    version = edit(
        cluster,
        path,
        "autoscaler",
        {"op": "add", "path": "/data/new", "value": "x"},
        {"op": "remove", "path": "/data/other"},
    )
    assert repaired(reconciler, expected, version) == {
        "/data/k": ("kubectl-edit",), "/data/new": ("autoscaler",), "/data/other": ()
    }  # fmt: skip


def test_members_of_lists_and_whole_lists(cluster, reconciler, namespace):
    expected = deployment(namespace)
    reconciler.reconcile([expected]).raise_for_failures()
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    container = "/spec/template/spec/containers/0"
    version = edit(
        cluster,
        path,
        "kubectl-patch",
        {"op": "replace", "path": f"{container}/args/1", "value": "c"},
        {"op": "replace", "path": f"{container}/env/0/value", "value": "2"},
        {"op": "add", "path": f"{container}/env/-", "value": {"name": "Y", "value": "3"}},
    )
    found = repaired(reconciler, expected, version)
    assert set(found.values()) == {("kubectl-patch",)}
    assert {path.removeprefix(container) for path in found} == {"/args/1", "/env/0/value", "/env/1"}


def test_who_applies(cluster, reconciler, namespace):
    expected = config(namespace)
    reconciler.reconcile([expected]).raise_for_failures()
    theirs = {**config(namespace, k="applied"), "metadata": {"name": "a", "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/configmaps/a"
    version = edit(cluster, path, "argocd-controller", theirs, kind="application/apply-patch+yaml")
    assert repaired(reconciler, expected, version) == {"/data/k": ("argocd-controller",)}


def test_nobody_is_guessed(cluster, control_plane, reconciler, namespace):
    """Of what a list has shown, and of an object whose managedFields somebody has removed."""
    expected = config(namespace)
    reconciler.reconcile([expected]).raise_for_failures()
    path = f"/api/v1/namespaces/{namespace}/configmaps/a"
    change = {"op": "replace", "path": "/data/k", "value": "theirs"}
    version = edit(
        cluster, path, "somebody", change, {"op": "replace", "path": "/metadata/managedFields", "value": [{}]}
    )
    assert repaired(reconciler, expected, version) == {"/data/k": ()}
    edit(cluster, path, "somebody", change)
    with gr.Reconciler(cluster, namespaces=[namespace]) as later:
        (outcome,) = later.reconcile([expected])
    assert [tuple(author) for author in outcome.authors] == [("/data/k", ())]
    assert "set before" not in str(outcome)
