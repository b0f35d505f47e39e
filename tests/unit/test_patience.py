"""Tests wait for conditions: none sleeps and hopes, and none has a limit that a busy machine would break."""

import ast
from pathlib import Path

import pytest

from support.patience import hopes

TESTS = Path(__file__).parents[1]
SOURCES = [file for file in sorted(TESTS.rglob("*.py")) if "__pycache__" not in file.parts]

# What sleeps, or is short, for a reason.
REASONED = {
    "conftest.py::late: sleeps once": "the lag itself",
    "faults/esr/machine.py::restore: sleeps once": "a restore takes its time",
    "faults/soak/__main__.py::soak: sleeps once": "as long as was asked for",
    "faults/soak/operators.py::soak: sleeps once": "as long as was asked for",
    "faults/test_isolation.py::test_s24_a_burst_of_events_and_a_slow_subscriber: sleeps once": "the slow subscriber",
    "faults/test_isolation.py::test_s28_a_hundred_starts_and_stops: sleeps once": "a stop at any moment",
    "kind/cases/test_cases_r1_kinds.py::test_r1_13_a_kind_that_is_met_soon_after_it_was_established: sleeps once": (
        "how soon is what the test is about"
    ),
    "kind/conformance/server.py::remove: sleeps once": "a bounded number of tries",
    "kind/sharded_program.py::stated: sleeps once": "how long its runs wait",
    "kind/test_aio.py::main: sleeps once": "what must not go on within a moment",
    "kind/test_custom_resources.py::test_somebody_else_adds_a_field_with_a_default: sleeps once": (
        "what must not happen within a second"
    ),
    "unit/apply/test_applier.py::work: sleeps once": "so that threads meet, if they may",
    "unit/test_aio.py::cancelled_at: sleeps once": "what must not go on within a moment",
    "unit/test_aio.py::main: sleeps once": "what must not begin within a moment",
    "unit/test_aio.py::test_many_at_once_with_as_many_threads_as_are_allowed: sleeps once": "so that calls meet",
    "unit/test_aio.py::use: sleeps once": "a producer that pauses now and then",
}


@pytest.fixture(scope="module")
def found():
    return {
        f"{file.relative_to(TESTS)}::{hope}" for file in SOURCES for hope in hopes(ast.parse(file.read_text("utf-8")))
    }


def test_r3_4_no_test_hopes_that_a_time_is_long_enough(found):
    assert sorted(found - set(REASONED)) == []


def test_r3_4_no_reason_is_left_over(found):
    assert sorted(set(REASONED) - found) == []


HOPING = {
    "time.sleep(0.5)\nassert done": "sleeps once",
    "for _ in range(3):\n    sleep(0.5)": "sleeps once",
    "while waiting():\n    def later():\n        time.sleep(1)": "sleeps once",
    "assert heard.wait(5)": "waits 5 seconds at most",
    "thread.join(timeout=5.5)": "waits 5.5 seconds at most",
    "cache.relist(KIND, 2)": "waits 2 seconds at most",
    "deadline = time.monotonic() + 5": "gives up after 5 seconds",
    "assert time.monotonic() - started < 1": "is to take less than 1 seconds",
    "assert monotonic() - started <= 0.5, 'late'": "is to take less than 0.5 seconds",
}
PATIENT = [
    "while not ended.wait(1.0):\n    poll()",
    "while not done():\n    cache.relist(KIND, timeout=1)",
    "while not done():\n    time.sleep(0.02)",
    "assert heard.wait(45)",
    "assert not heard.wait(0.05)",
    "thread.join()",
    "', '.join(names)",
    "assert time.monotonic() - started < 30",
    "assert time.monotonic() < deadline",
    "deadline = time.monotonic() + 45",
    "assert time.monotonic() - started > 1",
    "assert len(found) - len(others) < 5",
]


@pytest.mark.parametrize("code", HOPING)
def test_it_is_found(code):
    assert [hope.partition(": ")[2] for hope in hopes(ast.parse(code))] == [HOPING[code]]


@pytest.mark.parametrize("code", PATIENT)
def test_it_waits_for_something(code):
    assert hopes(ast.parse(code)) == []
