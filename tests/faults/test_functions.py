"""Functions of controllers that raise, hang, return nonsense, and differ each time (34 to 37)."""

import itertools
import math
import threading

import pytest

import genreconcile as gr
from faults.operating import (
    assert_untouched,
    children,
    condition,
    controller,
    define,
    foreign,
    rest,
    running,
    state,
    tally,
    wishes,
)
from faults.oracles import config_map, differing, path_of, writes
from support.eventually import eventually

pytestmark = [pytest.mark.by("controller"), pytest.mark.quick("scripted")]
FIRST = 0.2
"""Seconds of the shortest back-off, each of which is at least twice as long as the one before it."""


def maps(ground, *names, **data):
    return [config_map(name, ground.namespace, **data) for name in names]


class Ill:
    """States what the parent says; while ``fault`` is a function, that one is called before it."""

    def __init__(self):
        self.fault, self.calls = None, []

    def __call__(self, parent, ctx):
        self.calls.append(parent["metadata"]["name"])
        yield from self.fault(parent) if self.fault else wishes(parent, ctx)


@pytest.fixture
def ill():
    return Ill()


@pytest.fixture
def well(ground):
    """Two children, and what looks like them, before anything is wrong."""
    define(ground)
    state(ground, maps(ground, "a", "b", k="1"))


def settled(ground, opened, expected):
    eventually(lambda: differing(ground, expected) == [] and children(ground) == names_of(expected))
    rest(ground, opened)


def names_of(expected):
    return {obj["metadata"]["name"] for obj in expected}


def most_runs(seconds, changes):
    """How often a parent that fails may run in so many seconds: after each change, and after each back-off."""
    return changes + 1 + math.log2(seconds / FIRST + 1)


def first_child_then_raise(parent):
    yield config_map("early", parent["metadata"]["namespace"], k="1")
    raise ValueError("c4n4ry")


@pytest.mark.usefixtures("well")
def test_s34_a_function_that_raises(ground, ill, caplog):
    """Nothing is written and nothing deleted, whatever it stated before; it is asked again, later and later."""
    with running(ground, controller(ill)) as opened:
        settled(ground, opened, maps(ground, "a", "b", k="1"))
        theirs, since = foreign(ground), len(ground.log)
        ill.fault, before = first_child_then_raise, len(ill.calls)
        state(ground, maps(ground, "a", k="2"))
        ground.admin.delete(path_of(ground.namespace, "b"))
        eventually(lambda: len(ill.calls) >= before + 4)
        eventually(lambda: condition(ground) == ("False", "Failed"))
        assert writes(ground, since) == []
        sent = ground.log.writes(since=since)
        assert len(sent) <= 2, "of the status: that it fails, and at most once more, with the generation"
        seconds = opened.finished[-1].ended - opened.finished[0].ended
        assert len(ill.calls) - before <= most_runs(seconds, changes=2 + len(sent))
        ill.fault = None
        settled(ground, opened, maps(ground, "a", k="2"))
        assert condition(ground) == ("True", "Reconciled")
        assert_untouched(ground, theirs)
    assert tally(ground) == {"a": (1, 0), "b": (1, 0)}
    assert "c4n4ry" not in str(ground.admin.list(path_of(ground.namespace)))


@pytest.mark.usefixtures("well")
def test_s35_a_function_that_hangs(ground, ill):
    """Past its deadline it is given up: what it comes to later is thrown away; other parents are not kept waiting."""
    release = threading.Event()

    def hang(parent):
        if parent["metadata"]["name"] == "parent":
            release.wait()
            return maps(ground, "late")
        return maps(ground, "other")

    with running(ground, controller(ill, deadline=0.3, workers=2)) as opened:
        try:
            settled(ground, opened, maps(ground, "a", "b", k="1"))
            theirs, since = foreign(ground), len(ground.log)
            ill.fault = hang
            state(ground, maps(ground, "a", k="2"))
            eventually(lambda: condition(ground, "Stalled") == ("True", "DeadlineExceeded"))
            state(ground, [], name="second")
            eventually(lambda: "other" in children(ground), "another parent is not kept waiting")
            hung, runs = ill.calls.count("parent"), len(opened.finished)
            eventually(lambda: len(opened.finished) >= runs + 2, "it is tried again")
            assert ill.calls.count("parent") == hung, "not called before the one that hangs has ended"
            assert tally(ground, since) == {"other": (1, 0)}
            assert opened.is_healthy
        finally:
            ill.fault = None
            release.set()
        eventually(lambda: differing(ground, maps(ground, "a", k="2")) == [])
        rest(ground, opened)
        assert_untouched(ground, theirs)
    assert tally(ground) == {"a": (1, 0), "b": (1, 1), "other": (1, 0)}


