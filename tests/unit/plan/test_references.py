"""Owners in references that are written: whether one is asked for, on a cluster in memory."""

import pytest

import genreconcile as gr
from genreconcile.cluster import Around
from genreconcile.ownership import ParentRef
from genreconcile.testing import FakeCluster
from support.deletion_ground import statuses
from support.objects import config_map

CONFIG, SECRET = "v1/ConfigMap", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "head"}}


class Noted(Around):
    """Notes the paths of objects that were read."""

    def __init__(self, cluster):
        super().__init__(cluster)
        self.read = []

    def request(self, method, path, **more):
        if method == "GET" and path.rpartition("/")[2] == "head":
            self.read.append(path)
        return self._request(method, path, **more)


@pytest.fixture
def fake():
    with FakeCluster([config_map("head", "shop"), SECRET], namespace="shop") as fake:
        yield fake


@pytest.fixture
def noted(fake):
    return Noted(fake)


@pytest.fixture
def reconciler(noted):
    with gr.Reconciler(noted, field_manager="genreconcile-shops") as reconciler:
        yield reconciler


def owned(owner, name="a", uid=""):
    of = {"apiVersion": "v1", "kind": owner["kind"], "name": "head", "uid": uid or owner["metadata"]["uid"]}
    return config_map(name, "shop", metadata={"ownerReferences": [{**of, "controller": True}]})


def test_the_parent_of_children_is_not_asked_for(fake, noted, reconciler):
    parent = fake.get(CONFIG, "head")
    result = reconciler.reconcile_children([owned(parent)], ParentRef.of(parent, "shops"))
    assert statuses(result) == {"a": "created"}
    assert result.warnings == ()
    assert noted.read == []


def test_an_owner_that_no_cache_has_is_asked_for_once(fake, noted, reconciler):
    secret = fake.get("v1/Secret", "head")
    assert reconciler.reconcile([owned(secret, "a"), owned(secret, "b")]).warnings == ()
    assert noted.read == ["/api/v1/namespaces/shop/secrets/head"]


def test_a_uid_that_the_cache_does_not_show_is_asked_for_and_told(fake, noted, reconciler):
    """The cache may be behind the server."""
    result = reconciler.reconcile([owned(fake.get(CONFIG, "head"), uid="elsewhere")])
    assert "has another uid" in result.warnings[0]
    assert noted.read == ["/api/v1/namespaces/shop/configmaps/head"]
