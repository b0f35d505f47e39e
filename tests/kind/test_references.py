"""References that block the deletion of a parent, where the server asks for the right to (an admission plugin that many
clusters have, OwnerReferencesPermissionEnforcement).
"""

import secrets

import pytest

import genreconcile as gr
from genreconcile.controllers.program import Program
from genreconcile.testing import ControlPlane
from support import objects
from support.deletion_ground import Ground
from support.eventually import eventually

RBAC = "rbac.authorization.k8s.io"
FINALIZERS = {"apiGroups": [""], "resources": ["configmaps/finalizers"], "verbs": ["update"]}
ROLE = [{"apiGroups": [""], "resources": ["configmaps", "services"], "verbs": ["*"]}]


@pytest.fixture(scope="module")
def plane():
    enforced = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement"
    with ControlPlane(extra_apiserver_args=[enforced]) as plane:
        yield plane


@pytest.fixture
def ground(plane):
    return Ground(plane, plane.create_namespace(f"test-{secrets.token_hex(6)}"))


@pytest.fixture
def user(ground):
    """A function that makes the rules of a user those that are given; it returns the user's cluster."""
    name = f"user-{ground.namespace}"
    cluster = gr.connect(kubeconfig=str(ground.plane.user_kubeconfig(name)))

    def may(rules):
        role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": "user", "namespace": ground.namespace}}
        binding = {**role, "kind": "RoleBinding", "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "user"}}
        subjects = [{"apiGroup": RBAC, "kind": "User", "name": name}]
        with gr.Reconciler(ground.admin, field_manager="admin") as reconciler:
            reconciler.reconcile([{**role, "rules": rules}, {**binding, "subjects": subjects}]).raise_for_failures()
        return cluster

    yield may
    cluster.close()


@gr.controller("v1/ConfigMap", name="shops", selector={"is": "shop"})
def shops(parent, ctx):
    for name in parent["data"]["services"].split():
        yield objects.service(name, parent["metadata"]["namespace"])


def shop(ground, services):
    return ground.config("shop", labels={"is": "shop"}, services=services)


def blocks(ground, name):
    try:
        (owner,) = ground.get(ground.path("services", name))["metadata"]["ownerReferences"]
    except gr.NotFound:
        return None
    return owner.get("blockOwnerDeletion", False)


@pytest.mark.parametrize("may_block", [True, False])
def test_only_where_that_is_allowed(ground, user, may_block):
    cluster = user([*ROLE, FINALIZERS] if may_block else ROLE)
    ground.post(shop(ground, "a"))
    with Program(shops, cluster=cluster, namespaces=[ground.namespace]):
        assert eventually(lambda: blocks(ground, "a") is not None)
    assert blocks(ground, "a") is may_block


def test_a_right_that_is_taken_away(ground, user):
    cluster = user([*ROLE, FINALIZERS])
    ground.post(shop(ground, "a"))
    with Program(shops, cluster=cluster, namespaces=[ground.namespace]):
        assert eventually(lambda: blocks(ground, "a"))
        user(ROLE)
        ground.patch(ground.path("configmaps", "shop"), {"op": "replace", "path": "/data/services", "value": "a b"})
        assert eventually(lambda: blocks(ground, "b") is not None)
    assert blocks(ground, "b") is False
