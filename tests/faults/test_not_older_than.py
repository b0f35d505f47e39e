"""``not_older_than``: who has seen more than the cache says so, and the cache catches up."""

import threading

import pytest

from faults.oracles import LABELS, MAPS, assert_no_gap, config_map, engine, lists, path_of, watches
from genreconcile.cache import Pace
from genreconcile.errors import LoadError, NotSynced
from support.api.effects import Refuse
from support.api.streams import Lines
from support.eventually import eventually

PACE = Pace(first_backoff=0.02, longest_backoff=0.2)  # Watches of their real length: nothing but a question helps.


class Lag:
    """The engine's watches of ConfigMaps bring nothing until ``end``."""

    def __init__(self, ground):
        self._released = threading.Event()
        self._fault = ground.faults.add(Lines(self._held), "watch", resource="configmaps", times=None)
        before = len(watches(ground))
        ground.cut_connections()
        eventually(lambda: len(watches(ground)) > before)

    def _held(self, lines):
        for line in lines:
            self._released.wait(60)
            yield line

    def end(self):
        self._released.set()


@pytest.fixture
def world(ground):
    """A Reconciler in sync with two objects, whose watch lags from then on."""
    expected = [config_map(name, ground.namespace, k="1") for name in "ab"]
    with engine(ground, pace=PACE, sync_timeout=3.0) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        eventually(lambda: reconciler.reconcile(expected).counts["unchanged"] == 2)
        lag = Lag(ground)
        yield reconciler, expected
        lag.end()


def edit(ground, name="a", key="k"):
    return ground.admin.patch(path_of(ground.namespace, name), {"op": "add", "path": f"/data/{key}", "value": "theirs"})


def statuses(result):
    return {outcome.key.name: outcome.status for outcome in result}


def version(obj):
    return obj["metadata"]["resourceVersion"]


def without_head(obj):
    return {"metadata": obj["metadata"]}


def of_a_kind_that_nobody_watches(ground, _):
    path = path_of(ground.namespace, plural="secrets")
    return ground.admin.create(path, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})


GIVEN = {
    "the object": lambda _, edited: edited,
    "its resourceVersion": lambda _, edited: version(edited),
    "a number": lambda _, edited: int(version(edited)),
    "an object without kind": lambda _, edited: without_head(edited),
    "an object of a kind that is not watched": of_a_kind_that_nobody_watches,
    "a list": lambda _, edited: {"metadata": {"resourceVersion": version(edited)}, "items": []},
    "a version that was never reached": lambda *_: 2**62,
}


@pytest.mark.parametrize("how", GIVEN)
def test_r3_1_what_the_caller_has_seen_is_seen(ground, world, how):
    reconciler, expected = world
    edited = edit(ground)
    assert statuses(reconciler.reconcile(expected)) == {"a": "unchanged", "b": "unchanged"}, "the watch lags"
    given = GIVEN[how](ground, edited)
    assert [change.operation for change in reconciler.plan(iter(expected), not_older_than=given)] == ["update"]
    result = reconciler.reconcile(iter(expected), not_older_than=given)
    assert statuses(result) == {"a": "configured", "b": "unchanged"}


def test_r3_1_a_deletion_that_the_caller_has_seen(ground, world):
    """The object of a DELETED event has the resourceVersion of its deletion."""
    reconciler, expected = world
    gone = ground.admin.get(path_of(ground.namespace, "a"))
    ground.admin.delete(path_of(ground.namespace, "a"))
    gone["metadata"]["resourceVersion"] = version(edit(ground, "b"))
    assert statuses(reconciler.reconcile(expected, not_older_than=gone))["a"] == "created"


def test_r3_1_an_object_that_was_made_anew(ground, world):
    reconciler, expected = world
    ground.admin.delete(path_of(ground.namespace, "a"))
    made = ground.admin.create(path_of(ground.namespace), config_map("a", ground.namespace, k="theirs"))
    assert statuses(reconciler.reconcile(expected, not_older_than=made))["a"] == "configured"


