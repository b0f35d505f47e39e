"""The two profiles over generated statuses; kstatus' answers are recorded (tools/readiness/record.py)."""

import collections
import datetime as dt

import pytest

from genreconcile.data import Readiness, shipped
from genreconcile.readiness import differences, status_of
from support import kstatus
from support.statuses import KINDS

STATES = frozenset(kstatus.STATES.values())
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def recorded():
    return kstatus.recorded()


def test_the_profile_kstatus_says_what_kstatus_says(recorded):
    assert len(recorded) >= 10_000
    wrong = [
        (answer, found, obj)
        for obj, answer in recorded
        if (found := status_of(obj, NOW, profile="kstatus")).state != answer
    ]
    assert wrong[:3] == []


def test_every_kind_has_been_in_the_states_that_it_can_have(recorded):
    seen = collections.defaultdict(set)
    for obj, answer in recorded:
        kind = obj.get("apiVersion"), obj.get("kind")
        if kind in KINDS:
            seen[kind].add(answer)
    assert set(seen) == set(KINDS)
    assert {kind: STATES - states for kind, states in seen.items() if states != STATES} == {}


def endings(steps):
    for step in steps:
        if step.profile != "wait":
            yield from [step] if step.state else endings(step.steps)


def test_every_step_has_been_reached(recorded):
    """Those of kstatus: a reason that no case gives is one about which nothing has been compared."""
    data = shipped(Readiness)
    groups = {entry.id: entry.steps for entry in data.kinds}
    groups |= {"any-object": (*data.always, *data.declared), "other-kinds": data.others}
    wanted = {
        (rule, step.state, step.reason)
        for rule, steps in groups.items()
        for step in endings(steps)
        if "{" not in step.reason
    }
    found = (status_of(obj, NOW, profile="kstatus") for obj, _ in recorded)
    assert wanted - {(status.rule, status.state, status.reason) for status in found} == set()


def test_wait_differs_in_what_is_listed_alone(recorded):
    listed = {difference.id for difference in differences()}
    found = collections.Counter()
    for obj, answer in recorded:
        status = status_of(obj, NOW, tells=lambda: True)
        if status.state != answer:
            found[status.rule] += 1
            assert status.rule in listed, (answer, status, obj)
    # What kstatus calls the same is told by a warning, or by another reason alone.
    assert listed - set(found) == {"silent"}
