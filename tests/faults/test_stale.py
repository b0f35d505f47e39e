"""Views that are not the cluster's: a server that lags, events that were missed, history that is gone (3 to 7)."""

import pytest

from faults.oracles import (
    LABELS,
    MAPS,
    QUICK,
    Monotonic,
    assert_no_gap,
    config_map,
    converge,
    engine,
    lists,
    names,
    path_of,
    reconcile,
    relist,
    watches,
)
from genreconcile.cache import Cache
from genreconcile.objects import resource_version_of, uid_of
from support.api.effects import Refuse, Stale
from support.api.streams import error_event, hide
from support.eventually import eventually


def make(ground, *names, labels=None, **data):
    path = path_of(ground.namespace)
    return [ground.admin.create(path, config_map(name, ground.namespace, labels=labels, **data)) for name in names]


def prunes(ground, **settings):
    return {"delete_from_namespace": ground.namespace, "delete_selector": LABELS, **settings}


def open_cache(ground):
    return Cache(ground.connect(), [MAPS], namespaces=[ground.namespace], pace=QUICK)


def is_known(cache, ground, made):
    record = cache.record(MAPS, made["metadata"]["name"], namespace=ground.namespace)
    return record is not None and record.resource_version >= int(resource_version_of(made))


def versions(ground):
    """The resourceVersion of each of our objects."""
    found = ground.admin.list(path_of(ground.namespace))
    return {name: resource_version_of(found[name]) for name in names(ground)}


def stale(ground, revision, times=1):
    """Lists come as of that revision; looks at the server's history, which take one object, do not."""
    whole = {"where": lambda request: request.query.get("limit") != "1", "times": times}
    return ground.faults.add(Stale(revision), "list", resource="configmaps", **whole)


def test_s03_a_relist_from_a_server_that_lags(ground):
    """The list is older than what was seen: no object goes back, and none that was deleted returns."""
    first, gone = make(ground, "a", "gone", k="1")
    since = int(resource_version_of(gone))
    with open_cache(ground) as cache:
        cache.wait_for_sync()
        time_travel = Monotonic(cache)
        changed = ground.admin.patch(path_of(ground.namespace, "a"), {"op": "add", "path": "/data/k", "value": "2"})
        ground.admin.delete(path_of(ground.namespace, "gone"))
        late = make(ground, "late")[0]
        eventually(lambda: is_known(cache, ground, late) and is_known(cache, ground, changed))
        lags = stale(ground, since)
        relist(ground)
        eventually(lambda: lags.fired)
        assert_no_gap(ground, cache)
    assert int(resource_version_of(first)) < int(resource_version_of(changed))
    assert time_travel.back == []


@pytest.mark.parametrize("times", [1, 3])
def test_s03_a_relist_from_a_server_that_lags_deletes_nothing_wrongly(ground, subject, times):
    """The stale list lacks an object of ours. Shown again and again it is believed, as of a server that was restored;
    then what follows brings everything back; what was sent meanwhile was refused, or changed nothing.
    """
    made = make(ground, "mine", k="1")[0]
    since = int(resource_version_of(made))
    with subject(ground) as reconciler:
        expected = [config_map("mine", ground.namespace, k="2"), config_map("new", ground.namespace)]
        converge(ground, reconciler, expected, **prunes(ground))
        before = versions(ground)
        lags = stale(ground, since, times=times)
        relist(ground)
        eventually(lambda: lags.fired == times)
        converge(ground, reconciler, expected, **prunes(ground))
        assert versions(ground) == before
        assert reconciler.cache.epoch(MAPS) == (times == 3)
        assert_no_gap(ground, reconciler.cache)


def test_s03_a_revision_that_the_server_has_not_reached(ground):
    """504 with ResourceVersionTooLarge: asked again, after a pause, and nothing is forgotten meanwhile."""
    make(ground, "a")
    with open_cache(ground) as cache:
        cache.wait_for_sync()
        causes = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}
        too_large = Refuse(504, "Timeout", details=causes)
        fault = ground.faults.add(too_large, "list", resource="configmaps", times=4)
        relist(ground)
        eventually(lambda: fault.fired == 4)
        assert [record.name for record in cache.records(MAPS, namespace=ground.namespace, selector=LABELS)] == ["a"]
        assert_no_gap(ground, cache)


