"""Functions under a deadline: what is late is abandoned, its result thrown away, and others go on."""

import asyncio
import functools
import os
import threading

import pytest

import genreconcile as gr
from genreconcile.controllers.running import Cut, DeadlineExceeded, Deadlines, Inline
from support.eventually import LONG, eventually
from unit.controllers.things import config

SOON = 0.05
"""A deadline that passes in any case."""


class Gate:
    """A function that hangs until it is opened, and tells when it has begun and ended."""

    def __init__(self):
        self.open, self.begun, self.ended = threading.Event(), threading.Event(), threading.Event()

    def __call__(self):
        self.begun.set()
        self.open.wait()
        self.ended.set()
        return [config("late")]


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


@pytest.fixture
def runner():
    made = []

    def make(seconds=LONG, most=2):
        made.append(Deadlines("things", seconds, most))
        return made[-1]

    yield make
    for one in made:
        one.close()


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "genreconcile-function-things"]


def nothing():
    return []


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    eventually(lambda: not threads(), threads)


def function():
    yield config("a")


async def generator():
    yield config("a")


async def coroutine():
    return [config("a")]


@pytest.mark.parametrize("way", [function, generator, coroutine, lambda: [config("a")]])
@pytest.mark.parametrize("kind", ["inline", "deadlines"])
def test_what_a_function_states(runner, kind, way):
    found = (Inline() if kind == "inline" else runner()).run("key", way)
    assert (found.children, found.is_whole) == ([config("a")], True)


async def raises_retry():
    raise gr.Retry(5)


def test_retry_is_no_error(runner):
    found = runner().run("key", raises_retry)
    assert (found.children, found.retry.after) == ([], 5)


def times_out():
    raise TimeoutError("its own")


def test_what_it_raises_comes_to_the_caller(runner):
    with pytest.raises(ZeroDivisionError):
        runner().run("key", lambda: 1 / 0)
    with pytest.raises(TimeoutError, match="its own"):
        runner().run("key", times_out)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
def test_what_would_end_a_thread_is_an_error(runner, error):
    def function():
        raise error

    def generator():
        yield config("a")
        raise error

    async def coroutine():
        raise error

    deadlines = runner()
    for way in (function, generator, coroutine):
        with pytest.raises(RuntimeError):
            deadlines.run("key", way)
    assert deadlines.run("key", nothing).children == []


def test_a_function_that_hangs_is_abandoned(runner, gate):
    deadlines = runner(SOON)
    with pytest.raises(DeadlineExceeded, match=r"not ended within 0\.05 s"):
        deadlines.run("key", gate)
    assert deadlines.run("other", nothing).children == [], "others go on"
    with pytest.raises(DeadlineExceeded, match="its run before has not ended"):
        deadlines.run("key", nothing)
    gate.open.set()
    assert gate.ended.wait(LONG)
    eventually(lambda: not deadlines._abandoned)
    assert deadlines.run("key", nothing).children == [], "what it came to late is thrown away"


def test_many_that_hang(runner):
    """No more threads than twice as many as workers; then nothing runs, until one of them ends."""
    gates = [Gate() for _ in range(2)]
    deadlines = runner(SOON, most=2)
    try:
        for number, gate in enumerate(gates):
            assert deadlines.is_healthy
            with pytest.raises(DeadlineExceeded):
                deadlines.run(number, gate)
        assert not deadlines.is_healthy
        with pytest.raises(DeadlineExceeded, match="not run: 2 runs have not ended"):
            deadlines.run("key", nothing)
        assert len(threads()) == 2
        gates[0].open.set()
        eventually(lambda: deadlines.is_healthy)
        assert deadlines.run("key", nothing).children == []
        assert len(threads()) == 2, "the thread that has become free was taken"
    finally:
        for gate in gates:
            gate.open.set()


def test_no_more_threads_than_twice_the_workers(runner):
    """Many keys, each of which hangs now and then, from as many threads as there are workers."""
    workers, gates, most = 3, [], 0
    deadlines = runner(0.01, most=workers)
    lock = threading.Lock()

    def work(number):
        nonlocal most
        for step in range(60):
            gate = Gate()
            with lock:
                gates.append(gate)
            try:
                deadlines.run((number, step), gate if step % 3 == 0 else nothing)
            except DeadlineExceeded:
                with lock:
                    most = max(most, len(threads()))
                    for other in gates[:-2]:  # Some end, late.
                        other.open.set()

    callers = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for gate in gates:
        gate.open.set()
    assert 0 < most <= 2 * workers
    eventually(lambda: not deadlines._abandoned)


class Asynchronous:
    """An async function that waits for ever, and notes how that ended."""

    def __init__(self, *, stubborn=False):
        self.stubborn, self.ends, self.begun = stubborn, [], threading.Event()

    async def __call__(self):
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ends.append("cancelled")
            if not self.stubborn:
                raise
        return [config("late")]

    async def generate(self):
        yield config("first")
        for one in await self():
            yield one

    async def called(self):
        await self()


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("way", ["__call__", "generate", "called"])
def test_an_async_function_is_cancelled_at_its_deadline(runner, way, stubborn):
    deadlines, function = runner(SOON), Asynchronous(stubborn=stubborn)
    with pytest.raises(DeadlineExceeded, match="not ended within"):
        (deadlines.call if way == "called" else deadlines.run)("key", getattr(function, way))
    eventually(lambda: function.ends == ["cancelled"])
    eventually(lambda: not deadlines._abandoned)
    assert deadlines.is_healthy
    assert deadlines.run("key", coroutine).children == [config("a")]


def test_an_async_function_that_blocks_is_abandoned(runner, gate):
    async def function():
        gate()

    deadlines = runner(SOON)
    with pytest.raises(DeadlineExceeded):
        deadlines.run("key", function)
    assert len(deadlines._abandoned) == 1
    gate.open.set()
    eventually(lambda: not deadlines._abandoned)


def caught(*calls):
    """Run in threads; returns what they raised, filled in the end, and the threads."""
    errors = []

    def run(call):
        try:
            call()
        except gr.ReconcileError as error:
            errors.append(type(error))

    found = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in found:
        thread.start()
    return errors, found


def test_close_cuts_what_runs(runner, gate):
    deadlines, function = runner(), Asynchronous()
    errors, callers = caught(
        functools.partial(deadlines.run, "hangs", gate), functools.partial(deadlines.run, "waits", function)
    )
    assert gate.begun.wait(LONG)
    assert function.begun.wait(LONG)
    deadlines.close()
    for caller in callers:
        caller.join()
    assert errors == [Cut, Cut]
    eventually(lambda: function.ends == ["cancelled"])
    with pytest.raises(Cut):
        deadlines.run("key", nothing)
    deadlines.close()
    assert not gate.ended.is_set()
    gate.open.set()
    eventually(lambda: not threads(), threads)


def test_a_fork_runs_nothing(runner, monkeypatch):
    """Also where the lock was held at the moment of the fork."""
    deadlines = runner()
    deadlines.run("key", nothing)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with deadlines._lock:
        errors, (caller,) = caught(lambda: (deadlines.close(), deadlines.run("key", nothing)))
        caller.join(LONG)
    assert errors == [gr.CacheError]
    monkeypatch.undo()
    assert deadlines.run("key", nothing).children == []


def test_calls_of_many_threads_reuse_threads(runner):
    deadlines = runner(most=4)
    names = set()

    def function():
        names.add(threading.get_ident())
        return []

    errors, callers = caught(*[lambda: [deadlines.run(object(), function) for _ in range(200)]] * 4)
    for caller in callers:
        caller.join()
    assert errors == []
    assert len(names) <= 4
