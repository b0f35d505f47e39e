"""Definitions that go and come, an API that is down for minutes, 410s, a lease that is lost (32, 33, 38, 39)."""

import contextlib
import itertools
import threading
import time

import pytest

import genreconcile as gr
from faults.operating import (
    CRDS,
    GROUP,
    KIND,
    PLURAL,
    Operator,
    assert_untouched,
    children,
    condition,
    controller,
    define,
    foreign,
    live_parent,
    rest,
    running,
    state,
    tally,
)
from faults.oracles import MAPS, QUICK, config_map, differing, lists, path_of, reconcile, watches, writes
from faults.test_prune import attempt_list, gadget, gadgets, is_there
from genreconcile.errors import NotLeading
from support.api.effects import Drop, Refuse
from support.api.streams import error_event, hide
from support.eventually import eventually

__all__ = ["gadgets"]
pytestmark = [pytest.mark.by("controller"), pytest.mark.quick("scripted")]


def maps(ground, *names, **data):
    return [config_map(name, ground.namespace, **data) for name in names]


def settle(ground, opened, expected):
    """Reach it, and stay there."""
    wanted = {obj["metadata"]["name"] for obj in expected if obj["kind"] == "ConfigMap"}
    found = [obj for obj in expected if obj["kind"] == "ConfigMap"]
    eventually(lambda: differing(ground, found) == [] and children(ground) == wanted, lambda: condition(ground))
    rest(ground, opened)


def edit(ground, name, value):
    operation = {"op": "add", "path": "/data/k", "value": value}
    return ground.admin.patch(path_of(ground.namespace, name), operation)


def begin(ground, opened, *more):
    """Two children; returns what others have that looks like them."""
    expected = [*maps(ground, "a", "b", k="1"), *more]
    state(ground, expected)
    settle(ground, opened, expected)
    made = foreign(ground)
    rest(ground, opened)  # One of them has the mark of the parent's set, which runs the parent.
    return made


# A definition that goes and comes again


def test_s32_the_definition_of_the_parents(ground):
    """Its parents go with it; one that is made again takes its children over, or makes them where they went too."""
    define(ground)
    with running(ground, controller()) as opened:
        theirs = begin(ground, opened)
        since = len(ground.log)
        ground.admin.delete(f"{CRDS}/{PLURAL}.{GROUP}")
        eventually(lambda: opened.cache.error(KIND), "the program knows")
        eventually(lambda: ground.admin.find(f"{CRDS}/{PLURAL}.{GROUP}") is None)
        collected = {"a", "b"} - children(ground)
        assert writes(ground, since) == []
        define(ground)
        state(ground, maps(ground, "a", "b", k="1"))
        settle(ground, opened, maps(ground, "a", "b", k="1"))
        assert condition(ground) == ("True", "Reconciled")
        references = [obj["metadata"]["ownerReferences"] for obj in maps_of(ground, "a", "b")]
        assert [[one["uid"] for one in found] for found in references] == [[live_parent(ground)["metadata"]["uid"]]] * 2
        asked = ground.log.entries(
            since=since, where=lambda entry: entry.target.resource == PLURAL and not entry.changed
        )
        seconds = ground.log.entries()[-1].at - ground.log.entries(since=since)[0].at
        assert len(asked) <= 10 + seconds / (QUICK.first_backoff / 2), "each pause of the reader is at least so long"
        assert_untouched(ground, theirs)
    assert tally(ground) == {name: (2 if name in collected else 1, 0) for name in ("a", "b")}


def maps_of(ground, *names):
    return [ground.admin.get(path_of(ground.namespace, name)) for name in names]


@contextlib.contextmanager
def end_of_kind(ground, group, *, is_told):
    """The definition of the gadgets goes, and the kind with it; with ``is_told`` its watch may say so first."""
    faults = [] if is_told else [
        ground.faults.add(hide(lambda event: event["type"] == "DELETED"), "watch", resource="gadgets", times=None),
        ground.faults.add(Refuse(404, "NotFound"), "list", resource="gadgets", times=None),
    ]  # fmt: skip
    ground.admin.delete(f"{CRDS}/gadgets.{group}")
    eventually(lambda: not attempt_list(ground, group))
    yield
    for fault in faults:
        ground.faults.remove(fault)


@pytest.mark.parametrize("is_told", [True, False])
def test_s32_the_definition_of_a_child(ground, gadgets, is_told):
    """Without its kind the set is no set: nothing is written, nothing deleted, and all comes once it is there again.

    Whether a watch or a list of the kind tells of the deletions before the server ends them is a matter of luck.
    """
    group, definition = gadgets
    define(ground)
    with running(ground, controller()) as opened:
        theirs = begin(ground, opened, gadget(ground, group))
        with end_of_kind(ground, group, is_told=is_told):
            eventually(lambda: condition(ground) == ("False", "InvalidChildren"), lambda: live_parent(ground))
        since = len(ground.log)
        state(ground, [*maps(ground, "a", k="2"), gadget(ground, group)])
        runs = len(opened.finished)
        eventually(lambda: len(opened.finished) > runs + 1, "it is tried again")
        assert writes(ground, since) == []
        assert children(ground) == {"a", "b"}
        ground.admin.create(CRDS, definition)
        eventually(lambda: is_there(ground, group))
        settle(ground, opened, [*maps(ground, "a", k="2"), gadget(ground, group)])
        assert_untouched(ground, theirs)
    assert tally(ground) == {"a": (1, 0), "b": (1, 1)}
    assert tally(ground, plural="gadgets") == {"g": (2, 0)}


