"""What goes wrong in one place stays there (16, 23, 24, 27, 28), and the end does not depend on the way (30)."""

import json
import logging
import random
import threading
import time

import pytest

from faults.oracles import (
    LABELS,
    MAPS,
    QUICK,
    Monotonic,
    assert_no_gap,
    config_map,
    converge,
    differing,
    engine,
    names,
    patches,
    path_of,
    reconcile,
    relist,
    watches,
    writes,
)
from genreconcile.cache import Cache
from genreconcile.compare import Comparison
from genreconcile.errors import ReconcileError
from support.api.effects import Call, Hold, Mutate, Refuse, Rewrite
from support.api.server import ScriptedServer
from support.api.streams import Events
from support.eventually import eventually


def make(ground, *names, **data):
    return [
        ground.admin.create(path_of(ground.namespace), config_map(name, ground.namespace, **data)) for name in names
    ]


def edit(ground, name, **data):
    return ground.admin.patch(path_of(ground.namespace, name), {"op": "add", "path": "/data", "value": data})


def statuses(result):
    return {outcome.key.name: outcome.status for outcome in result}


def webhook(body):
    """Sets a field of its own in all that is written."""
    if isinstance(body, list):
        return [*body, {"op": "add", "path": "/data/k", "value": "webhook"}]
    return {**body, "data": {**body.get("data", {}), "k": "webhook"}}


def test_s16_admission_that_changes_what_we_write(ground, subject):
    """Two equal patches, and then it is told and left alone; a change of expected is tried again."""
    expected = [config_map("a", ground.namespace, k="1", other="1")]
    happens = ground.faults.add(Mutate(webhook), "create", "patch", resource="configmaps", times=None)
    with subject(ground) as reconciler:
        results = [reconciler.reconcile(expected) for _ in range(8)]
        assert len(patches(ground)) <= 2
        last = next(iter(results[-1]))
        assert last.status in {"unchanged", "skipped"}
        assert "/data/k" in last.reason, "it says what it leaves alone"
        since = len(ground.log)
        for _ in range(3):
            reconciler.reconcile(expected)
        assert writes(ground, since) == []
        ground.faults.remove(happens)
        converge(ground, reconciler, [config_map("a", ground.namespace, k="2", other="1")])


def test_s16_another_controller_that_undoes_what_we_write(ground, subject):
    """A fight: after five rounds it is told, with a pause, and no hot loop."""
    expected = [config_map("a", ground.namespace, k="1")]
    with subject(ground) as reconciler:
        converge(ground, reconciler, expected)
        undone = Call(then=lambda *_: edit(ground, "a", k="theirs"))
        ground.faults.add(undone, "patch", resource="configmaps", times=None)
        edit(ground, "a", k="theirs")

        def is_fight():
            result = reconcile(reconciler, expected)
            return result and statuses(result) == {"a": "skipped"}

        eventually(is_fight)
        sent = len(patches(ground))
        assert sent <= 6
        for _ in range(5):
            assert "fight" in next(iter(reconciler.reconcile(expected))).reason
        assert len(patches(ground)) == sent


POISON = {
    "a label that is a number": lambda obj: {**obj, "metadata": {**obj["metadata"], "labels": {"app": 7}}},
    "annotations that are a list": lambda obj: {**obj, "metadata": {**obj["metadata"], "annotations": ["x"]}},
    "no metadata": lambda obj: {key: value for key, value in obj.items() if key != "metadata"},
    "no name": lambda obj: {**obj, "metadata": {**obj["metadata"], "name": None}},
    "a name that is a number": lambda obj: {**obj, "metadata": {**obj["metadata"], "name": 7}},
    "owners that are a text": lambda obj: {**obj, "metadata": {**obj["metadata"], "ownerReferences": "me"}},
    "a resourceVersion that is none": lambda obj: {**obj, "metadata": {**obj["metadata"], "resourceVersion": "x"}},
    "text": lambda _: "boo",
    "nothing": lambda _: None,
}


def is_poison(obj):
    return obj["metadata"].get("name") == "poison"


@pytest.mark.parametrize("what", POISON)
@pytest.mark.parametrize("where", ["list", "watch"])
def test_s23_an_object_that_cannot_be_read(ground, subject, what, where):
    """It alone is unknown: all others come, are compared and repaired, and the reader lives on."""

    def listed(page):
        items = [POISON[what](obj) if is_poison(obj) else obj for obj in page["items"]]
        return {**page, "items": items}

    def seen(event):
        hit = event["type"] != "BOOKMARK" and is_poison(event["object"])
        return [{**event, "object": POISON[what](event["object"])} if hit else event]

    ground.faults.add(Rewrite(listed), "list", resource="configmaps", times=None)
    ground.faults.add(Events(seen), "watch", resource="configmaps", times=None)
    if where == "list":
        make(ground, "poison", "a")
    with subject(ground, kinds=[MAPS]) as reconciler:
        reconciler.cache.wait_for_sync()
        if where == "watch":
            eventually(lambda: watches(ground))
            make(ground, "poison", "a")
        make(ground, "b")
        eventually(lambda: reconciler.cache.record(MAPS, "b", namespace=ground.namespace))
        expected = [config_map("a", ground.namespace, k="1"), config_map("b", ground.namespace, k="1")]
        eventually(lambda: reconcile(reconciler, expected) and differing(ground, expected) == [])
        converge(ground, reconciler, expected)
        ground.faults.clear()
        relist(ground)
        assert_no_gap(ground, reconciler.cache)


