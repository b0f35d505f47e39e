"""Hypothesis for all tests: the same examples in each run, and no limit on time, which a busy machine would break.

And no test of a compiled module whose source has changed since; a mark on tests that depend on time, which
``make flaky`` runs beside other load; and at the end the seconds that each folder took. GENRECONCILE_LAG lets events of
watches arrive so many seconds late. And none in which a warning is logged without a code.
"""

import logging
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.timing import is_timed

_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]

settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=_SLOW)
settings.register_profile("thorough", settings.get_profile("steady"), max_examples=2000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

_CODELESS = []
"""What was logged as a warning, or worse, and has no code."""

_ROOT = Path(__file__).resolve().parents[1]


def is_stale(compiled: Path) -> bool:
    """Whether an extension module is older than the source beside it."""
    source = compiled.with_name(compiled.name.partition(".")[0] + ".py")
    return source.exists() and source.stat().st_mtime > compiled.stat().st_mtime


def pytest_sessionstart():
    if stale := [path.name for path in (_ROOT / "genreconcile").rglob("*.so") if is_stale(path)]:
        pytest.exit(
            f"{stale[0]}: older than its source: run `python tools/compile_modules.py`, with --clean to remove it", 4
        )


def pytest_configure(config):
    pytest.register_assert_rewrite("support.contract")  # Cases assert, and are no modules of tests.
    config.addinivalue_line("markers", "timing: waits, or has a server or threads; set by itself")
    config.addinivalue_line(
        "markers",
        "slow: not in the quick part; `make faults` runs those of tests/faults, `make conformance` those of tests/kind",
    )
    _note_what_has_no_code()
    if lag := float(os.environ.get("GENRECONCILE_LAG", "0")):
        _let_watches_lag(lag)


def _note_what_has_no_code():
    from genreconcile.log import Codes, code_of_record

    write = Codes.filter

    def write_and_note(codes, record):
        is_kept = write(codes, record)
        if record.levelno >= logging.WARNING and not code_of_record(record):
            _CODELESS.append(f"{record.name}: {record.getMessage()}")
        return is_kept

    Codes.filter = write_and_note


@pytest.fixture(autouse=True)
def _codes_behind_warnings():
    """A user looks a warning up by its code."""
    yield
    found = list(_CODELESS)
    _CODELESS.clear()
    assert found == []


def _let_watches_lag(seconds):
    """Every event arrives so much later: a test that edits, and does not wait until the cache knows it, fails."""
    from genreconcile.cache.reading import Reading

    events = Reading.events

    def late(chunks):
        slept = 0.0
        for chunk in chunks:
            if time.monotonic() - slept > seconds:  # Else many events would add up.
                time.sleep(seconds)
                slept = time.monotonic()
            yield chunk

    Reading.events = lambda self, chunks: events(self, late(chunks))


def pytest_xdist_auto_num_workers():
    """For ``--numprocesses auto``: two for each core, for a third of the tests' time is waiting."""
    return 2 * len(os.sched_getaffinity(0))


@pytest.hookimpl(tryfirst=True)  # Before -m chooses.
def pytest_collection_modifyitems(items):
    for item in items:
        if isinstance(item, pytest.Function) and is_timed(item):
            item.add_marker(pytest.mark.timing)


def pytest_terminal_summary(terminalreporter):
    """The seconds of each folder of tests."""
    seconds = Counter()
    for report in (report for found in terminalreporter.stats.values() for report in found):
        if isinstance(report, pytest.TestReport):
            seconds["/".join(report.nodeid.split("/")[:2])] += report.duration
    for folder, spent in sorted(seconds.items()):
        terminalreporter.write_line(f"{folder}: {spent:.0f} seconds")