@pytest.mark.parametrize("is_told", [True, False])
def test_s32_the_definition_of_what_a_function_reads(ground, gadgets, is_told):
    """That is not known any more is no absence; the parent is told, though nothing else happens, and when it ends."""
    group, definition = gadgets

    def reads(parent, ctx):
        ctx.status["seen"] = len(ctx.list(f"{group}/v1/Gadget"))
        yield from maps(ground, "a", k=str(ctx.status["seen"]))

    define(ground)
    path = path_of(ground.namespace, plural="gadgets", prefix=f"/apis/{group}/v1")
    ground.admin.create(path, gadget(ground, group))
    with running(ground, controller(reads)) as opened:
        state(ground, [])
        settle(ground, opened, maps(ground, "a", k="1"))
        with end_of_kind(ground, group, is_told=is_told):
            eventually(lambda: condition(ground)[1] == "NotReadable", lambda: live_parent(ground))
        ground.admin.create(CRDS, definition)
        eventually(lambda: attempt_list(ground, group))
        settle(ground, opened, maps(ground, "a", k="0"))
        assert condition(ground) == ("True", "Reconciled")


# An API that is down for minutes, at a pace that is some fifty times as fast as that of production


def refused(ground):
    ground.refuse_connections()
    return ground.listen


def swallowed(ground):
    ground.freeze()
    return ground.thaw


def unwell(ground):
    fault = ground.faults.add(Refuse(503), times=None)
    return lambda: ground.faults.remove(fault)


DOWN_FOR = 3.0
"""Seconds; at this pace, some two and a half minutes."""
DOWN = {"503": unwell, "refused": refused, "swallowed": swallowed}


@pytest.mark.parametrize("how", DOWN)
def test_s33_an_api_that_is_down_for_minutes(ground, how):
    """What happened meanwhile is made up for: edits of the parent, drift, and a child that somebody deleted."""
    define(ground)
    with running(ground, controller(), timeout=1.0) as opened:
        theirs, since = begin(ground, opened), len(ground.log)
        end = DOWN[how](ground)
        eventually(lambda: opened.cache.error(KIND) and opened.cache.error(MAPS), "the program knows")
        edit(ground, "a", "drifted")
        ground.admin.delete(path_of(ground.namespace, "b"))
        state(ground, [*maps(ground, "a", "b", k="2"), *maps(ground, "c", k="1")])
        key = gr.ObjectKey(GROUP, "Wish", ground.namespace, "parent")
        began, runs = time.monotonic(), len(opened.finished)
        while time.monotonic() - began < DOWN_FOR:
            opened.loop.queue.add(key)  # As a resync or another event does: such a run has its cache alone to go by.
            eventually(lambda runs=runs: len(opened.finished) > runs, "a run")
            runs = len(opened.finished)
            time.sleep(QUICK.longest_backoff)
        assert tally(ground, since) == {}
        end()
        settle(ground, opened, [*maps(ground, "a", "b", k="2"), *maps(ground, "c", k="1")])
        asked = [entry for entry in ground.log.entries(since=since) if entry.status == 503]
        kinds = len(opened.cache.watched_kinds())
        seconds = asked[-1].at - asked[0].at if asked else 0.0
        of_readers = [entry for entry in asked if entry.verb in {"list", "watch"}]
        assert len(of_readers) <= kinds * (10 + seconds / (QUICK.longest_backoff / 2)), "each reader pauses so long"
        assert_untouched(ground, theirs)
    assert tally(ground) == {"a": (1, 0), "b": (2, 0), "c": (1, 0)}


ILLS = {"500": Refuse(500), "429": Refuse(429, retry_after=1), "conflict": Refuse(409, "Conflict"), "lost": Drop()}


@pytest.mark.parametrize("ill", ILLS)
def test_s13_a_status_that_cannot_be_written_for_a_while(ground, ill):
    """It is written later, with a pause that grows, though nothing else happens."""
    define(ground)
    with running(ground, controller()) as opened:
        begin(ground, opened)
        times = 12 if ill == "conflict" else 3  # What others change meanwhile is read and tried again at once.
        happens = ground.faults.add(ILLS[ill], "patch", path="*/status", times=times)
        state(ground, maps(ground, "a", k="2"))
        settle(ground, opened, maps(ground, "a", k="2"))
        assert happens.fired == times
        assert condition(ground) == ("True", "Reconciled")
    assert tally(ground) == {"a": (1, 0), "b": (1, 1)}