def test_s23_expected_objects_that_are_wrong(ground):
    """Each fails by itself, with its name in the error, and the others are written."""
    annotated = {"annotations": {"genreconcile.dev/ignore": "no pointer"}}
    number = {**config_map("number", ground.namespace), "data": {"k": 7}}
    unknown = {**config_map("unknown", ground.namespace), "apiVersion": "v7"}
    wrong = {
        "annotated": config_map("annotated", ground.namespace, metadata=annotated),
        "number": number,
        "unknown": unknown,
        "huge": config_map("huge", ground.namespace, k="x" * 4_000_000),
        "Bad_Name": config_map("Bad_Name", ground.namespace),
    }
    good = [config_map("a", ground.namespace, k="1"), config_map("z", ground.namespace, k="1" * 900_000)]
    if isinstance(ground, ScriptedServer):  # It takes what it is given: it has neither limits nor rules for names.
        too_large = Refuse(413, "RequestEntityTooLarge")
        invalid = Refuse(422, "Invalid", details={"causes": [{"field": "metadata.name", "message": "Invalid value"}]})
        ground.faults.add(too_large, "create", times=None, where=lambda request: len(request.body) > 3_000_000)
        ground.faults.add(invalid, "create", times=None, where=lambda request: b"Bad_Name" in request.body)
    with engine(ground) as reconciler:
        result = reconciler.reconcile([good[0], *wrong.values(), good[1]])
        found = statuses(result)
        assert {name for name, status in found.items() if status == "failed"} == set(wrong)
        assert found["a"] == found["z"] == "created"
        for outcome in result.failures:
            assert outcome.key.name in str(outcome.error)
        converge(ground, reconciler, good)


@pytest.mark.parametrize("events", [1500, 10_000])
def test_s24_a_burst_of_events_and_a_slow_subscriber(ground, events, seed):
    """Nothing is dropped, the order of each object is kept, and no more is kept than there are objects."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    made = [f"n{number}" for number in range(20)]
    make(ground, *made, k="0")
    count = events if isinstance(ground, ScriptedServer) else events // 5
    with Cache(ground.connect(), [MAPS], namespaces=[ground.namespace], pace=QUICK) as cache:
        cache.wait_for_sync()
        monotonic = Monotonic(cache)
        cache.subscribe(lambda _: time.sleep(0.0005))
        threads = threading.active_count()
        last = {}
        for number in range(count):
            name = dice.choice(made)
            last[name] = edit(ground, name, k=str(number))
        assert_no_gap(ground, cache)
        assert monotonic.back == []
        assert len(cache.records(MAPS, namespace=ground.namespace, selector=LABELS)) == len(made)
        assert threading.active_count() <= threads + 2
    assert {event[1] for event in monotonic.events} >= set(last)


def test_s27_a_subscriber_that_raises(ground, subject, caplog):
    make(ground, "a", k="1")
    heard = []
    with subject(ground, kinds=[MAPS]) as reconciler:
        reconciler.cache.subscribe(lambda _: 1 / 0)
        reconciler.cache.subscribe(heard.append)
        with caplog.at_level(logging.ERROR, "genreconcile"):
            converge(ground, reconciler, [config_map("a", ground.namespace, k="2"), config_map("b", ground.namespace)])
            assert_no_gap(ground, reconciler.cache)
    assert {event.key.name for event in heard} >= {"a", "b"}
    assert any("subscriber failed" in record.message for record in caplog.records)


def test_s27_a_rule_that_raises(ground, monkeypatch, caplog):
    """A fault in the comparison of one object is that object's outcome; it is logged, and nothing is deleted."""
    make(ground, "poison", "a", "stray", k="1")
    compare = Comparison.compare

    def raising(comparison, expected, live, *arguments):
        if live["metadata"]["name"] == "poison":
            raise KeyError("a fault of a rule")
        return compare(comparison, expected, live, *arguments)

    monkeypatch.setattr(Comparison, "compare", raising)
    expected = [config_map(name, ground.namespace, k="2") for name in ("poison", "a", "new")]
    settings = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS}
    with engine(ground) as reconciler:
        for _ in range(2):
            found = statuses(reconciler.reconcile(expected, **settings))
            assert (found["poison"], found["stray"]) == ("failed", "skipped")
            assert found["a"] in {"configured", "unchanged"}
        assert differing(ground, expected) == ["poison"]
        assert "KeyError" in caplog.text
        monkeypatch.undo()
        converge(ground, reconciler, expected, **settings)
    assert names(ground) == {"poison", "a", "new"}


