"""Processes that really die, or sleep, in the middle of their work (1, 25), and clocks that jump (26)."""

import ast
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import genreconcile as gr
from faults.oracles import (
    LABELS,
    MAPS,
    config_map,
    converge,
    differing,
    engine,
    lists,
    names,
    path_of,
    reconcile,
    watches,
)
from genreconcile.errors import NotLeading
from support import objects
from support.api.effects import Call, Hold
from support.eventually import LONG, eventually

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).with_name("worker.py")


def service(name, namespace):
    """Of a later wave than ConfigMaps."""
    return objects.service(name, namespace, labels=LABELS, selector={"app": name})


@contextlib.contextmanager
def worker(ground, folder, expected, **settings):
    """A process that reconciles once; ended in any case."""
    folder.mkdir(exist_ok=True)
    job = folder / "job.json"
    settings = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS, **settings}
    job.write_text(json.dumps({"namespace": ground.namespace, "expected": expected, "settings": settings}))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "*"}
    process = subprocess.Popen(
        [sys.executable, WORKER, ground.kubeconfig(folder), job], env=environment, stdout=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(ground, folder, expected):
    """Run it to its end; what became of each object."""
    with worker(ground, folder, expected) as process:
        output, _ = process.communicate(timeout=LONG)
        assert process.returncode == 0
    return json.loads(output)


def prepare(ground):
    """To create: a, b. To patch: edited. To delete: old."""
    path = path_of(ground.namespace)
    ground.admin.create(path, config_map("edited", ground.namespace, k="by hand"))
    ground.admin.create(path, config_map("old", ground.namespace, k="1"))
    return [config_map(name, ground.namespace, k="1") for name in ("a", "b", "edited")]


WRITES = 4
ONCE = {"a": (1, 0), "b": (1, 0), "old": (0, 1)}
POINTS = [(number, when) for number in (2, 4, 1, 3) for when in ("then", "first")]


@pytest.mark.quick("scripted")
@pytest.mark.parametrize(("number", "when"), POINTS)
def test_s01_killed_at_a_write(ground, tmp_path, number, when):
    """SIGKILL while the write is on its way to the server, or its answer on the way back; started again."""
    expected = prepare(ground)
    running = []
    kill = Call(**{when: lambda *_: running[0].kill()})
    happens = ground.faults.add(kill, "write", nth=number)
    with worker(ground, tmp_path / "first", expected) as process:
        running.append(process)
        process.communicate(timeout=LONG)
        assert process.returncode == -signal.SIGKILL
    assert happens.fired == 1
    finish(ground, tmp_path / "second", expected)
    assert set(finish(ground, tmp_path / "third", expected).values()) == {"unchanged"}
    assert names(ground) == {"a", "b", "edited"}
    assert {name: counts for (_, _, name), counts in ground.log.tally().items()} == ONCE


@pytest.mark.quick("scripted")
@pytest.mark.parametrize("clash", [False, True])
def test_s25_a_process_that_sleeps_while_another_takes_over(ground, tmp_path, clash):
    """Stopped in the middle of a plan, it wakes: what it would delete, create or patch has changed, and is refused.

    Whoever cannot know that another one leads, for it sleeps, is bound by the preconditions of each write.
    """
    services = path_of(ground.namespace, plural="services")
    ground.admin.create(services, service("going", ground.namespace))
    old = [config_map("a", ground.namespace, k="1"), service("web", ground.namespace)]
    hold = Hold(commit=True)
    ground.faults.add(hold, "create", resource="configmaps")
    with worker(ground, tmp_path, old) as process:
        assert hold.arrived.wait(LONG)
        process.send_signal(signal.SIGSTOP)
        hold.released.set()
        # Meanwhile another one wants "going" to stay, and somebody else's "web" may be there already.
        new = [config_map("a", ground.namespace, k="2"), service("going", ground.namespace)]
        with engine(ground) as reconciler:
            eventually(lambda: reconcile(reconciler, new) and not reconciler.plan(new).changes)
        label = {"op": "add", "path": "/metadata/annotations", "value": {"since": "the new leader"}}
        there = {"going": ground.admin.patch(f"{services}/going", label)}
        if clash:
            foreign = {**service("web", ground.namespace), "metadata": {"name": "web", "labels": {"app": "other"}}}
            there["web"] = ground.admin.create(services, foreign)
        since = len(ground.log)
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate(timeout=LONG)
    expected = {"web": "failed", "going": "skipped"} if clash else {"web": "created", "going": "failed"}
    assert expected.items() <= json.loads(output).items()
    assert {name: ground.admin.get(f"{services}/{name}") for name in there} == there
    assert ground.log.counts("delete", since=since) == {}
    assert ground.admin.get(path_of(ground.namespace, "a"))["data"] == {"k": "2"}


def test_s25_who_has_lost_the_lease_writes_nothing_more(ground):
    """In the middle of a reconcile: what is left is not sent, and is done once this replica leads again."""
    ground.admin.create(path_of(ground.namespace), config_map("old", ground.namespace))
    ground.admin.create(path_of(ground.namespace), config_map("n0", ground.namespace, k="theirs"))
    expected = [config_map(f"n{number}", ground.namespace, k="1") for number in range(10)]
    settings = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS}
    leads, before = [True] * 3, len(ground.log)

    def written():
        return len(ground.log.writes(since=before))

    with engine(ground, may_write=lambda: bool(leads) and leads.pop()) as reconciler:
        result = reconciler.reconcile(expected, **settings)
        assert written() == 3
        assert {type(outcome.error) for outcome in result.outcomes if outcome.error} == {NotLeading}
        for _ in range(3):
            assert reconciler.reconcile(expected, **settings).counts["failed"] >= 7
        assert written() == 3
        leads += [True] * 100
        converge(ground, reconciler, expected, **settings)
    assert names(ground) == {obj["metadata"]["name"] for obj in expected}