def twice(parent):
    one = config_map("twice", parent["metadata"]["namespace"])
    return [one, {**one, "data": {"k": "other"}}]


def controlled(parent):
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1", "controller": True}
    return [config_map("owned", parent["metadata"]["namespace"], metadata={"ownerReferences": [owner]})]


def misspelled(parent):
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    return [config_map("a", parent["metadata"]["namespace"], k="9"), {**bare, "datum": {"k": "v"}}]


NONSENSE = {
    "a number among the children": lambda _: [7],
    "None among the children": lambda _: [None],
    "an empty object": lambda _: [{}],
    "no name": lambda _: [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}],
    "a name that is a number": lambda _: [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": 7}}],
    "a name that the server makes up": lambda _: [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}}
    ],
    "a kind that is not there": lambda _: [{"apiVersion": "x.y/v7", "kind": "Nothing", "metadata": {"name": "a"}}],
    "one child twice": twice,
    "a child of another controller": controlled,
    "a field that is not there": misspelled,
    "data that is no JSON": lambda parent: [config_map("c", parent["metadata"]["namespace"], k=object())],
    "itself": lambda parent: [{**parent, "metadata": {**parent["metadata"]}}],
}


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize("what", NONSENSE)
def test_s36_a_function_that_returns_nonsense(ground, ill, what):
    """Nothing of the set is written, nothing is deleted, the parent says what is wrong, and it is asked again."""
    with running(ground, controller(ill)) as opened:
        settled(ground, opened, maps(ground, "a", "b", k="1"))
        theirs, since = foreign(ground), len(ground.log)
        ill.fault, before = NONSENSE[what], len(ill.calls)
        state(ground, maps(ground, "a", k="2"))
        eventually(lambda: len(ill.calls) >= before + 3)
        eventually(lambda: condition(ground)[0] == "False")
        assert writes(ground, since) == []
        assert condition(ground)[1] == "InvalidChildren"
        seconds = opened.finished[-1].ended - opened.finished[0].ended
        assert len(ill.calls) - before <= most_runs(seconds, changes=3)
        ill.fault = None
        settled(ground, opened, maps(ground, "a", k="2"))
        assert_untouched(ground, theirs)
    assert tally(ground) == {"a": (1, 0), "b": (1, 1)}


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize("found", [None, 7, "text", {"kind": "ConfigMap"}], ids=str)
def test_s36_a_function_that_returns_no_set(ground, found):
    """None is a forgotten return, and no empty set."""
    answers = [wishes, lambda *_: found]

    def function(parent, ctx):
        return answers[0](parent, ctx)

    with running(ground, controller(function)) as opened:
        settled(ground, opened, maps(ground, "a", "b", k="1"))
        answers.reverse()
        since = len(ground.log)
        state(ground, maps(ground, "a", k="2"))
        eventually(lambda: condition(ground) == ("False", "InvalidChildren"))
        assert writes(ground, since) == []
        answers.reverse()
        settled(ground, opened, maps(ground, "a", k="2"))
    assert tally(ground) == {"a": (1, 0), "b": (1, 1)}


@pytest.mark.usefixtures("well")
@pytest.mark.parametrize("where", ["a field", "the names"])
def test_s37_a_function_that_differs_each_time(ground, ill, where):
    """After the third run in a row it backs off, whatever happens: so many writes, and no loop."""
    numbers = itertools.count()

    def differ(_):
        value = str(next(numbers))
        if where == "a field":
            return maps(ground, "a", "b", k=value)
        return maps(ground, f"a{value}", "b", k="1")

    with running(ground, controller(ill)) as opened:
        settled(ground, opened, maps(ground, "a", "b", k="1"))
        theirs, since = foreign(ground), len(ground.log)
        ill.fault, before = differ, len(ill.calls)
        ground.admin.delete(path_of(ground.namespace, "b"))
        eventually(lambda: condition(ground, "Stalled") == ("True", "NotDeterministic"))
        for _ in range(20):  # Events do not let it run before the back-off has passed.
            opened.loop.queue.add(gr.ObjectKey("faults.example.com", "Wish", ground.namespace, "parent"))
        eventually(lambda: len(ill.calls) >= before + 4)
        calls, seconds = len(ill.calls) - before, opened.finished[-1].ended - opened.finished[0].ended
        assert calls <= 4 + most_runs(seconds, changes=1)
        assert len(writes(ground, since)) <= 4 * (calls + 1), "of two children: one is written, one comes, one goes"
        ill.fault = None
        settled(ground, opened, maps(ground, "a", "b", k="1"))
        assert_untouched(ground, theirs)
    found = tally(ground)
    assert found.pop("b") == (2, 0)
    assert all(creates - deletes == (name == "a") for name, (creates, deletes) in found.items())
