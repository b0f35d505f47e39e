"""The state machine: for seconds in the ordinary run, for minutes in ``make faults``."""

import os

import pytest
from hypothesis import HealthCheck, seed, settings

from faults.esr.machine import BRIEF, ReachAndStay
from genreconcile.apply import writer
from genreconcile.cache import history
from genreconcile.kinds import definitions

SEED = int(os.environ.get("GENRECONCILE_SEED", "0"))
STEADY = settings(settings.get_profile("steady"), suppress_health_check=list(HealthCheck), print_blob=True)


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Pauses that spare a server are of no use here."""
    monkeypatch.setattr(writer, "_CACHE_LAG", 0.1)
    monkeypatch.setattr(writer, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(definitions, "_LAG", 0.2)
    monkeypatch.setattr(history, "_BRIEF", BRIEF)


def run(examples, steps, **more):
    """How many histories came to their end."""
    ends = []

    class Run(ReachAndStay):
        def teardown(self):
            super().teardown()
            ends.append(self)

    case = seed(SEED)(Run).TestCase
    case.settings = settings(STEADY, max_examples=examples, stateful_step_count=steps, **more)
    case().runTest()
    return len(ends)


def test_reach_and_stay():
    assert run(12, 25) >= 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_reach_and_stay_for_long():
    assert run(150, 60, derandomize=False) >= 1
