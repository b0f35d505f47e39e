"""Controllers as a program with real threads and in real time: start, work, deadlines, and an end in any case."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import genreconcile as gr
from genreconcile.controllers.loop import Loop
from genreconcile.controllers.program import Program
from genreconcile.controllers.run import Run
from support.eventually import LONG, eventually
from unit.controllers import things
from unit.controllers.things import MAP, THING, condition, config, controller, edit, names, thing

MEMCACHED = Path(__file__).parents[3] / "examples/operators/memcached"
OURS = ("genreconcile-things", "genreconcile-others", "genreconcile-function-")


def threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(OURS)]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = set(threading.enumerate())
    yield
    eventually(lambda: set(threading.enumerate()) <= before, threading.enumerate)


@pytest.fixture
def fake(_no_thread_is_left):
    with things.cluster(thing("one", names=["a"]), thing("two", names=["b"])) as fake:
        yield fake


def stated(parent, ctx):
    for name in parent["spec"]["names"]:
        yield config(name)


def quick(function, **settings):
    return controller(function, **{"min_interval": 0, **settings})


class Hanging:
    """States the children of each parent, and hangs for those that say so, until it is opened."""

    def __init__(self):
        self.open, self.entered, self.left = threading.Event(), [], []

    def __call__(self, parent, _):
        if parent["spec"].get("hangs"):
            self.entered.append(parent["metadata"]["name"])
            self.open.wait()
            self.left.append(parent["metadata"]["name"])
        return [config(name) for name in parent["spec"]["names"]]


@pytest.fixture
def hanging(_no_thread_is_left):
    function = Hanging()
    yield function
    function.open.set()


def test_several_controllers_work_from_start_to_stop(fake):
    def other(parent, ctx):
        yield config(f"of-{parent['metadata']['name']}")

    others = gr.controller(MAP, name="others", selector="app=web", min_interval=0)(other)
    with Program(quick(stated), others, cluster=fake) as program:
        fake.create({**config("web"), "metadata": {"name": "web", "labels": {"app": "web"}}})
        eventually(lambda: names(fake) == ["a", "b", "of-web", "web"])
        edit(fake, names=["c"])
        eventually(lambda: names(fake) == ["b", "c", "of-web", "web"])
        eventually(lambda: condition(fake, "Ready") == ("True", "Reconciled"))
        fake.delete(MAP, "of-web")
        eventually(lambda: "of-web" in names(fake))
        assert program.is_healthy
        assert len([name for name in threads() if "function" not in name]) == 8
    edit(fake, names=[])
    assert names(fake) == ["b", "c", "of-web", "web"], "nothing is written after the stop"


@pytest.mark.parametrize("is_known", [False, True])
def test_what_the_first_list_shows_and_a_run_writes_is_no_edit(fake, is_known, monkeypatch):
    """Reads would wait until they are as new, and list quiet kinds anew."""
    edits = []

    def function(parent, ctx):
        edits.append(dict(program._loops[0]._edits))
        ctx.status["size"] = len(ctx.list("v1/Service"))
        return stated(parent, ctx)

    def late(loop):
        if is_known:  # The list may come before the controller subscribes, as where another one has asked for the kind.
            program._cache.wait_for_sync([THING])
        start(loop)
        edits.append(dict(loop._edits))

    start = Loop.start
    monkeypatch.setattr(Loop, "start", late)
    program = Program(quick(function), cluster=fake)
    with program:
        eventually(lambda: names(fake) == ["a", "b"])
        eventually(lambda: all("size" in (obj.get("status") or {}) for obj in fake.find(THING)))
    assert edits
    assert not any(edits)
    assert not program._loops[0]._edits


def test_a_program_runs_once(fake):
    program = Program(quick(stated), cluster=fake)
    with program:
        with pytest.raises(gr.CacheError, match="it runs already"):
            program.start()
        eventually(lambda: names(fake) == ["a", "b"])
    program.stop()
    with pytest.raises(gr.CacheError):
        program.start()


def test_a_start_that_fails_leaves_nothing(fake):
    nothing = gr.controller("example.com/v1/Nothing", name="others")(stated)
    with pytest.raises(gr.CacheError):
        Program(quick(stated), nothing, cluster=fake).start()
    assert names(fake) == []


def test_a_fork_stops_nothing(fake, monkeypatch):
    with Program(quick(stated), cluster=fake) as program:
        eventually(lambda: names(fake) == ["a", "b"])
        monkeypatch.setattr(os, "getpid", lambda: -1)
        program.stop()
        monkeypatch.undo()
        edit(fake, names=["c"])
        eventually(lambda: names(fake) == ["b", "c"])


def test_a_stop_waits_for_what_runs(fake):
    begun, go = threading.Event(), threading.Event()

    def slow(parent, ctx):
        begun.set()
        go.wait()
        return [config(name) for name in parent["spec"]["names"]]

    program = Program(quick(slow), cluster=fake)
    program.start()
    assert begun.wait(LONG)
    stopping = threading.Thread(target=program.stop, args=(LONG,))
    stopping.start()
    eventually(lambda: all(loop.queue.is_closed for loop in program._loops))
    go.set()
    stopping.join()
    assert names(fake) == ["a", "b"]
    assert condition(fake, "Ready") is not None, "statuses are written"


def test_a_stop_while_a_function_hangs(fake, hanging, caplog):
    edit(fake, hangs=True)
    program = Program(quick(hanging), cluster=fake)
    program.start()
    eventually(lambda: hanging.entered and names(fake) == ["b"])
    version = fake.get(THING, "one")["metadata"]["resourceVersion"]
    program.stop(grace=0.1)
    eventually(lambda: threads() == ["genreconcile-function-things"], "the thread of the function that hangs is left")
    assert not hanging.left
    hanging.open.set()
    eventually(lambda: not threads())
    assert hanging.left == ["one"]
    assert names(fake) == ["b"], "what it came to is thrown away"
    assert fake.get(THING, "one")["metadata"]["resourceVersion"] == version
    told = [name for name, level, _ in caplog.record_tuples if level > logging.INFO]
    assert "genreconcile.controllers" not in told


def test_a_function_that_hangs_is_abandoned_and_others_go_on(fake, hanging):
    edit(fake, hangs=True)
    with Program(quick(hanging, deadline=0.2, workers=2), cluster=fake) as program:
        eventually(lambda: condition(fake, "Stalled") == ("True", "DeadlineExceeded"))
        eventually(lambda: names(fake) == ["b"])
        edit(fake, "two", names=["c"])
        eventually(lambda: names(fake) == ["c"])
        assert program.is_healthy
        edit(fake, hangs=False)
        hanging.open.set()
        eventually(lambda: names(fake) == ["a", "c"])
        assert hanging.left == ["one"], "one run at a time, also where it is abandoned"
        eventually(lambda: condition(fake, "Stalled") is None)


def test_too_many_that_hang(fake, hanging):
    for name in ("one", "two"):
        edit(fake, name, hangs=True)
    with Program(quick(hanging, deadline=0.1, workers=2), cluster=fake) as program:
        eventually(lambda: not program.is_healthy)
        fake.create(thing("three", names=["d"]))
        eventually(lambda: condition(fake, "Stalled", "three") == ("True", "DeadlineExceeded"))
        assert names(fake) == []
        assert len([name for name in threads() if "function" in name]) <= 4
        hanging.open.set()
        eventually(lambda: program.is_healthy)
        for name in ("one", "two"):
            edit(fake, name, hangs=False)
        eventually(lambda: names(fake) == ["a", "b", "d"])


def test_an_async_function_is_cancelled_at_its_deadline(fake):
    ends = []

    async def function(parent, ctx):
        try:
            if parent["spec"].get("hangs"):
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append(parent["metadata"]["name"])
            raise
        return [config(name) for name in parent["spec"]["names"]]

    edit(fake, hangs=True)
    with Program(quick(function, deadline=0.2, workers=1), cluster=fake) as program:
        eventually(lambda: condition(fake, "Stalled") == ("True", "DeadlineExceeded"))
        assert ends
        assert set(ends) == {"one"}
        eventually(lambda: names(fake) == ["b"])
        assert program.is_healthy
        edit(fake, hangs=False)
        eventually(lambda: names(fake) == ["a", "b"])


def test_a_function_that_exits_stops_no_worker(fake):
    def function(parent, ctx):
        if parent["spec"].get("wrong"):
            sys.exit(1)
        return [config(name) for name in parent["spec"]["names"]]

    edit(fake, wrong=True)
    with Program(quick(function, workers=1), cluster=fake):
        eventually(lambda: condition(fake, "Ready") == ("False", "Failed"))
        eventually(lambda: names(fake) == ["b"])
        edit(fake, wrong=False)
        eventually(lambda: names(fake) == ["a", "b"])


def test_what_a_function_asks_after_its_run_is_refused(fake, hanging, monkeypatch):
    """From the moment on in which somebody is told that the run is over."""
    asked, tell = [], Run._tell

    def function(parent, ctx):
        hanging(parent, ctx)
        if parent["spec"].get("hangs"):  # The other one may be cut as well, by a busy machine, while it asks.
            try:
                asked.append(ctx.list(MAP))
            except gr.CacheError as error:
                asked.append(str(error))
        return []

    def telling(run, judgement, *arguments):
        if run._key.name == "one":
            hanging.open.set()
            eventually(lambda: asked)
        return tell(run, judgement, *arguments)

    monkeypatch.setattr(Run, "_tell", telling)
    edit(fake, hangs=True)
    with Program(quick(function, deadline=0.1), cluster=fake):
        eventually(lambda: condition(fake, "Stalled"))
    assert "its run has ended" in asked[0]


PROGRAM = """
import sys, yaml
from pathlib import Path
from genreconcile.cli import main, session
from genreconcile.testing import FakeCluster
folder = Path(sys.argv.pop(1))
objects = [yaml.safe_load((folder / name).read_text()) for name in ("crd.yaml", "sample.yaml")]
session.connect = lambda connection: FakeCluster(objects, namespace="shop")
sys.exit(main())
"""
"""The command, on a cluster in memory."""
HANGS = """
import sys, time
import genreconcile as gr

