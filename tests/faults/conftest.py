"""The two grounds, and the table of scenarios at the end of a run."""

from __future__ import annotations

import os
import re
from collections import defaultdict

import pytest

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
    config.stash[_REASONS], config.stash[_OUTCOMES] = defaultdict(set), defaultdict(list)


@pytest.hookimpl(tryfirst=True)  # Before -m chooses.
def pytest_collection_modifyitems(config, items):
    """Take out the scenarios that make no sense on a ground; why is told at the end.

    The quick part has the first variant of each scenario on each ground.
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
            variant = (item.function, _ground(item))
            quick = item.get_closest_marker("quick")
            if variant in seen or (quick and _ground(item) != quick.args[0]):
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
        item.config.stash[_OUTCOMES][_number(item.nodeid), _ground(item) or "scripted"].append(report.outcome)
    return report


def pytest_terminal_summary(terminalreporter, config):
    """One line for each scenario, one cell for each ground."""
    outcomes = config.stash[_OUTCOMES]
    if not outcomes:
        return
    terminalreporter.section(f"fault scenarios, seed {SEED}")
    for number in sorted({number for number, _ in outcomes}):
        cells = [f"{ground} {_cell(outcomes[number, ground]):<10}" for ground in GROUNDS]
        why = "; ".join(sorted(config.stash[_REASONS][number]))
        terminalreporter.write_line(f"{number}  {'  '.join(cells)}  {why}".rstrip())


def _cell(outcomes):
    passed = outcomes.count("passed")
    return "-" if not outcomes else f"{passed} ok" if passed == len(outcomes) else f"{len(outcomes) - passed} FAILED"


def _ground(item):
    return item.callspec.params.get("ground", "") if hasattr(item, "callspec") else ""


def _number(nodeid):
    found = _SCENARIO.search(nodeid)
    return found[1] if found else ""
