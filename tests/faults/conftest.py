"""The two grounds, the two subjects, and the table of scenarios at the end of a run."""

from __future__ import annotations

import itertools
import os
import re
from collections import defaultdict

import pytest

from faults.subjects import ALONE, SUBJECTS
from genreconcile.apply import writer
from genreconcile.testing.plugin import control_plane, namespace, pytest_collection_finish
from support.api.proxy import ProxiedServer
from support.api.server import ScriptedServer

__all__ = ["control_plane", "namespace", "pytest_collection_finish"]

SEED = int(os.environ.get("GENRECONCILE_SEED", "0"))
GROUNDS = ("scripted", "real")
_SCENARIO = re.compile(r"test_s(\d\d)_\w+")
_REASONS = pytest.StashKey[dict]()
_OUTCOMES = pytest.StashKey[dict]()


def pytest_configure(config):
    config.addinivalue_line("markers", "quick(ground): a long scenario that the quick part has on one ground alone")
    config.addinivalue_line("markers", "only(ground, reason): a scenario that makes sense on one ground alone")
    config.addinivalue_line("markers", "by(subject): a scenario of one subject, which has no fixture for it")
    config.stash[_REASONS], config.stash[_OUTCOMES] = defaultdict(set), defaultdict(list)


@pytest.hookimpl(tryfirst=True)  # Before -m chooses.
def pytest_collection_modifyitems(config, items):
    """Take out the scenarios that make no sense on a ground; why is told at the end.

    The quick part has the first variant of each scenario on each ground; of those that a Reconciler goes through too,
    the controller's on the scripted ground alone.
    """
    left = []
    for item in items:
        only = item.get_closest_marker("only")
        if only and _ground(item) not in {"", only.args[0]}:
            config.stash[_REASONS][_number(item.nodeid)].add(f"{only.args[0]} alone: {only.args[1]}")
            left.append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]
    seen = set()
    for item in items:
        if _number(item.nodeid):
            variant = (item.function, _ground(item), _subject(item))
            quick = item.get_closest_marker("quick")
            is_twin = _subject(item) == "controller" and _ground(item) == "real" and "subject" in item.fixturenames
            if variant in seen or is_twin or (quick and _ground(item) != quick.args[0]):
                item.add_marker(pytest.mark.slow)
            seen.add(variant)


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    """A watch of these grounds does not lag."""
    monkeypatch.setattr(writer, "_CACHE_LAG", 0.5)


@pytest.fixture
def seed():
    """The seed of the run."""
    return SEED


@pytest.fixture(params=SUBJECTS)
def subject(request):
    """What opens the Reconciler on a ground, or a controller that answers as one."""
    return SUBJECTS[request.param]


@pytest.fixture(params=GROUNDS)
def ground(request):
    """A server with faults and a namespace of its own in ``ground.namespace``; scripted, or real behind a proxy."""
    if request.param == "scripted":
        with ScriptedServer(SEED, bookmarks=0.5) as server:
            server.namespace = server.add_namespace("shop")
            yield server
        return
    plane = request.getfixturevalue("control_plane")
    with ProxiedServer(plane.kubeconfig, seed=SEED) as server:
        server.namespace = request.getfixturevalue("namespace")
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if _number(item.nodeid) and (report.when == "call" or report.outcome != "passed"):
        column = _subject(item), _ground(item) or "scripted"
        item.config.stash[_OUTCOMES][_number(item.nodeid), *column].append(report.outcome)
    return report


def pytest_terminal_summary(terminalreporter, config):
    """One line for each scenario, one cell for each subject and ground."""
    outcomes, columns = config.stash[_OUTCOMES], [*itertools.product(SUBJECTS, GROUNDS)]
    if not outcomes:
        return
    terminalreporter.section(f"fault scenarios, seed {SEED}")
    titles = ("Reconciler" if subject == "reconciler" else subject for subject, _ in columns)
    terminalreporter.write_line(" " * 4 + "".join(f"{title:<12}" for title in titles))
    terminalreporter.write_line(" " * 4 + "".join(f"{ground:<12}" for _, ground in columns))
    for number in sorted({number for number, *_ in outcomes}):
        cells = (f"{_cell(outcomes[number, *column]):<12}" for column in columns)
        reasons = [*sorted(config.stash[_REASONS][number]), ALONE.get(number, "")]
        terminalreporter.write_line(f"{number}  {''.join(cells)}{'; '.join(filter(None, reasons))}".rstrip())


def _cell(outcomes):
    passed = outcomes.count("passed")
    return "-" if not outcomes else f"{passed} ok" if passed == len(outcomes) else f"{len(outcomes) - passed} FAILED"


def _ground(item):
    return item.callspec.params.get("ground", "") if hasattr(item, "callspec") else ""


def _subject(item):
    by = item.get_closest_marker("by")
    chosen = item.callspec.params.get("subject") if hasattr(item, "callspec") else None
    return chosen or (by.args[0] if by else "reconciler")


def _number(nodeid):
    found = _SCENARIO.search(nodeid)
    return found[1] if found else ""