@pytest.mark.quick("scripted")
@pytest.mark.parametrize("left", ["create", "patch", "delete", "owner set"])
def test_s25_no_write_of_any_kind_without_the_lease(ground, left):
    """Nor is the owner set's record written; a dry run is no write."""
    path, wanted = path_of(ground.namespace), config_map("a", ground.namespace, k="1")
    if left in {"patch", "delete"}:
        ground.admin.create(path, config_map("a", ground.namespace, k="theirs"))
    expected = [] if left == "delete" else [wanted]
    settings = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS, "allow_empty": True}
    if left == "owner set":
        settings = {"owner": "configmaps/shop", "namespace": ground.namespace}
    before = len(ground.log)
    with engine(ground, may_write=lambda: False) as reconciler:
        plan = reconciler.plan(expected, kinds=[MAPS], **settings)
        assert len(plan.changes) == 1
        reconciler.apply(plan, dry_run=True).raise_for_failures()
        with contextlib.suppress(NotLeading):  # Of the owner set: without its record nothing may be written.
            failed = [outcome.error for outcome in reconciler.apply(plan).outcomes if outcome.error]
            assert [type(error) for error in failed] == [NotLeading]
            assert re.match("ConfigMap .*another replica leads", str(failed[0]))
    assert [entry for entry in ground.log.writes(since=before) if not entry.is_dry_run] == []
    assert names(ground) == ({"a"} if left in {"patch", "delete"} else set())


def test_s25_two_replicas_at_once(ground):
    """Both believe to lead: no object is made twice or lost, and both come to rest."""
    expected = [config_map(f"n{number}", ground.namespace, k="1") for number in range(10)]
    settings = {"delete_from_namespace": ground.namespace, "delete_selector": LABELS}
    ground.admin.create(path_of(ground.namespace), config_map("old", ground.namespace))
    with engine(ground) as first, engine(ground) as second:
        with ThreadPoolExecutor(2) as pool:
            list(
                pool.map(lambda replica: [reconcile(replica, expected, **settings) for _ in range(5)], (first, second))
            )
        converge(ground, first, expected, **settings)
        converge(ground, second, expected, **settings)
    assert names(ground) == {obj["metadata"]["name"] for obj in expected}
    counts = {name: found for (_, _, name), found in ground.log.tally().items()}
    assert counts == {**{f"n{number}": (1, 0) for number in range(10)}, "old": (0, 1)}


@pytest.mark.quick("scripted")
@pytest.mark.parametrize("jump", [-86400 * 365, 86400 * 365], ids=["back", "ahead"])
def test_s26_the_clock_jumps(ground, subject, monkeypatch, jump):
    """Watches go on, nothing is listed or sent that would not be otherwise."""
    expected = [config_map("a", ground.namespace, k="1")]
    with subject(ground) as reconciler:
        converge(ground, reconciler, expected)
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        before, listed = len(watches(ground)), lists(ground)
        ground.admin.patch(path_of(ground.namespace, "a"), {"op": "add", "path": "/data/k", "value": "2"})
        eventually(lambda: reconcile(reconciler, expected) and differing(ground, expected) == [])
        converge(ground, reconciler, expected)
        eventually(lambda: len(watches(ground)) > before + 1)
        assert reconciler.cache.error(MAPS) is None
        assert lists(ground) == listed


def test_s26_no_timer_reads_the_wall_clock():
    """The uses are the age of files that nobody has used for a month, what is shown to a caller, in a condition or in
    an Event, the age of objects by their creationTimestamp, the end of credentials, and the check of this clock against
    the server's: times of the wall.
    """
    found = set()
    for file in Path(gr.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in {
                "time.time",
                "datetime.now",
                "dt.datetime.now",
            }:
                found.add(file.relative_to(Path(gr.__file__).parent).as_posix())
    credentials = {"cluster/identity.py", "cluster/oidc.py"}
    conditions = {"controllers/planning.py", "controllers/program.py", "controllers/status/writer.py"}
    ages = {"readiness/asking.py", "waiting/waiting.py"}
    shown = {
        "cache/lister.py",
        "doctor/connection.py",
        "kinds/openapi.py",
        "observe/events.py",
        "testing/certificates.py",
    }
    assert found == shown | credentials | conditions | ages