def test_s04_a_new_object_of_the_same_name_is_not_deleted_for_the_old_one(ground):
    """The view shows the old one, which is to go; it went already, and somebody made a new one."""
    ground.faults.add(hide(lambda event: event["type"] != "BOOKMARK"), "watch", resource="configmaps", times=None)
    old = make(ground, "a")[0]
    with engine(ground, kinds=[MAPS]) as reconciler:
        reconciler.cache.wait_for_sync()
        plan = reconciler.plan([config_map("b", ground.namespace)], kinds=[MAPS], **prunes(ground))
        ground.admin.delete(path_of(ground.namespace, "a"))
        new = make(ground, "a", k="new")[0]
        result = {outcome.key.name: outcome.status for outcome in reconciler.apply(plan)}
    assert result == {"a": "failed", "b": "created"}
    assert uid_of(ground.admin.get(path_of(ground.namespace, "a"))) == uid_of(new) != uid_of(old)
    assert ground.log.counts("delete") == {}


def test_s04_a_new_object_of_the_same_name_is_not_patched_for_the_old_one(ground):
    make(ground, "a", k="1")
    with engine(ground, kinds=[MAPS]) as reconciler:
        reconciler.cache.wait_for_sync()
        plan = reconciler.plan([config_map("a", ground.namespace, k="2")])
        ground.admin.delete(path_of(ground.namespace, "a"))
        new = make(ground, "a", k="1")[0]
        assert [outcome.status for outcome in reconciler.apply(plan)] == ["failed"]
    assert ground.admin.get(path_of(ground.namespace, "a")) == new


@pytest.mark.parametrize("history", ["add and delete", "edit and revert", "labels out and in", "delete and create"])
def test_s05_changes_that_no_event_told_of(ground, subject, history):
    """Level-triggered: the end counts, however it came about."""
    path = path_of(ground.namespace)
    expected = [config_map("a", ground.namespace, k="1"), config_map("b", ground.namespace, k="1")]
    with subject(ground) as reconciler:
        converge(ground, reconciler, expected, **prunes(ground))
        ground.faults.add(hide(lambda event: event["type"] != "BOOKMARK"), "watch", resource="configmaps", times=1)
        before = len(watches(ground))
        ground.cut_connections()
        eventually(lambda: len(watches(ground)) > before)
        if history == "add and delete":
            make(ground, "c")
            ground.admin.delete(f"{path}/c")
        elif history == "edit and revert":
            ground.admin.patch(f"{path}/a", {"op": "add", "path": "/data/k", "value": "x"})
            ground.admin.patch(f"{path}/a", {"op": "add", "path": "/data/k", "value": "1"})
        elif history == "labels out and in":
            ground.admin.patch(f"{path}/a", {"op": "remove", "path": "/metadata/labels"})
            ground.admin.patch(f"{path}/a", {"op": "add", "path": "/metadata/labels", "value": LABELS})
        else:
            ground.admin.delete(f"{path}/a")
            make(ground, "a", k="other")
        relist(ground)
        eventually(lambda: reconcile(reconciler, expected, **prunes(ground)) and _data(ground, "a") == {"k": "1"})
        assert_no_gap(ground, reconciler.cache)
        converge(ground, reconciler, expected, **prunes(ground))
    assert names(ground) == {"a", "b"}
    deletes = {name for (_, _, name), (_, deleted) in ground.log.tally().items() if deleted}
    assert deletes == set()


def _data(ground, name):
    return ground.admin.get(path_of(ground.namespace, name)).get("data")


@pytest.mark.quick("scripted")
def test_s05_a_hidden_deletion_is_found_by_the_next_list(ground, subject):
    expected = [config_map("a", ground.namespace, k="1")]
    with subject(ground) as reconciler:
        ground.faults.add(hide(lambda event: event["type"] == "DELETED"), "watch", resource="configmaps")
        converge(ground, reconciler, expected)
        ground.admin.delete(path_of(ground.namespace, "a"))
        relist(ground)
        eventually(lambda: reconcile(reconciler, expected) and ground.admin.find(path_of(ground.namespace, "a")))
        converge(ground, reconciler, expected)
        assert _data(ground, "a") == {"k": "1"}