def readers():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("genreconcile")]


@pytest.mark.quick("scripted")
def test_s28_a_hundred_starts_and_stops(ground):
    """No thread and no connection is left, in whatever moment the stop comes."""
    make(ground, *(f"n{number}" for number in range(30)))
    cluster = ground.connect()
    for number in range(100):
        cache = Cache(cluster, [MAPS, "v1/Secret"], namespaces=[ground.namespace], pace=QUICK)
        cache.start()
        if number % 3 == 0:
            cache.wait_for_sync()
        elif number % 3 == 1:
            time.sleep(0.002 * (number % 7))
        cache.stop()
        eventually(lambda: readers() == [], "its threads have ended")
    cluster.close()
    assert readers() == []


def test_s28_stop_while_the_server_keeps_silent(ground):
    """During a list, a watch, and a write: each thread ends."""
    holds = [Hold(), Hold()]
    ground.faults.add(holds[0], "list", resource="secrets", times=None)
    ground.faults.add(holds[1], "watch", resource="configmaps", times=None)
    cache = Cache(ground.connect(), [MAPS, "v1/Secret"], namespaces=[ground.namespace])
    cache.start()
    for hold in holds:
        assert hold.arrived.wait(30)
    cache.stop()
    eventually(lambda: readers() == [])
    for hold in holds:
        hold.released.set()


def test_s28_kinds_are_added_while_others_sync(ground):
    kinds = [MAPS, "v1/Secret", "v1/Service", "v1/ServiceAccount", "apps/v1/Deployment"]
    make(ground, "a")
    with Cache(ground.connect(), namespaces=[ground.namespace], pace=QUICK) as cache:
        threads = [threading.Thread(target=cache.add, args=(kind,)) for kind in kinds * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        cache.wait_for_sync()
        assert len(cache.kinds()) == len(kinds)
        assert_no_gap(ground, cache)
        for kind in kinds[1:]:
            cache.remove(kind)
        eventually(lambda: len(readers()) == 1)
    assert readers() == []


def test_s28_many_reconcilers_and_threads_on_one_cache(ground):
    expected = [config_map(f"n{number}", ground.namespace, k="1") for number in range(12)]
    errors = []
    with engine(ground) as reconciler:

        def work(number):
            try:
                for _ in range(4):
                    reconcile(reconciler, expected[number % 3 :: 3])
            except Exception as error:  # noqa: BLE001 - any is a failure of the test
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        converge(ground, reconciler, expected)
    assert errors == []
    assert set(ground.log.tally().values()) == {(1, 0)}


A = {"a": {"k": "1"}, "b": {"k": "1"}}
B = {"a": {"k": "2", "more": "x"}, "c": {"k": "1"}}
C = {"a": {"k": "3"}, "b": {"k": "1", "new": "y"}, "d": {}}


def expected_of(ground, state):
    return [config_map(name, ground.namespace, **data) for name, data in state.items()]


def state_of(ground):
    """Without what says when and by which way."""
    found = ground.admin.list(path_of(ground.namespace))
    ours = {name: obj for name, obj in found.items() if LABELS.items() <= (obj["metadata"].get("labels") or {}).items()}
    lasting = {}
    for name, obj in ours.items():
        metadata = {key: obj["metadata"][key] for key in ("name", "namespace", "labels")}
        lasting[name] = {**obj, "metadata": metadata, "data": obj.get("data") or {}}
    return json.loads(json.dumps(lasting))


@pytest.mark.parametrize("way", [[A, B, C], [A, C], [B, A, B, C], [C, C]], ids=["A B C", "A C", "B A B C", "C C"])
def test_s30_the_end_does_not_depend_on_the_way(ground, subject, way):
    settings = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS}
    with subject(ground) as reconciler:
        converge(ground, reconciler, expected_of(ground, C), **settings)
        cold = state_of(ground)
        reconciler.reconcile([], kinds=[MAPS], allow_empty=True, **settings).raise_for_failures()
        assert state_of(ground) == {}
        for state in way:
            converge(ground, reconciler, expected_of(ground, state), **settings)
        assert state_of(ground) == cold


def test_s30_a_bad_declaration_and_then_a_good_one(ground):
    settings = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS}
    bad = [*expected_of(ground, B), {**config_map("bad", ground.namespace), "dat": {}}]
    with engine(ground) as reconciler:
        converge(ground, reconciler, expected_of(ground, A), **settings)
        assert statuses(reconciler.reconcile(bad, **settings))["bad"] == "failed"
        with pytest.raises(ReconcileError):
            reconciler.reconcile([*expected_of(ground, B), config_map("a", ground.namespace)], **settings)
        converge(ground, reconciler, expected_of(ground, C), **settings)
        after = state_of(ground)
        reconciler.reconcile([], kinds=[MAPS], allow_empty=True, **settings).raise_for_failures()
        converge(ground, reconciler, expected_of(ground, C), **settings)
        assert state_of(ground) == after
    assert names(ground) == set(C)
