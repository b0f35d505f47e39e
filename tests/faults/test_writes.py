"""Writes whose outcome nobody knows, and writes on a view that is no longer true (2, 15, 17)."""

import threading

import pytest

from faults.oracles import LABELS, MAPS, config_map, converge, names, patches, path_of, reconcile, writes
from support.api.effects import CommitThenDrop, Drop, Hold, Refuse, Shorten, Truncate
from support.eventually import eventually

DROPS = [CommitThenDrop(), Drop(), CommitThenDrop(reset=True), Truncate(), Shorten()]


def tally(ground, name):
    return ground.log.tally().get(("configmaps", ground.namespace, name), (0, 0))


@pytest.mark.parametrize("drop", DROPS, ids=lambda effect: str(effect).split("(")[0] + str(DROPS.index(effect)))
def test_s02_a_create_whose_answer_is_lost(ground, subject, drop):
    expected = [config_map("a", ground.namespace, k="1"), config_map("b", ground.namespace, k="1")]
    ground.faults.add(drop, "create", resource="configmaps")
    with subject(ground) as reconciler:
        converge(ground, reconciler, expected)
    assert tally(ground, "a") == tally(ground, "b") == (1, 0)


@pytest.mark.parametrize("drop", DROPS, ids=lambda effect: str(effect).split("(")[0] + str(DROPS.index(effect)))
def test_s02_a_patch_whose_answer_is_lost(ground, subject, drop):
    with subject(ground) as reconciler:
        converge(ground, reconciler, [config_map("a", ground.namespace, k="1")])
        ground.faults.add(drop, "patch", resource="configmaps")
        since = len(ground.log)
        converge(ground, reconciler, [config_map("a", ground.namespace, k="2")])
        done = [entry for entry in patches(ground, since) if entry.changed]
    assert len(done) == 1
    assert tally(ground, "a") == (1, 0)


@pytest.mark.parametrize("drop", DROPS, ids=lambda effect: str(effect).split("(")[0] + str(DROPS.index(effect)))
def test_s02_a_deletion_whose_answer_is_lost(ground, subject, drop):
    both = [config_map("a", ground.namespace, k="1"), config_map("b", ground.namespace, k="1")]
    settings = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS}
    with subject(ground) as reconciler:
        converge(ground, reconciler, both, **settings)
        ground.faults.add(drop, "delete", resource="configmaps")
        converge(ground, reconciler, both[:1], **settings)
    assert names(ground) == {"a"}
    assert (tally(ground, "a"), tally(ground, "b")) == ((1, 0), (1, 1))


def test_s02_a_write_that_gets_no_answer_in_time(ground, subject):
    expected = [config_map("a", ground.namespace, k="1")]
    hold = Hold(commit=True)
    ground.faults.add(hold, "create", resource="configmaps")
    with subject(ground, timeout=3.0) as reconciler:
        result = reconcile(reconciler, expected)
        assert [outcome.status for outcome in result] == ["failed"]
        converge(ground, reconciler, expected)
    assert tally(ground, "a") == (1, 0)


def test_s02_a_name_that_the_server_would_make_up_is_refused(ground, subject):
    """A create that is repeated after a lost answer would make a second object: so no such object is taken."""
    nameless = config_map("a", ground.namespace)
    nameless["metadata"] = {"generateName": "a-", "namespace": ground.namespace}
    with subject(ground) as reconciler, pytest.raises(Exception, match=r"generateName|name"):
        reconciler.reconcile([nameless])
    assert writes(ground) == []


def test_s15_one_conflict_is_dealt_with_at_once(ground, subject):
    """An object that somebody changed under our write is compared again in the same call, not in the next one."""
    path = path_of(ground.namespace, "a")
    with subject(ground) as reconciler:
        converge(ground, reconciler, [config_map("a", ground.namespace, k="1")])
        ground.faults.add(
            Refuse(409, reason="Conflict", message="it has been modified"), "patch", resource="configmaps"
        )
        since = len(ground.log)
        result = reconciler.reconcile([config_map("a", ground.namespace, k="2")])
        assert [outcome.status for outcome in result] == ["configured"], list(map(str, result))
        assert len(patches(ground, since)) == 2
    assert ground.admin.get(path)["data"] == {"k": "2"}


def test_s15_what_somebody_else_creates_meanwhile_is_repaired_at_once(ground, subject):
    """Our create finds an object of that name: it is compared, and patched, in the same call."""
    with subject(ground) as reconciler:
        other = config_map("other", ground.namespace, k="1")
        converge(ground, reconciler, [other])
        hold = Hold()
        ground.faults.add(hold, "create", resource="configmaps")
        results = []
        expected = [config_map("a", ground.namespace, k="1"), other]
        writer = threading.Thread(target=lambda: results.append(reconciler.reconcile(expected)))
        writer.start()
        assert hold.arrived.wait(30)
        ground.admin.create(path_of(ground.namespace), config_map("a", ground.namespace, k="theirs"))
        hold.released.set()
        writer.join(30)
    assert [outcome.status for outcome in results[0]] == ["configured", "unchanged"], list(map(str, results[0]))
    assert ground.admin.get(path_of(ground.namespace, "a"))["data"] == {"k": "1"}
    assert tally(ground, "a") == (0, 0), "none is ours"