def test_r3_1_one_that_is_to_be_deleted(ground, world):
    reconciler, expected = world
    made = ground.admin.create(path_of(ground.namespace), config_map("stray", ground.namespace))
    prunes = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS}
    assert statuses(reconciler.reconcile(expected, not_older_than=made, **prunes))["stray"] == "deleted"


def test_r3_1_an_own_object_costs_one_question_and_none_once_it_is_known(ground, world):
    reconciler, expected = world
    edited = edit(ground)
    since = len(ground.log)
    reconciler.plan(expected, not_older_than=edited)
    reconciler.plan(expected, not_older_than=edited)
    reconciler.plan(expected, not_older_than={**edited, "metadata": {**edited["metadata"], "resourceVersion": "1"}})
    asked = ground.log.entries("get", "list", since=since, where=lambda entry: entry.query.get("limit") != "1")
    assert [entry.verb for entry in asked] == ["get"]


def test_r3_1_a_question_that_is_refused_is_followed_by_a_list(ground, world):
    """Who may list and watch need not be allowed to get."""
    reconciler, expected = world
    ground.faults.add(Refuse(403), "get", resource="configmaps", times=None)
    assert statuses(reconciler.reconcile(expected, not_older_than=edit(ground)))["a"] == "configured"


@pytest.mark.parametrize("given", ["the object", "a number"])
def test_r3_1_a_server_that_does_not_answer_is_told_in_time(ground, world, given):
    reconciler, expected = world
    edited = edit(ground)
    ground.faults.add(Refuse(500), "get", "list", resource="configmaps", times=None)
    with pytest.raises(NotSynced, match=rf"ConfigMap: not as new as resourceVersion {version(edited)}: it is known up"):
        reconciler.reconcile(expected, not_older_than=GIVEN[given](ground, edited))
    assert reconciler.cache.has_synced(MAPS)


def test_r3_1_many_callers_share_one_list(ground, world):
    reconciler, expected = world
    given = int(version(edit(ground)))
    before = lists(ground)
    threads = [threading.Thread(target=reconciler.plan, args=(expected,), kwargs={"not_older_than": given})]
    threads += [threading.Thread(target=reconciler.plan, args=(expected,), kwargs={"not_older_than": given - 1})]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lists(ground) == before + 1


def test_r3_1_events_that_come_in_time_are_waited_for(ground):
    expected = [config_map("a", ground.namespace, k="1")]
    with engine(ground, pace=PACE) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        for number in range(20):
            edited = edit(ground, key=f"k{number}")
            assert statuses(reconciler.reconcile(expected, not_older_than=edited)) == {"a": "configured"}
        assert_no_gap(ground, reconciler.cache)
    assert lists(ground) == 1


def test_r3_1_another_kind_is_quiet(ground):
    """Its cache moves by bookmarks alone, which may never come: it is asked for, and what the caller saw elsewhere is
    waited for no longer than that.
    """
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": ground.namespace}}
    expected = [config_map("a", ground.namespace, k="1"), secret]
    with engine(ground, pace=PACE) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        edited = edit(ground)
        result = reconciler.reconcile(expected, not_older_than=int(version(edited)))
        assert statuses(result) == {"a": "configured", "s": "unchanged"}
        assert lists(ground, plural="secrets") <= 2


@pytest.mark.parametrize("given", ["", "x", "-1", 0, -5, True, 1.5, [], {}, {"metadata": {}}, {"metadata": None}, b"7"])
def test_r3_1_what_is_no_version_is_refused(ground, given):
    with engine(ground, pace=PACE) as reconciler:
        since = len(ground.log)
        with pytest.raises(LoadError, match=r"^not_older_than: not usable: "):
            reconciler.reconcile([config_map("a", ground.namespace)], not_older_than=given)
        assert len(ground.log) == since
