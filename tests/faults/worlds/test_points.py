"""Every point of a small world: a crash at each write, a stale view at each step, each event hidden.

Each point is one run, compared with the run without faults: the same end state, and the same creates and deletions.
"""

import itertools

import pytest

from faults.worlds.stage import WRITES, Stage
from genreconcile.apply import writer

MOMENTS = ("before", "after")
STEPS = range(1, WRITES + 1)
EVENTS = 38
"""17 of the engine's writes, 13 of others', 8 of the repair; a deletion in the foreground has two."""
QUICK = 20
"""The ordinary run takes each so many-th point, all of them run in ``make faults``."""


def points(found):
    """All of them; only each so many-th is quick."""
    return [
        pytest.param(*(point if isinstance(point, tuple) else (point,)), marks=[pytest.mark.slow] * (nth % QUICK > 0))
        for nth, point in enumerate(found)
    ]


@pytest.fixture(autouse=True)
def short_lag(monkeypatch):
    """How long a refused write waits for a watch that says nothing here."""
    monkeypatch.setattr(writer, "_CACHE_LAG", 0.1)


@pytest.fixture(scope="module")
def fault_free():
    """(end state, tally), and the revisions at which the engine's writes were done."""
    with Stage() as stage:
        with stage.engine() as reconciler:
            stage.settle(reconciler)
        assert len(stage.server.log.writes()) == WRITES
        return stage.outcome(), stage.events()


@pytest.fixture(scope="module")
def meddled():
    """The same of a run in which others write, too."""
    with Stage() as stage:
        stage.run_with_others()
        assert len(stage.events()) == EVENTS
        return stage.outcome(), stage.events()


def test_a_run_is_the_same_each_time(fault_free):
    with Stage() as stage, stage.engine() as reconciler:
        stage.settle(reconciler)
        assert (stage.outcome(), stage.events()) == fault_free


@pytest.mark.parametrize(("nth", "moment"), points(itertools.product(STEPS, MOMENTS)))
def test_crash_at_each_write(fault_free, nth, moment):
    with Stage() as stage:
        assert stage.run_until_death(nth, moment)
        with stage.engine() as reconciler:
            stage.settle(reconciler)
        assert stage.outcome() == fault_free[0]


@pytest.mark.parametrize(("nth", "back"), points((nth, back) for nth in STEPS for back in range(1, nth + 1)))
def test_stale_view_at_each_step(fault_free, nth, back):
    """After the nth write the process is started again, and sees the cluster as it was ``back`` changes ago."""
    with Stage() as stage:
        assert stage.run_until_death(nth, "after")
        revision = stage.server.revision - back
        if revision < stage.begin:
            return  # Some writes change nothing: the view would be of before the world.
        stage.restart_on_a_stale_view(revision)
        assert stage.outcome() == fault_free[0]


@pytest.mark.parametrize("nth", points(range(EVENTS)))
def test_each_event_hidden(meddled, nth):
    outcome, events = meddled
    with Stage() as stage:
        stage.run_with_others(hidden=events[nth])
        assert stage.outcome() == outcome


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), list(itertools.combinations_with_replacement(STEPS, 2)))
def test_two_crashes(fault_free, first, second):
    """The process that was started again dies, too, unless it has less to write."""
    with Stage() as stage:
        assert stage.run_until_death(first, "after")
        stage.run_until_death(second - first + 1, "before")
        with stage.engine() as reconciler:
            stage.settle(reconciler)
        assert stage.outcome() == fault_free[0]
