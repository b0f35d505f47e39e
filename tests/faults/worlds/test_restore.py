"""etcd is restored from an older snapshot: resourceVersions go back (I3), under a Reconciler that lives on."""

import threading
from collections import Counter

import pytest

import genreconcile as gr
from faults.worlds.small import config
from genreconcile.errors import ReconcileError
from support.eventually import eventually

BOUND = 180.0
KINDS = ["v1/ConfigMap", "v1/Service", "apps/v1/Deployment"]


@pytest.fixture
def world(mortal):
    return mortal.world()


@pytest.fixture
def reconciler(mortal):
    with gr.Reconciler(mortal.connect()) as reconciler:
        yield reconciler


def until(condition):
    eventually(condition, timeout=BOUND, pause=0.2)


def definition_path(world):
    return f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.{world.group}"


def defined(reconciler, world):
    """The resourceVersion at which the cache has the definition, "" without it."""
    found = reconciler.cache.get("apiextensions.k8s.io/v1/CustomResourceDefinition", f"gadgets.{world.group}")
    return found["metadata"]["resourceVersion"] if found else ""


def steady(reconciler, expected, settings):
    """Whether a reconcile finds nothing to do."""
    try:
        result = reconciler.reconcile(expected, **settings)
    except ReconcileError:
        return False
    return result.counts["unchanged"] == len(expected)


def test_a_restored_snapshot_begins_an_epoch_and_the_engine_converges(mortal, reconciler, world, fault_free):
    """Before the snapshot nothing was done: all that was created is gone again, and all that was deleted is back."""
    state, _, sent = fault_free
    reconciler.plan(world.expected(), **world.settings)
    snapshot = mortal.plane.snapshot()
    reconciler.reconcile(world.expected(), **world.settings).raise_for_failures()
    assert world.state(mortal.read) == state
    seen = reconciler.cache.store(KINDS[0]).seen()
    mortal.plane.restore(snapshot)
    until(lambda: all(reconciler.cache.epoch(kind) >= 1 for kind in KINDS))
    assert reconciler.cache.store(KINDS[0]).seen() < seen
    until(lambda: steady(reconciler, world.expected(), world.settings))
    assert world.state(mortal.read) == state
    assert mortal.sent(world) == 2 * sent
    mortal.remove(world)


@pytest.mark.slow
def test_what_is_expected_is_never_deleted_while_the_server_goes_back(mortal, reconciler, world):
    """Reconciled without a pause; the snapshot is from before half of the objects, and knows others that are gone."""
    place, settings = world.namespace, {**world.settings}
    old = [config(f"old-{number}", place, k="v") for number in range(10)]
    new = [config(f"new-{number}", place, k="v") for number in range(10)]
    kept = [config(f"kept-{number}", place, k="v") for number in range(10)]
    reconciler.reconcile([*old, *kept], **settings).raise_for_failures()
    snapshot, stop = mortal.plane.snapshot(), threading.Event()
    until(lambda: steady(reconciler, [*new, *kept], settings))

    def busy():
        while not stop.is_set():
            steady(reconciler, [*new, *kept], settings)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        mortal.plane.restore(snapshot)
        until(lambda: reconciler.cache.epoch(KINDS[0]) >= 1)
        until(lambda: mortal.read(f"/api/v1/namespaces/{place}/configmaps/new-9"))
    finally:
        stop.set()
        thread.join()
    until(lambda: steady(reconciler, [*new, *kept], settings))
    gone = Counter(name for verb, _, name, _ in mortal.audit.writes(world.suffix) if verb == "delete")

    def deletions(objects):
        return [gone[obj["metadata"]["name"]] for obj in objects]

    now = {entry["metadata"]["name"] for entry in mortal.read(f"/api/v1/namespaces/{place}/configmaps")["items"]}
    assert now == {obj["metadata"]["name"] for obj in (*new, *kept)}
    assert deletions(kept) == [0] * 10
    assert deletions(new) == [0] * 10
    assert deletions(old) == [2] * 10


@pytest.mark.slow
def test_a_definition_that_goes_back_is_read_again(mortal, reconciler, world):
    """Its generation is lower than the one that is known: a field that the old schema lacks is no longer accepted."""
    expected = world.expected()
    reconciler.reconcile(expected, **world.settings).raise_for_failures()
    snapshot = mortal.plane.snapshot()
    spec = expected[1]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["colour"] = {"type": "string"}
    expected[2]["spec"]["colour"] = "red"
    until(lambda: steady(reconciler, expected, world.settings))
    mortal.plane.restore(snapshot)
    # The server may write the definition anew before it is read, and then nothing seen of it has gone back: not the
    # epoch is asked for, but what is known.
    until(lambda: defined(reconciler, world) == mortal.read(definition_path(world))["metadata"]["resourceVersion"])
    until(lambda: steady(reconciler, expected, world.settings))
    found = mortal.read(f"/apis/{world.group}/v1/namespaces/{world.namespace}/gadgets/one")
    assert found["spec"] == {"size": 3, "colour": "red"}
    mortal.remove(world)
