"""Statuses that differ in each run."""

import pytest

from genreconcile.controllers.status import Restless


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def restless(clock):
    return Restless(clock=clock)


def run(restless, *, differs=True, equal_reads=True, uid="u"):
    return restless.turn(uid, ["/status/x"] if differs else [], equal_reads=equal_reads)


def test_from_the_fifth_run_on_it_is_written_once_a_minute(restless, clock):
    waits = []
    for second in range(200):
        clock.now = float(second)
        waits.append(run(restless).wait)
    assert [second for second, wait in enumerate(waits) if wait == 0] == [0, 1, 2, 3, 63, 123, 183]
    assert waits[4:6] == [59.0, 58.0]


def test_it_is_reported_once(restless):
    reports = [run(restless).report for _ in range(12)]
    assert [bool(report) for report in reports] == [False] * 4 + [True] + [False] * 7
    assert reports[4].startswith("the status differs in 5 successive runs with equal reads, at /status/x: ")


@pytest.mark.parametrize("rest", [{"differs": False}, {"equal_reads": False}])
def test_other_reads_and_a_status_that_is_the_same_end_the_streak(restless, rest):
    for _ in range(6):
        run(restless)
    assert run(restless).wait > 0
    assert run(restless, **rest).wait == 0
    assert [run(restless).wait for _ in range(4)] == [0] * 4


def test_parents_do_not_hold_each_other(restless):
    for _ in range(6):
        run(restless)
    assert run(restless, uid="other").wait == 0


def test_a_parent_that_is_gone_is_forgotten(restless):
    for _ in range(6):
        run(restless)
    restless.forget("u")
    assert run(restless).wait == 0


def test_many_paths_are_counted():
    restless = Restless(runs=1)
    assert "at /a, /b, /c and 2 more: " in restless.turn("u", ["/a", "/b", "/c", "/d", "/e"], equal_reads=True).report