@gr.controller("cache.example.com/v1/Memcached", name="hangs")
def hangs(parent, ctx):
    print("in the function", file=sys.stderr, flush=True)
    while True:
        time.sleep(1)
"""


FAILS = """
import genreconcile as gr

@gr.controller("cache.example.com/v1/Memcached", name="fails")
def fails(parent, ctx):
    raise ValueError("no such size: XXL")
"""


@pytest.fixture
def command():
    """Starts ``genreconcile run``; returns it once it has said something."""
    started = []

    def start(file, said):
        arguments = [sys.executable, "-c", PROGRAM, MEMCACHED, "run", file]
        process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, cwd=Path(gr.__file__).parents[1])
        started.append(process)
        assert any(said in line for line in process.stderr), "it ended before"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command(command, number):
    process = command(MEMCACHED / "memcached.py", "running memcached")
    process.send_signal(number)
    said = process.communicate(timeout=LONG)[1]
    assert process.returncode == 0, said
    assert "Traceback" not in said


def test_what_a_function_raises_is_told_whole(command, tmp_path):
    """The text is the author's own, who wants to know; the parent's status has the type alone."""
    file = tmp_path / "fails.py"
    file.write_text(FAILS)
    process = command(file, "the function failed")
    assert any("ValueError: no such size: XXL" in line for line in process.stderr)


def test_a_second_signal_ends_it_at_once(command, tmp_path):
    file = tmp_path / "hangs.py"
    file.write_text(HANGS)
    process = command(file, "in the function")
    process.send_signal(signal.SIGTERM)
    assert any("stopping" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=LONG)[1]
    assert process.returncode == 128 + signal.SIGTERM, said
