"""The state machine, for seconds in the ordinary run and for minutes where all is asked for."""

import os

import pytest
from hypothesis import HealthCheck, settings

from faults.esr.machine import BRIEF, ReachAndStay
from genreconcile import definitions
from genreconcile.apply import writer
from genreconcile.cache import history

IS_LONG = os.environ.get("GENRECONCILE_FAULTS") == "all"
EXAMPLES, STEPS = (300, 60) if IS_LONG else (12, 25)
SETTINGS = settings(
    settings.get_profile("steady"),
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    derandomize=not IS_LONG,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def hurry(monkeypatch):
    """Pauses that spare a server are of no use here."""
    monkeypatch.setattr(writer, "_CACHE_LAG", 0.1)
    monkeypatch.setattr(writer, "_LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(definitions, "_LAG", 0.2)
    monkeypatch.setattr(history, "_BRIEF", BRIEF)


@pytest.mark.timeout(3600 if IS_LONG else 300)
def test_reach_and_stay(hurry):
    ReachAndStay.TestCase.settings = SETTINGS
    case = ReachAndStay.TestCase()
    case.runTest()
