"""The class of an Ingress: what admission fills in is known from the IngressClass, where that can be read."""

import contextlib

import pytest

import genreconcile as gr
from support.eventually import eventually

GROUP = "rbac.authorization.k8s.io"
PATH = "/spec/ingressClassName"


def ingress_class(name):
    metadata = {"name": name, "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}
    spec = {"controller": "example.com/i"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": metadata, "spec": spec}


@contextlib.contextmanager
def default_class(world, name):
    """A class that is the default for a while."""
    chosen = ingress_class(name)
    world.reconcile(chosen).raise_for_failures()
    try:
        yield name
    finally:
        world.delete(chosen)


@pytest.fixture
def ingress(world):
    """An Ingress that names no class, and what the server made of it."""
    backend = {"service": {"name": "x", "port": {"number": 80}}}
    expected = world.obj("networking.k8s.io/v1", "Ingress", "web", spec={"defaultBackend": backend})
    with default_class(world, world.namespace) as name:
        world.post_until(expected, lambda live: live["spec"].get("ingressClassName") == name)
        assert world.plan(expected) == []
        yield expected


def named(world, ingress):
    return world.get(ingress)["spec"].get("ingressClassName")


def test_e19_default_ingress_class(world, ingress):
    assert named(world, ingress) == world.namespace


def test_e19_another_class_by_hand(world, ingress):
    world.edit(ingress, {"op": "replace", "path": PATH, "value": "other"})
    assert world.plan(ingress)[-1] == {"op": "replace", "path": PATH, "value": world.namespace}
    world.repair(ingress)
    assert named(world, ingress) == world.namespace


def test_e19_while_two_classes_are_the_default_any_is_right(world, ingress):
    with default_class(world, f"{world.namespace}-second"):
        world.edit(ingress, {"op": "replace", "path": PATH, "value": "other"})
        assert eventually(lambda: world.plan(ingress) == [])
    assert eventually(lambda: world.plan(ingress))


def test_e19_a_class_that_may_not_be_read_is_unknown(world, ingress, control_plane):
    rights = [{"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["*"]}]
    role = world.obj(f"{GROUP}/v1", "Role", "ingresses", rules=rights)
    reference = {"apiGroup": GROUP, "kind": "Role", "name": "ingresses"}
    subjects = [{"apiGroup": GROUP, "kind": "User", "name": "ingresses-only"}]
    binding = world.obj(f"{GROUP}/v1", "RoleBinding", "ingresses", roleRef=reference, subjects=subjects)
    world.reconcile(role, binding).raise_for_failures()
    world.edit(ingress, {"op": "replace", "path": PATH, "value": "other"})
    limited = gr.connect(kubeconfig=str(control_plane.user_kubeconfig("ingresses-only")))
    with gr.Reconciler(limited, namespaces=[world.namespace]) as reconciler:
        (outcome,) = reconciler.reconcile([ingress])
        assert outcome.status == "unchanged", str(outcome)
        world.edit(ingress, {"op": "replace", "path": "/spec/defaultBackend/service/name", "value": "y"})
        assert eventually(lambda: reconciler.reconcile([ingress]).counts["configured"])
    assert named(world, ingress) == "other"
