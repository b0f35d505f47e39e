"""Children where a garbage collector is at work: in a cluster in memory, which knows no server-side apply."""

import pytest

import genreconcile as gr
from genreconcile.errors import ChildConflict, ParentChanged
from genreconcile.ownership import ParentRef
from genreconcile.settings import Settings
from genreconcile.testing import FakeCluster
from support.deletion_ground import statuses
from support.eventually import eventually
from support.objects import config_map

CONFIG = "v1/ConfigMap"
KINDS = "applyset.kubernetes.io/contains-group-kinds"


@pytest.fixture
def cluster():
    with FakeCluster([config_map("head", "shop")], namespace="shop") as cluster:
        yield cluster


@pytest.fixture
def reconciler(cluster):
    with gr.Reconciler(cluster, field_manager="genreconcile-shops") as reconciler:
        yield reconciler


def head(cluster):
    return cluster.get(CONFIG, "head", namespace="shop")


def child(parent, name="a", **metadata):
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "head", "uid": parent["metadata"]["uid"]}
    return config_map(name, "shop", metadata={"ownerReferences": [{**owner, "controller": True}], **metadata})


def reconciled(reconciler, parent, *children):
    settings = Settings(not_older_than=parent)
    return reconciler.reconcile_children(children, ParentRef.of(parent, "shops"), settings)


def recreated(cluster, propagation):
    cluster.delete(CONFIG, "head", namespace="shop", propagation=propagation)
    return cluster.create(config_map("head", "shop"))


def test_the_record_is_written_and_read_without_server_side_apply(cluster, reconciler):
    parent = head(cluster)
    assert statuses(reconciled(reconciler, parent, child(parent), child(parent, "b"))) == {
        "a": "created",
        "b": "created",
    }
    assert statuses(reconciled(reconciler, parent, child(parent))) == {"a": "unchanged", "b": "deleted"}
    assert head(cluster)["metadata"]["annotations"][KINDS] == "ConfigMap"


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_what_was_collected_with_the_earlier_parent_is_made_again(cluster, reconciler, propagation):
    parent = head(cluster)
    reconciled(reconciler, parent, child(parent)).raise_for_failures()
    now = recreated(cluster, propagation)
    assert statuses(reconciled(reconciler, now, child(now))) == {"a": "created"}


def test_what_was_orphaned_is_taken_over_by_its_marks(cluster, reconciler):
    parent = head(cluster)
    reconciled(reconciler, parent, child(parent)).raise_for_failures()
    uid = cluster.get(CONFIG, "a", namespace="shop")["metadata"]["uid"]
    now = recreated(cluster, "Orphan")
    assert statuses(reconciled(reconciler, now, child(now))) == {"a": "configured"}
    taken = cluster.get(CONFIG, "a", namespace="shop")["metadata"]
    assert (taken["uid"], [owner["uid"] for owner in taken["ownerReferences"]]) == (uid, [now["metadata"]["uid"]])


@pytest.mark.parametrize(
    ("propagation", "there"), [("Orphan", {"a", "head"}), ("Background", {"a", "head"}), ("Foreground", {"head"})]
)
def test_of_a_parent_that_goes_only_what_never_had_a_reference_is_deleted(cluster, reconciler, propagation, there):
    """Also where the references are off by now, for the parent's children were to be orphaned."""
    cluster.patch(CONFIG, "head", {"op": "add", "path": "/metadata/finalizers", "value": ["a/b"]}, namespace="shop")
    parent = head(cluster)
    reconciled(reconciler, parent, child(parent), config_map("free", "shop")).raise_for_failures()
    cluster.delete(CONFIG, "head", namespace="shop", propagation=propagation)
    now = head(cluster)
    assert statuses(reconciled(reconciler, now)) == {"free": "deleted"}
    assert {obj["metadata"]["name"] for obj in cluster.find(CONFIG, namespace="shop")} == there


def test_what_is_being_collected_is_waited_for(cluster, reconciler):
    parent = head(cluster)
    reconciled(reconciler, parent, child(parent, finalizers=["example.com/wait"])).raise_for_failures()
    now = recreated(cluster, "Background")
    assert statuses(reconciled(reconciler, now, child(now))) == {"a": "skipped"}
    cluster.patch(CONFIG, "a", {"op": "remove", "path": "/metadata/finalizers"}, namespace="shop")
    assert eventually(lambda: reconciler.cache.get(CONFIG, "a", namespace="shop") is None)
    assert statuses(reconciled(reconciler, now, child(now))) == {"a": "created"}


def test_the_cache_is_behind_the_parent_that_the_caller_has(cluster, reconciler):
    parent = head(cluster)
    reconciled(reconciler, parent, child(parent)).raise_for_failures()
    now = recreated(cluster, "Background")
    with pytest.raises(ParentChanged):
        reconciled(reconciler, {**now, "metadata": {**now["metadata"], "uid": "elsewhere"}}, child(now))
    assert cluster.find(CONFIG, namespace="shop") == [now]


def test_an_object_of_somebody_else_is_told_of(cluster, reconciler):
    parent = head(cluster)
    cluster.create(config_map("a", "shop"))
    result = reconciled(reconciler, parent, child(parent))
    (outcome,) = result
    assert isinstance(outcome.error, ChildConflict)
    assert outcome.retry_after is None


def test_a_controller_writes_under_its_own_name(cluster):
    with gr.Reconciler(cluster) as other, pytest.raises(gr.InputError, match="is not that of the field manager genrec"):
        reconciled(other, head(cluster))


def test_an_object_of_somebody_else_that_is_as_it_should_be_is_told_of_as_well(cluster, reconciler):
    """Also once the cache has its kind."""
    parent = head(cluster)
    assert statuses(reconciled(reconciler, parent, child(parent))) == {"a": "created"}
    made = cluster.create(child(parent, "b"))
    children, settings = [child(parent), child(parent, "b")], Settings(not_older_than=made)
    result = reconciler.reconcile_children(children, ParentRef.of(parent, "shops"), settings)
    assert statuses(result) == {"a": "unchanged", "b": "failed"}
