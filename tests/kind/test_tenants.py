"""S8 and S9: a Reconciler with ``namespaces`` neither writes nor deletes outside of them, whatever it is handed."""

import pytest

import genreconcile as gr
from genreconcile.errors import CacheError
from support.deletion_ground import LABELS, Ground, statuses
from support.objects import definition, obj, version


@pytest.fixture
def ground(control_plane, namespace):
    return Ground(control_plane, namespace)


@pytest.fixture
def other(ground, control_plane):
    return control_plane.create_namespace(ground.namespace + "-other")


@pytest.fixture
def reconciler(ground):
    with gr.Reconciler(ground.cluster, namespaces=[ground.namespace]) as reconciler:
        yield reconciler


def test_an_expected_object_elsewhere_fails_and_nothing_is_deleted(ground, reconciler, other):
    assert statuses(reconciler.reconcile([ground.config("a"), ground.config("old")]))["old"] == "created"
    ground.cluster.requests.clear()
    expected = [ground.config("a"), ground.config("foreign", namespace=other)]
    result = reconciler.reconcile(expected, **ground.settings)
    assert statuses(result) == {"a": "unchanged", "foreign": "failed", "old": "skipped"}
    assert "the namespace is not watched; add it to namespaces" in str(result.failures[0].error)
    assert ground.cluster.writes == []


def test_deletion_elsewhere_is_refused(ground, reconciler, other):
    ground.post(ground.config("theirs", namespace=other))
    with pytest.raises(CacheError, match="the namespace is not watched; add it to namespaces"):
        reconciler.reconcile([ground.config("a")], delete_from_namespace=other, delete_selector=LABELS)
    assert ground.cluster.writes == []
    assert "theirs" in ground.names(namespace=other)


def test_an_owner_set_elsewhere_is_refused(ground, reconciler, other):
    with pytest.raises(CacheError, match="the namespace is not watched; add it to namespaces"):
        reconciler.reconcile([ground.config("a")], namespace=other, owner="configmaps/set")
    assert ground.cluster.writes == []


def test_an_object_of_a_kind_that_the_set_brings_is_not_written_elsewhere_either(ground, reconciler, other):
    group = f"{ground.namespace}.tenant.dev"
    crd = definition(group, version())
    here, there = obj(f"{group}/v1", "Thing", "here", ground.namespace), obj(f"{group}/v1", "Thing", "there", other)
    result = reconciler.reconcile([crd, here, there])
    assert statuses(result) == {f"things.{group}": "created", "here": "created", "there": "failed"}
    assert ground.get(ground.path("things", group=f"{group}/v1", namespace=other))["items"] == []
