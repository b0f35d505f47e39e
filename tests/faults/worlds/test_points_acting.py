"""The same enumeration with a controller: its marks, finalizer and status on the parent are writes as others are.

Each point is one run, compared with the run without faults: the same end state of all objects, the parent and what
belongs to others included, and the same creates and deletions.
"""

import itertools

import pytest

from faults.worlds.acting import Acting
from faults.worlds.stage import Crash
from faults.worlds.test_points import MOMENTS, points
from genreconcile.apply import writer

WRITES = 19
"""Of the parent 4: the finalizer, the record of the set, and its status twice; 7 creates, 4 patches, 4 deletions."""
STEPS = range(1, WRITES + 1)
EVENTS = 34
"""19 of the writes above, 10 of others, 5 of the repair."""


@pytest.fixture(autouse=True)
def short_lag(monkeypatch):
    """How long a refused write waits for a watch that says nothing here."""
    monkeypatch.setattr(writer, "_CACHE_LAG", 0.1)


@pytest.fixture(scope="module")
def fault_free():
    """(end state, tally), and the revisions of a run that nothing disturbs."""
    with Acting() as stage:
        with stage.engine() as process:
            stage.settle(process)
        assert stage.sent() == WRITES
        return stage.outcome(), stage.events()


@pytest.fixture(scope="module")
def meddled():
    """The same of a run in which others write, too."""
    with Acting() as stage:
        stage.run_with_others()
        assert len(stage.events()) == EVENTS
        return stage.outcome(), stage.events()


def test_a_controllers_run_is_the_same_each_time(fault_free):
    with Acting() as stage, stage.engine() as process:
        stage.settle(process)
        assert (stage.outcome(), stage.events()) == fault_free


def test_what_the_world_is(fault_free):
    (state, tally), _ = fault_free
    made, gone = (sum(counts) for counts in zip(*tally.values(), strict=True))
    assert (made, gone) == (7, 4)
    assert state["configmaps", "world-s", "theirs-1"]["data"] == {"k": "theirs"}
    parent = state["wishes", "world-s", "parent"]
    assert parent["metadata"]["finalizers"] == ["genreconcile.dev/world"]
    assert parent["status"]["seen"] == 11


def die(stage, nth, moment):
    """Whether a new process died at its nth write: it may have had nothing left to write."""
    try:
        with stage.engine(nth, moment) as process:
            stage.settle(process)
    except Crash:
        return True
    return False


@pytest.mark.parametrize(("nth", "moment"), points(itertools.product(STEPS, MOMENTS)))
def test_controller_crashes_at_each_write(fault_free, nth, moment):
    with Acting() as stage:
        assert die(stage, nth, moment)
        with stage.engine() as process:
            stage.settle(process)
        assert stage.outcome() == fault_free[0]


@pytest.mark.parametrize(("nth", "back"), points((nth, back) for nth in STEPS for back in range(1, nth + 1)))
def test_controller_has_a_stale_view_at_each_step(fault_free, nth, back):
    """After the nth write the process is started again, and sees the cluster as it was ``back`` changes ago."""
    with Acting() as stage:
        assert die(stage, nth, "after")
        revision = stage.server.revision - back
        if revision < stage.begin:
            return  # Some writes change nothing: the view would be of before the world.
        stage.restart_on_a_stale_view(revision)
        assert stage.outcome() == fault_free[0]


@pytest.mark.parametrize("nth", points(range(EVENTS)))
def test_each_event_hidden_from_a_controller(meddled, nth):
    outcome, events = meddled
    with Acting() as stage:
        stage.run_with_others(hidden=events[nth])
        assert stage.outcome() == outcome


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), list(itertools.combinations_with_replacement(STEPS, 2)))
def test_controller_crashes_twice(fault_free, first, second):
    """The process that was started again dies, too, unless it has less to write."""
    with Acting() as stage:
        assert die(stage, first, "after")
        die(stage, second - first + 1, "before")
        with stage.engine() as process:
            stage.settle(process)
        assert stage.outcome() == fault_free[0]