def test_s13_a_status_that_may_not_be_written(ground):
    """Somebody has to give the right: the children are kept, and the server is not asked again and again."""
    define(ground)
    ground.faults.add(Refuse(403, "Forbidden", "is forbidden"), "patch", path="*/status", times=None)
    with running(ground, controller()) as opened:
        state(ground, maps(ground, "a", k="1"))
        eventually(lambda: children(ground) == {"a"})
        eventually(lambda: ground.log.entries("patch", where=lambda entry: entry.path.endswith("/status")))
        eventually(lambda: len(opened.loop.queue) == 1 and not opened.loop.queue.measures().running, "the resync alone")
        assert opened.loop.queue.measures().retries == 0
    assert tally(ground) == {"a": (1, 0)}


# 410s


@pytest.mark.parametrize("whose", ["parents", "children", "both"])
def test_s38_410s_for_watches(ground, whose):
    """What was hidden before is found by one list of each kind."""
    plurals = {"parents": [PLURAL], "children": ["configmaps"], "both": [PLURAL, "configmaps"]}[whose]
    define(ground)
    with running(ground, controller()) as opened:
        theirs, expected = begin(ground, opened), maps(ground, "a", "c", k="2")
        for plural in plurals:
            hidden = ground.faults.add(hide(lambda event: event["type"] != "BOOKMARK"), "watch", resource=plural)
            before = len(watches(ground, plural=plural))
            ground.cut_connections()
            eventually(lambda plural=plural, before=before: len(watches(ground, plural=plural)) > before)
            eventually(lambda hidden=hidden: hidden.fired)
        edit(ground, "a", "drifted")
        ground.admin.delete(path_of(ground.namespace, "b"))
        state(ground, expected)
        listed = {plural: lists(ground, plural=plural) for plural in plurals}
        for plural in plurals:
            ground.faults.add(error_event(410, "Expired"), "watch", resource=plural)
        ground.cut_connections()
        settle(ground, opened, expected)
        assert {plural: lists(ground, plural=plural) - before for plural, before in listed.items()} == dict.fromkeys(
            plurals, 1
        )
        assert_untouched(ground, theirs)
    found = tally(ground)
    assert (found["a"], found["c"]) == ((1, 0), (1, 0))
    # A child that somebody deleted comes again where that is seen before the parent does not want it any more.
    assert found["b"] in {(1, 0), (2, 1)}


# A lease that is lost in mid-run


def test_s39_a_lease_that_is_lost_in_mid_run(ground):
    """After each number of writes: what is left is not sent, and is done once this replica leads again; then the end is
    the same, and so are the creates and deletes of each object.
    """
    define(ground)
    leads, numbers = [], itertools.count()
    with running(ground, controller(), may_write=lambda: not leads or leads.pop(0)) as opened:
        theirs = begin(ground, opened)
        for left in range(6):
            value, since = str(next(numbers)), len(ground.log)
            leads[:] = [True] * left + [False] * 1000
            expected = [*maps(ground, "a", k=value), *maps(ground, f"c{left}", k="1")]
            result = reconcile(Operator(ground, opened), expected)
            if result and result.failures:
                assert {type(outcome.error) for outcome in result.failures} == {NotLeading}
            sent = [entry for entry in ground.log.writes(since=since) if not entry.is_dry_run]
            assert len(sent) <= left
            leads.clear()
            settle(ground, opened, expected)
            assert condition(ground) == ("True", "Reconciled")
        assert_untouched(ground, theirs)
    once = {f"c{left}": (1, 1) for left in range(5)}
    assert tally(ground) == {"a": (1, 0), "b": (1, 1), **once, "c5": (1, 0)}


def test_s25_two_programs_at_once(ground):
    """Both believe to lead: no child is made twice or lost, nothing of others is touched, and both come to rest."""
    define(ground)
    expected = maps(ground, *(f"n{number}" for number in range(10)), k="1")
    with running(ground, controller()) as first, running(ground, controller()) as second:
        theirs = begin(ground, first)
        state(ground, expected)
        settle(ground, first, expected)
        settle(ground, second, expected)
        assert_untouched(ground, theirs)
    assert tally(ground) == {**{f"n{number}": (1, 0) for number in range(10)}, "a": (1, 1), "b": (1, 1)}


def threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("genreconcile")}


@pytest.mark.parametrize("moment", range(4))
def test_s28_a_program_that_starts_and_stops(ground, moment):
    """In whatever moment the stop comes, no thread is left, and the next program goes on from there."""
    define(ground)
    before = threads()
    for number in range(3):
        expected = maps(ground, "a", f"n{number}", k=str(number))
        state(ground, expected)
        reached = len(ground.log.writes()) + moment
        with running(ground, controller()):
            eventually(lambda reached=reached: len(ground.log.writes()) >= reached)
    eventually(lambda: threads() <= before, threads)
    with running(ground, controller()) as opened:
        settle(ground, opened, expected)
    counts = tally(ground)
    assert all(
        creates - deletes == (name in {"a", "n2"}) and creates <= 1 for name, (creates, deletes) in counts.items()
    )
