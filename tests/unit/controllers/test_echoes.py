"""A run whose own patch comes back as an event is no reason for another, unless the server's answer was another one."""

import itertools

import pytest

from genreconcile.apply.result import Outcome, Result
from genreconcile.cache import CacheEvent
from genreconcile.controllers.echoes import Echoes
from genreconcile.controllers.entry import Priority
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change
from unit.controllers import things
from unit.controllers.things import MAP, config, controller, edit, thing

CHILD, PARENT, OTHER = (ObjectKey("", "ConfigMap", "shop", name) for name in ("child", "parent", "other"))


def event(version, kind="MODIFIED", key=CHILD):
    return CacheEvent(kind, None, key, version, record=object())


def result(version, key=CHILD):
    change = Change("update", GVK("", "v1", "ConfigMap"), key, expected={})
    return Result((Outcome(change, "configured", left_clean=version),))


@pytest.fixture
def echoes():
    echoes = Echoes()
    echoes.begin(PARENT)
    return echoes


def test_what_a_run_has_left_clean_does_not_wake_its_parent(echoes):
    assert echoes.holds(PARENT, event("7"), Priority.NORMAL)
    echoes.settle(PARENT, result("7"))
    assert echoes.end(PARENT) is None


@pytest.mark.parametrize("left", ["", "6", "8"])
def test_another_version_wakes_it_afterwards(echoes, left):
    assert echoes.holds(PARENT, event("7"), Priority.NORMAL)
    echoes.settle(PARENT, result(left))
    assert echoes.end(PARENT) is Priority.NORMAL


def test_what_is_not_settled_wakes_it_with_the_highest_priority(echoes):
    echoes.holds(PARENT, event("7"), Priority.NORMAL)
    echoes.holds(PARENT, event("8"), Priority.LOW)
    echoes.settle(PARENT, result("9"))
    assert echoes.end(PARENT) is Priority.NORMAL
    assert echoes.end(PARENT) is None


def test_other_parents_gone_children_and_times_without_a_run_are_not_held(echoes):
    assert not echoes.holds(OTHER, event("7"), Priority.NORMAL)
    assert not echoes.holds(PARENT, event("7", "DELETED"), Priority.NORMAL)
    echoes.end(PARENT)
    assert not echoes.holds(PARENT, event("7"), Priority.NORMAL)
    echoes.settle(PARENT, result("7"))


@pytest.fixture
def runs():
    return itertools.count()


@pytest.fixture
def fake():
    with things.cluster(thing(v=1)) as fake:
        yield fake


@pytest.fixture
def run(fake, runs):
    def states(parent, ctx):
        next(runs)
        yield config("a", v=str(parent["spec"]["v"]))

    with fake.run(controller(states)) as run:
        run.advance(seconds=60)
        yield run


def test_a_repair_is_one_run(fake, runs, run):
    before = next(runs)
    fake.patch(MAP, "a", {"op": "replace", "path": "/data/v", "value": "edited"})
    run.advance(seconds=60)
    assert fake.get(MAP, "a")["data"] == {"v": "1"}
    assert next(runs) == before + 2


def test_another_set_is_stated_twice(fake, runs, run):
    before = next(runs)
    edit(fake, v=2)
    run.advance(seconds=60)
    assert fake.get(MAP, "a")["data"] == {"v": "2"}
    assert next(runs) == before + 3


def test_an_edit_during_the_run_that_repairs_is_repaired(fake):
    edits = iter(["second", "third"])

    def states(parent, ctx):
        yield config("a", v="1")
        if fake.find(MAP) and fake.get(MAP, "a")["data"]["v"] == "first":
            fake.patch(MAP, "a", {"op": "replace", "path": "/data/v", "value": next(edits)})

    with fake.run(controller(states)) as run:
        run.advance(seconds=60)
        fake.patch(MAP, "a", {"op": "replace", "path": "/data/v", "value": "first"})
        run.advance(seconds=60)
        assert fake.get(MAP, "a")["data"] == {"v": "1"}
    assert list(edits) == ["third"]


def test_a_child_that_the_function_reads_wakes_it_as_before(fake, runs):
    def states(parent, ctx):
        next(runs)
        ctx.get(MAP, "a")
        yield config("a", v="1")

    with fake.run(controller(states)) as run:
        run.advance(seconds=60)
        before = next(runs)
        fake.patch(MAP, "a", {"op": "replace", "path": "/data/v", "value": "edited"})
        run.advance(seconds=60)
        assert fake.get(MAP, "a")["data"] == {"v": "1"}
        assert next(runs) == before + 3


def test_two_parents_of_one_kind_do_not_share_what_is_held(echoes):
    echoes.begin(OTHER)
    assert echoes.holds(OTHER, event("7"), Priority.NORMAL)
    echoes.settle(PARENT, result("7"))
    assert echoes.end(OTHER) is Priority.NORMAL
    assert echoes.end(PARENT) is None