def test_s15_a_storm_of_conflicts(ground, subject):
    """Somebody changes the object under each of our writes: compared again, a bounded number of times, and in the end
    ours and theirs both stand.
    """
    path = path_of(ground.namespace, "a")
    with subject(ground) as reconciler:
        converge(ground, reconciler, [config_map("a", ground.namespace, k="1")])
        conflict = Refuse(409, reason="Conflict", message="the object has been modified")
        fault = ground.faults.add(conflict, "patch", resource="configmaps", times=None)
        since = len(ground.log)
        result = reconciler.reconcile([config_map("a", ground.namespace, k="2")])
        assert [outcome.status for outcome in result] == ["failed"]
        assert len(patches(ground, since)) <= 3
        ground.faults.remove(fault)
        converge(ground, reconciler, [config_map("a", ground.namespace, k="2")])
    assert ground.admin.get(path)["data"] == {"k": "2"}


def test_s15_a_test_of_ours_fails_because_somebody_was_faster(ground, subject):
    """The server holds our patch back until somebody else has changed what its ``test`` names."""
    path = path_of(ground.namespace, "a")
    finalizers = {"finalizers": ["example.com/a", "example.com/b"]}
    expected = config_map("a", ground.namespace, metadata={"finalizers": ["example.com/a"]}, k="1")
    with subject(ground) as reconciler:
        converge(ground, reconciler, [config_map("a", ground.namespace, k="1")])
        ground.admin.patch(path, {"op": "add", "path": "/metadata/finalizers", "value": finalizers["finalizers"]})
        hold = Hold()
        ground.faults.add(hold, "patch", resource="configmaps")
        changed = {**expected, "data": {"k": "2"}}
        since = len(ground.log)
        writer = threading.Thread(target=reconcile, args=(reconciler, [changed]))
        writer.start()
        assert hold.arrived.wait(30)
        ground.admin.patch(path, {"op": "add", "path": "/data/other", "value": "x"})
        hold.released.set()
        writer.join(30)
        converge(ground, reconciler, [changed])
        assert len(patches(ground, since)) <= 6
    ground.admin.patch(path, {"op": "remove", "path": "/metadata/finalizers"})


@pytest.mark.parametrize("prunes", [False, True])
def test_s17_an_object_that_is_stuck_in_its_deletion(ground, subject, prunes):
    """Neither created again nor patched while it goes; when it is gone, it is created, once."""
    path = path_of(ground.namespace, "a")
    expected = [config_map("a", ground.namespace, k="1"), config_map("b", ground.namespace, k="1")]
    settings = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS} if prunes else {}
    with subject(ground) as reconciler:
        converge(ground, reconciler, expected, **settings)
        ground.admin.patch(path, {"op": "add", "path": "/metadata/finalizers", "value": ["example.com/stuck"]})
        ground.admin.delete(path)
        eventually(lambda: reconciler.cache.record(MAPS, "a", namespace=ground.namespace).deleting)
        since = len(ground.log)
        for _ in range(3):
            result = reconciler.reconcile([config_map("a", ground.namespace, k="2"), expected[1]], **settings)
            assert [outcome.status for outcome in result] == ["skipped", "unchanged"]
        assert writes(ground, since) == []
        ground.admin.patch(path, {"op": "remove", "path": "/metadata/finalizers"})
        converge(ground, reconciler, expected, **settings)
    assert tally(ground, "a") == (2, 0)


def test_s17_an_object_that_is_pruned_but_stuck_is_deleted_once(ground, subject):
    path = path_of(ground.namespace, "b")
    both = [config_map("a", ground.namespace, k="1"), config_map("b", ground.namespace, k="1")]
    settings = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS, "max_deletions": 1}
    with subject(ground) as reconciler:
        converge(ground, reconciler, both, **settings)
        ground.admin.patch(path, {"op": "add", "path": "/metadata/finalizers", "value": ["example.com/stuck"]})
        eventually(
            lambda: (
                reconciler.reconcile(both[:1], **settings) and "deletionTimestamp" in ground.admin.get(path)["metadata"]
            )
        )
        since = len(ground.log)
        for _ in range(3):
            assert reconciler.reconcile(both[:1], **settings).counts["deleted"] == 0
        assert writes(ground, since) == []
        ground.admin.patch(path, {"op": "remove", "path": "/metadata/finalizers"})
        converge(ground, reconciler, both[:1], **settings)
    assert tally(ground, "b") == (1, 1)