def test_s06_deleted_and_created_again_in_one_update(ground):
    """A MODIFIED with another uid: the old one is gone, the new one is another object."""
    old = make(ground, "a")[0]
    with open_cache(ground) as cache:
        cache.wait_for_sync()
        monotonic = Monotonic(cache)
        ground.faults.add(hide(lambda event: event["type"] == "DELETED"), "watch", resource="configmaps")
        before = len(watches(ground))
        ground.cut_connections()
        eventually(lambda: len(watches(ground)) > before)
        ground.admin.delete(path_of(ground.namespace, "a"))
        new = make(ground, "a", k="new")[0]
        eventually(lambda: is_known(cache, ground, new))
        assert cache.record(MAPS, "a", namespace=ground.namespace).uid == uid_of(new) != uid_of(old)
        assert monotonic.events[-2:] == [("DELETED", "a"), ("ADDED", "a")]


@pytest.mark.parametrize("how", ["status", "event"])
def test_s07_410_for_a_watch(ground, how):
    """One list, and what went meanwhile is gone."""
    make(ground, "a", "b")
    with open_cache(ground) as cache:
        cache.wait_for_sync()
        monotonic = Monotonic(cache)
        hidden = ground.faults.add(hide(lambda event: event["type"] == "DELETED"), "watch", resource="configmaps")
        eventually(lambda: watches(ground))
        ground.cut_connections()
        eventually(lambda: hidden.fired)
        ground.admin.delete(path_of(ground.namespace, "b"))
        before = lists(ground)
        effect = Refuse(410, "Expired") if how == "status" else error_event(410, "Expired")
        ground.faults.add(effect, "watch", resource="configmaps")
        ground.cut_connections()
        eventually(lambda: ("DELETED", "b") in monotonic.events)
        assert_no_gap(ground, cache)
        assert lists(ground) - before == 1


@pytest.mark.quick("scripted")
def test_s07_410_in_the_middle_of_paging(ground):
    """The token expires: the list is asked for once more, as a whole."""
    make(ground, *(f"n{number:03}" for number in range(505)))
    ground.faults.add(Refuse(410, "Expired"), "list", resource="configmaps", where=lambda r: "continue" in r.query)
    with open_cache(ground) as cache:
        cache.wait_for_sync()
        assert len(cache.records(MAPS, namespace=ground.namespace, selector=LABELS)) == 505
        assert_no_gap(ground, cache)
    entries = ground.log.entries("list", where=lambda entry: entry.target.resource == "configmaps")
    queries = [entry.query for entry in entries]
    assert [("limit" in query, "continue" in query) for query in queries] == [
        (True, False),
        (True, True),
        (False, False),
    ]


@pytest.mark.only("scripted", "only there can history be compacted at will")
def test_s07_history_is_really_compacted(ground, subject):
    make(ground, "a", "b", k="1")
    with subject(ground) as reconciler:
        expected = [config_map("a", ground.namespace, k="1"), config_map("b", ground.namespace, k="1")]
        converge(ground, reconciler, expected)
        before = lists(ground)
        ground.refuse_connections()
        ground.admin.delete(path_of(ground.namespace, "b"))
        ground.compact()
        ground.listen()
        eventually(lambda: reconcile(reconciler, expected) and ground.admin.find(path_of(ground.namespace, "b")))
        converge(ground, reconciler, expected)
        assert lists(ground) == before + 1
        assert_no_gap(ground, reconciler.cache)
    assert names(ground) == {"a", "b"}


@pytest.mark.only("scripted", "the same with a real etcd is among the small worlds")
def test_s03_a_server_restored_from_a_backup(ground):
    """resourceVersions go back: a new epoch. What is there now counts, and deletions name what is there now."""
    make(ground, "a", k="1")
    backup = ground.backup()
    with engine(ground) as reconciler:
        expected = [config_map("a", ground.namespace, k="2"), config_map("b", ground.namespace, k="1")]
        converge(ground, reconciler, expected, **prunes(ground))
        ground.refuse_connections()
        ground.restore(backup)
        late = make(ground, "late")[0]
        ground.listen()
        eventually(lambda: reconciler.cache.epoch(MAPS) == 1)
        assert_no_gap(ground, reconciler.cache)
        converge(ground, reconciler, expected, **prunes(ground))
        assert ground.admin.find(path_of(ground.namespace, "late")) is None
    assert int(resource_version_of(late)) <= backup.revision + 1
    assert names(ground) == {"a", "b"}
