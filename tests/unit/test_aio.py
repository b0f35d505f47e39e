"""The Reconciler and the Cache for asyncio: never in the way of the loop, and nothing goes on behind whoever awaits."""

import asyncio
import contextlib
import contextvars
import gc
import importlib.util
import inspect
import json
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import kopf
import pytest

import genreconcile as gr
from genreconcile import aio
from genreconcile.aio import events as events_module
from genreconcile.aio import parts
from genreconcile.cluster import Interrupt, Permit
from genreconcile.errors import Unreachable
from genreconcile.testing import FakeCluster
from support.api.passing import Passing
from support.eventually import LONG, eventually

ROOT = Path(__file__).parents[2]
MAP = "v1/ConfigMap"
LABELS = {"app": "web"}


def config(name, namespace="default", **data):
    metadata = {"name": name, "namespace": namespace, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {"k": "v"}}


class Watched(Passing):
    """Notes requests, and calls ``on`` before each that writes, in its thread; ``most``: of those at once."""

    def __init__(self, cluster, on=lambda _: None):
        super().__init__(cluster)
        self.requests = []
        self.writes = []
        self.on = on
        self.lock = threading.Lock()
        self.running = self.most = 0

    def request(self, method, path, **settings):
        with self.lock:
            self.requests.append((method, path))
            is_write = method != "GET" and "dryRun" not in (settings.get("query") or {})
            if is_write:
                self.writes.append((method, path))
            number = len(self.writes)
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            if is_write:
                self.on(number)
            return super().request(method, path, **settings)
        finally:
            with self.lock:
                self.running -= 1


def hanging(fake):
    """A cluster whose writes set ``begun``, then last until ``hang`` is set; called in a coroutine."""
    begun, hang = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def on(_):
        loop.call_soon_threadsafe(begun.set)
        hang.wait(LONG)

    return Watched(fake, on), begun, hang


class Permitted(Watched):
    """As a real cluster: the connection opens, which calls ``on``, then permits are asked, and then bytes go out."""

    asks_permit = True

    def __init__(self, cluster, on=lambda _: None):
        super().__init__(cluster, on)
        self.sent = []

    def request(self, method, path, **settings):
        is_write = method != "GET" and "dryRun" not in (settings.get("query") or {})
        if is_write:
            self.on(len(self.sent) + 1)
        with Permit.sending():
            if is_write:
                self.sent.append((method, path))
            return self.cluster.request(method, path, **settings)


@pytest.fixture
def fake():
    with FakeCluster(namespace="default") as fake:
        yield fake


def cancelling(task_of, at, *, times=1):
    """What cancels a task at the ``at``-th write, and lets this write and later ones go on once the task knows."""
    loop, known = asyncio.get_running_loop(), threading.Event()

    def cancel():
        for _ in range(times):
            task_of().cancel()
        loop.call_later(0.01, known.set)

    def on(number):
        if number == at:
            loop.call_soon_threadsafe(cancel)
        assert number < at or known.wait(LONG)

    return on


# What it is called with.


@pytest.mark.parametrize("name", ["plan", "apply", "reconcile", "rights", "wait"])
def test_methods_of_a_reconciler_are_those_of_the_other_one(name):
    function, other = getattr(aio.Reconciler, name), getattr(gr.Reconciler, name)
    assert inspect.iscoroutinefunction(function)
    assert inspect.signature(function) == inspect.signature(other)
    assert f"``genreconcile.Reconciler.{name}``" in inspect.getdoc(function)


@pytest.mark.parametrize("name", ["add", "wait_for_sync", "relist", "get", "list"])
def test_methods_of_a_cache_are_those_of_the_other_one(name):
    function, other = getattr(aio.Cache, name), getattr(gr.Cache, name)
    assert inspect.iscoroutinefunction(function) == (name not in {"get", "list"})
    ours, theirs = (inspect.signature(found).parameters.values() for found in (function, other))
    assert [(p.name, p.kind, p.default) for p in ours] == [(p.name, p.kind, p.default) for p in theirs]


@pytest.mark.parametrize(("ours", "theirs"), [(aio.Reconciler, gr.Reconciler), (aio.Cache, gr.Cache)])
def test_constructors_have_the_same_keywords_and_threads(ours, theirs):
    more = dict(inspect.signature(ours).parameters)
    threads = more.pop("threads")
    assert (threads.kind, threads.default) == (inspect.Parameter.KEYWORD_ONLY, 4)
    others = inspect.signature(theirs).parameters
    assert [(p.name, p.kind, p.default) for p in more.values()] == [
        (p.name, p.kind, p.default) for p in others.values()
    ]
    assert inspect.signature(aio.connect).parameters == inspect.signature(gr.connect).parameters


PROGRAM = """
import genreconcile as gr
from genreconcile import aio

async def use() -> None:
    async with aio.Reconciler(await aio.connect(context="a"), threads=2) as reconciler:
        plan: gr.Plan = await reconciler.plan([], delete_from_namespace="shop", delete_selector={"a": "b"})
        result: gr.Result = await reconciler.apply(plan, wait=True)
        waited: tuple[gr.Waited, ...] = await reconciler.wait([], timeout=5)
        rights: frozenset[gr.Right] = await reconciler.rights([], level="read")
        async for event in reconciler.cache.events(replay=True):
            found: gr.CacheEvent = event
        resource: gr.Resource = await reconciler.cache.add("v1/Secret")
        maps: list[gr.Object] = reconciler.cache.list("v1/ConfigMap", selector="a=b")
        await reconciler.reconcile([], delete_slector="a=b")
        await reconciler.reconcile([], fields="subst")
        wrong: gr.Plan = await reconciler.reconcile([])
        (await reconciler.reconcile([])).sumary()
    aio.Reconciler(gr.connect(), on_immutable="recrate")
    aio.Cache("config")
"""


def test_a_strict_type_checker_knows_it(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "use.py").write_text(PROGRAM)
    options = ["--strict", "--follow-imports=silent", "--no-site-packages", "--no-error-summary"]
    command = [sys.executable, "-m", "mypy", *options, "use.py"]
    env = {"MYPYPATH": str(ROOT)}
    found = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False).stdout
    errors = [line.split(":")[1] for line in found.splitlines() if ": error:" in line]
    assert errors == ["15", "16", "17", "18", "19", "20"], found


@pytest.mark.parametrize(
    "keywords",
    [
        {"on_immutable": "recrate"},
        {"namespaces": "shop"},
        {"concurrency": 0},
        {"cache": "none"},
        {"rules": "r.yaml"},
        {"may_write": True},
        {"cluster": "config"},
    ],
)
def test_what_cannot_be_meant_is_refused_as_by_the_other_one(fake, keywords):
    given = {"cluster": fake, **keywords}
    cluster = given.pop("cluster")
    with pytest.raises(gr.InputError) as theirs:
        gr.Reconciler(cluster, **given)

    async def main():
        async with aio.Reconciler(cluster, **given):
            pass

    with pytest.raises(gr.InputError) as ours:
        asyncio.run(main())
    assert ours.value == theirs.value
    with pytest.raises(gr.InputError, match="threads: not usable: 0"):
        aio.Reconciler(fake, threads=0)


def test_results_and_errors_are_those_of_the_other_one(fake):
    async def main():
        async with aio.Reconciler(fake) as reconciler:
            result = await reconciler.reconcile([config("a")])
            assert isinstance(result, gr.Result)
            assert result.summary() == "1 created"
            plan = await reconciler.plan([config("a", k="w")])
            assert (await reconciler.apply(plan)).summary() == "1 configured"
            (waited,) = await reconciler.wait([config("a")])
            assert waited.status.is_current
            assert await reconciler.rights([config("a")], level="read")
            assert reconciler.cache.get(MAP, "a", namespace="default")["data"] == {"k": "w"}
            with pytest.raises(gr.LoadError, match="expected twice"):
                await reconciler.plan([config("a"), config("a")])
            with pytest.raises(gr.InputError, match="did you mean subset"):
                await reconciler.reconcile([], fields="subst")
            delete = {"delete_from_namespace": "default", "delete_selector": LABELS}
            with pytest.raises(gr.PlanRefused) as refused:
                await reconciler.reconcile([], **delete)
            assert refused.value.result.counts["skipped"] == 1
            with pytest.raises(TypeError):
                await reconciler.reconcile([], delete_slector="a=b")

    asyncio.run(main())


# The loop, and the threads.


def test_the_loop_goes_on_while_requests_hang(fake):
    hang = threading.Event()
    cluster = Watched(fake, lambda _: hang.wait(LONG))

    async def main():
        async with aio.Reconciler(cluster) as reconciler:
            task = asyncio.create_task(reconciler.reconcile([config("a")]))
            longest, before = 0.0, time.monotonic()
            while not cluster.writes or time.monotonic() - before < 0.3:
                turn = time.monotonic()
                await asyncio.sleep(0.005)
                longest = max(longest, time.monotonic() - turn)
            assert not task.done()
            hang.set()
            assert (await task).summary() == "1 created"
            return longest

    assert asyncio.run(main()) < 1


def test_nothing_is_done_in_the_loops_thread(fake):
    names = set()

    class Named(Passing):
        def request(self, method, path, **settings):
            names.add(threading.current_thread().name)
            return super().request(method, path, **settings)

    async def main():
        async with aio.Cache(Named(fake), [MAP]) as cache, aio.Reconciler(Named(fake), cache=cache) as reconciler:
            assert reconciler.cache is cache
            await reconciler.reconcile([config("a")])

    asyncio.run(main())
    assert names
    assert threading.main_thread().name not in names
    assert not any(name.startswith("asyncio") for name in names), "the loop's default executor is the program's"


def test_many_at_once_with_as_many_threads_as_are_allowed(fake):
    cluster = Watched(fake, lambda _: time.sleep(0.01))

    async def main():
        async with aio.Reconciler(cluster, threads=3, concurrency=1) as reconciler:
            calls = [reconciler.reconcile([config(f"m{number}")]) for number in range(30)]
            results = await asyncio.gather(*calls)
        assert [result.summary() for result in results] == ["1 created"] * 30

    asyncio.run(main())
    assert cluster.most <= 3
    assert len(fake.find(MAP, namespace="default")) == 30


def test_one_reconciler_for_several_loops(fake):
    reconciler = aio.Reconciler(fake)
    asyncio.run(reconciler.open())
    assert asyncio.run(reconciler.reconcile([config("a")])).summary() == "1 created"
    assert asyncio.run(reconciler.reconcile([config("a")])).summary() == "1 unchanged"
    asyncio.run(reconciler.close())


# Cancellation.

SET = [config(f"m{number:02}") for number in range(14)]
DELETE = {"delete_from_namespace": "default", "delete_selector": LABELS}


def world():
    """7 to create, 7 to patch, 6 to delete."""
    return FakeCluster(
        [*(config(f"m{number:02}", k="old") for number in range(7)), *(config(f"z{number}") for number in range(6))],
        namespace="default",
    )


async def cancelled_at(cluster, reconciler, at, **settings):
    """The writes of a reconcile that is cancelled at its ``at``-th write, when its await has ended."""
    task = None
    cluster.on = cancelling(lambda: task, at, **settings)
    task = asyncio.create_task(reconciler.reconcile(SET, **DELETE))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    ended = list(cluster.requests)
    assert cluster.running == 0
    await asyncio.sleep(0.03)
    assert cluster.requests == ended, "nothing goes on"
    return list(cluster.writes)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("at", range(1, 21))
def test_cancelled_at_each_write(at, concurrency, caplog):
    caplog.set_level(logging.WARNING)
    with world() as fake:
        cluster = Watched(fake)

        async def main():
            async with aio.Reconciler(cluster, concurrency=concurrency) as reconciler:
                writes = await cancelled_at(cluster, reconciler, at, times=1 + at % 3)
                assert at <= len(writes) < at + concurrency, "those that had begun"
                second = await reconciler.reconcile(SET, **DELETE)
                counts = second.counts
                assert counts["failed"] == counts["skipped"] == 0
                assert counts["created"] + counts["configured"] + counts["deleted"] == 20 - len(writes)
                assert (await reconciler.reconcile(SET, **DELETE)).counts["unchanged"] == 14

        asyncio.run(main())
        found = {obj["metadata"]["name"]: obj["data"] for obj in fake.find(MAP, namespace="default")}
        assert found == {f"m{number:02}": {"k": "v"} for number in range(14)}
        assert caplog.records == []


def test_without_the_question_more_would_be_written(monkeypatch):
    """That the test above would fail."""
    monkeypatch.setattr(parts.HeedingCluster, "request", lambda self, *args, **more: self._request(*args, **more))
    with world() as fake:
        cluster = Watched(fake)

        async def main():
            async with aio.Reconciler(cluster, concurrency=1) as reconciler:
                return await cancelled_at(cluster, reconciler, 3)

        assert len(asyncio.run(main())) == 20


@pytest.mark.parametrize("at", [1, 5])
def test_a_write_whose_connection_was_still_opening_is_not_sent(at):
    with world() as fake:
        cluster = Permitted(fake)

        async def main():
            async with aio.Reconciler(cluster, concurrency=1) as reconciler:
                task = None
                cluster.on = cancelling(lambda: task, at)
                task = asyncio.create_task(reconciler.reconcile(SET, **DELETE))
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert len(cluster.sent) == at - 1

        asyncio.run(main())


def test_the_users_question_is_asked_last_and_as_before(fake):
    asked = []

    async def main():
        def may_write():
            asked.append(threading.current_thread().name)
            return len(asked) <= 2

        async with aio.Reconciler(Permitted(fake), may_write=may_write, concurrency=1) as reconciler:
            result = await reconciler.reconcile(SET)
        assert (result.counts["created"], result.counts["failed"]) == (2, 12)
        assert {type(outcome.error) for outcome in result.failures} == {gr.NotLeading}

    asyncio.run(main())
    assert len(asked) == 14


def immutable(**data):
    return {**config("fixed", **data), "immutable": True}


def test_an_object_that_was_deleted_to_be_created_again_is_created(fake):
    others = [config(f"m{number}") for number in range(3)]
    fake.create(immutable(k="old"))

    async def main():
        cluster = Watched(fake)
        async with aio.Reconciler(cluster, on_immutable="recreate", concurrency=1) as reconciler:
            task = None
            # The refused patch, the deletion, the creation.
            cluster.on = cancelling(lambda: task, 2)
            task = asyncio.create_task(reconciler.reconcile([immutable(k="new"), *others]))
            with pytest.raises(asyncio.CancelledError):
                await task
            assert [method for method, _ in cluster.writes] == ["PATCH", "DELETE", "POST"]
            assert fake.get(MAP, "fixed", namespace="default")["data"] == {"k": "new"}
            assert (await reconciler.reconcile([immutable(k="new"), *others])).summary() == "3 created, 1 unchanged"

    asyncio.run(main())


def test_a_recreation_that_has_not_deleted_yet_does_not(fake):
    fake.create(immutable(k="old"))

    async def main():
        cluster = Watched(fake)
        async with aio.Reconciler(cluster, on_immutable="recreate") as reconciler:
            task = None
            cluster.on = cancelling(lambda: task, 1)
            task = asyncio.create_task(reconciler.reconcile([immutable(k="new")]))
            with pytest.raises(asyncio.CancelledError):
                await task
            assert [method for method, _ in cluster.writes] == ["PATCH"]

    asyncio.run(main())
    assert fake.get(MAP, "fixed", namespace="default")["data"] == {"k": "old"}


def test_another_call_is_not_cancelled(fake):
    async def main():
        cluster = Watched(fake)
        async with aio.Reconciler(cluster) as reconciler:
            task = None
            cluster.on = cancelling(lambda: task, 1)
            task = asyncio.create_task(reconciler.reconcile([config("a"), config("b")]))
            other = asyncio.create_task(reconciler.reconcile([config("c"), config("d")]))
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await other).summary() == "2 created"

    asyncio.run(main())


def test_a_time_limit(fake):
    async def main():
        hang = threading.Event()
        cluster = Watched(fake, lambda _: hang.wait(LONG))
        async with aio.Reconciler(cluster, concurrency=1) as reconciler:
            asyncio.get_running_loop().call_later(0.3, hang.set)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await reconciler.reconcile(SET)
            assert hang.is_set(), "the write that had begun has ended"
            assert len(cluster.writes) == 1
            with pytest.raises(TimeoutError):  # The older way.
                await asyncio.wait_for(reconciler.wait([config("none")], timeout=LONG), 0.05)
            assert asyncio.current_task().cancelling() == 0

    asyncio.run(main())


def test_cancelled_while_it_waits_for_a_thread_it_does_nothing(fake):
    async def main():
        cluster, begun, hang = hanging(fake)
        async with aio.Reconciler(cluster, threads=1) as reconciler:
            first = asyncio.create_task(reconciler.reconcile([config("a")]))
            await begun.wait()
            read = []
            second = asyncio.create_task(reconciler.reconcile(read.append(obj) or obj for obj in [config("b")]))
            await asyncio.sleep(0.02)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            assert not first.done()
            hang.set()
            assert (await first).summary() == "1 created"
            assert read == []
        assert cluster.writes == [("POST", "/api/v1/namespaces/default/configmaps")]

    asyncio.run(main())


async def soon_cancelled(coroutine, after):
    """The seconds until a call ended that was cancelled once ``after`` was true."""
    task = asyncio.create_task(coroutine)
    await asyncio.to_thread(eventually, after)
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - started


@pytest.mark.parametrize("is_own", [True, False])
def test_a_wait_for_objects_ends_at_once(fake, is_own):
    async def main():
        with contextlib.nullcontext() if is_own else gr.Cache(fake) as cache:
            async with aio.Reconciler(fake, cache=cache) as reconciler:
                await reconciler.reconcile([config("a")])
                subscribers = reconciler.cache.sync._subscribers._of_states
                before = len(subscribers.now)
                waiting = reconciler.wait([config("none")], timeout=600)
                assert await soon_cancelled(waiting, lambda: len(subscribers.now) > before) < 10
                assert len(subscribers.now) == before

    asyncio.run(main())


class Silent(Passing):
    """Lists of ConfigMaps get no answer until ``answered``."""

    def __init__(self, cluster):
        super().__init__(cluster)
        self.asked = threading.Event()
        self.answered = threading.Event()

    def request(self, method, path, **settings):
        if method == "GET" and path == "/api/v1/configmaps":
            self.asked.set()
            self.answered.wait(LONG)
        return super().request(method, path, **settings)


def test_a_wait_for_the_first_list_ends_at_once(fake):
    async def main():
        cluster = Silent(fake)
        async with aio.Reconciler(cluster, sync_timeout=600) as reconciler:
            assert await soon_cancelled(reconciler.reconcile([config("a")]), cluster.asked.is_set) < 10
            assert await soon_cancelled(reconciler.plan([config("a")]), cluster.asked.is_set) < 10
            cluster.answered.set()
            assert (await reconciler.reconcile([config("a")])).summary() == "1 created"
        cluster = Silent(fake)
        async with aio.Cache(cluster, [MAP]) as cache:
            assert await soon_cancelled(cache.wait_for_sync(timeout=600), cluster.asked.is_set) < 10
            assert await soon_cancelled(cache.relist(MAP, timeout=600), cluster.asked.is_set) < 10
            cluster.answered.set()
            await cache.wait_for_sync()
            assert await cache.relist(MAP)

    asyncio.run(main())


class Hanging(Passing):
    """The kinds are asked for, and no answer comes; as a real cluster, it lets the request be ended."""

    def __init__(self, cluster):
        super().__init__(cluster)
        self.asked = threading.Event()

    def request(self, method, path, **settings):
        if path != "/apis" or self.asked.is_set():
            return super().request(method, path, **settings)
        ended = threading.Event()
        Interrupt.current().register(ended.set)
        self.asked.set()
        assert ended.wait(LONG)
        raise Unreachable("the connection ended")


def test_a_read_that_gets_no_answer_is_cut(fake):
    async def main():
        cluster = Hanging(fake)
        async with aio.Reconciler(cluster) as reconciler:
            assert await soon_cancelled(reconciler.plan([config("a")]), cluster.asked.is_set) < 10
            assert (await reconciler.reconcile([config("a")])).summary() == "1 created"

    asyncio.run(main())


def test_context_variables_of_the_caller_are_those_of_the_thread(fake):
    name = contextvars.ContextVar("name", default="")

    async def main():
        async with aio.Reconciler(fake) as reconciler:
            name.set("mine")
            read = []
            await reconciler.plan(read.append(name.get()) or obj for obj in [config("a")])
            assert read == ["mine"]

    asyncio.run(main())


# Opening and closing.


def test_close_cancels_what_runs_and_waits_for_it(fake):
    async def main():
        cluster, begun, hang = hanging(fake)
        async with aio.Reconciler(cluster, threads=2, concurrency=1) as reconciler:
            first = asyncio.create_task(reconciler.reconcile(SET))
            await begun.wait()
            second = asyncio.create_task(reconciler.wait([config("none")], timeout=600))
            third = asyncio.create_task(reconciler.plan(SET))
            await asyncio.sleep(0.05)
            asyncio.get_running_loop().call_later(0.1, hang.set)
        assert len(cluster.writes) == 1
        assert (await first).counts["created"] == 1
        assert (await first).counts["failed"] == 13
        for task in (second, third):
            with pytest.raises(gr.CacheError, match="the Reconciler: not usable any more: it was closed"):
                await task
        with pytest.raises(gr.CacheError, match="it was closed; make a new one"):
            await reconciler.reconcile([])
        with pytest.raises(gr.CacheError, match="it was closed; make a new one"):
            await reconciler.open()
        await reconciler.close()

    asyncio.run(main())


def test_nothing_is_left_of_it(fake):
    before = set(threading.enumerate())

    async def main():
        async with aio.Reconciler(fake) as reconciler:
            await reconciler.reconcile([config("a")])
        never = aio.Reconciler(fake)
        with pytest.raises(gr.CacheError, match="not open"):
            await never.plan([])
        with pytest.raises(gr.CacheError, match="not open"):
            _ = never.cache
        assert repr(never) == "<aio Reconciler, not open>"
        await never.close()
        cut, cancelled = aio.Reconciler(fake), threading.Event()
        opens, cut._open = cut._open, lambda: cancelled.wait(45) and opens()
        opening = asyncio.create_task(cut.open())
        await asyncio.sleep(0)
        opening.cancel()
        cancelled.set()
        with pytest.raises(asyncio.CancelledError):
            await opening
        with pytest.raises(gr.CacheError, match="it was closed"):
            await cut.plan([])

    asyncio.run(main())
    eventually(lambda: set(threading.enumerate()) <= before)


def test_a_cache_that_was_handed_in_stays_open(fake):
    async def main():
        async with aio.Cache(fake, [MAP]) as cache:
            async with aio.Reconciler(fake, cache=cache) as one, aio.Reconciler(fake, cache=cache) as other:
                await one.reconcile([config("a")])
                assert (await other.reconcile([config("a")])).summary() == "1 unchanged"
            assert await cache.relist(MAP)
            assert [obj["metadata"]["name"] for obj in cache.list(MAP, namespace="default")] == ["a"]
        with pytest.raises(gr.CacheError, match="not usable any more"):
            await cache.add("v1/Secret")
        assert cache.get(MAP, "a", namespace="default"), "what is in memory stays readable"

    asyncio.run(main())


def test_a_cache_whose_kinds_the_server_lacks(fake):
    async def main():
        async with aio.Cache(fake, ["example.com/v1/Nothing"]):
            pass

    before = set(threading.enumerate())
    with pytest.raises(gr.CacheError, match="the server has no such kind"):
        asyncio.run(main())
    eventually(lambda: set(threading.enumerate()) <= before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_in_a_forked_process_it_says_so(fake):
    reconciler, cache = aio.Reconciler(fake), aio.Cache(fake, [MAP])

    async def use():
        told = []
        for call in (reconciler.reconcile([]), cache.relist(MAP)):
            try:
                await asyncio.wait_for(call, 20)
            except gr.CacheError as error:
                told.append(str(error))
        await reconciler.close()
        await cache.close()
        return told

    asyncio.run(reconciler.open())
    asyncio.run(cache.open())
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, json.dumps(asyncio.run(use())).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = json.loads(pipe.read())
    os.waitpid(child, 0)
    assert [text.partition(":")[0] for text in told] == ["the Reconciler", "the cache"]
    assert all("it was made before the fork" in text for text in told)
    assert asyncio.run(reconciler.reconcile([config("a")])).summary() == "1 created"
    asyncio.run(reconciler.close())
    asyncio.run(cache.close())


# Events.


async def opened(fake, stack, **settings):
    cache = await stack.enter_async_context(aio.Cache(fake, [MAP], **settings))
    await cache.wait_for_sync()
    return cache


def with_cache(fake, use, **settings):
    async def main():
        async with contextlib.AsyncExitStack() as stack, asyncio.timeout(LONG):
            await use(await opened(fake, stack, **settings))

    asyncio.run(main())


async def taken(events, number):
    return [(event.type, event.key.name, event.is_replayed) for _ in range(number) for event in [await anext(events)]]


def subscriptions(cache):
    subscribers = cache.sync._subscribers
    return len(subscribers._callbacks.now) + len(subscribers._of_states.now)


def test_events_in_order_with_what_is_known_first(fake):
    for name in "ab":
        fake.create(config(name))

    async def use(cache):
        later, known = cache.events(), cache.events(replay=True)
        fake.create(config("c"))
        fake.patch(MAP, "c", {"op": "add", "path": "/data/x", "value": "y"}, namespace="default")
        fake.delete(MAP, "a", namespace="default")
        changes = [("ADDED", "c", False), ("MODIFIED", "c", False), ("DELETED", "a", False)]
        assert await taken(later, 3) == changes
        assert sorted(await taken(known, 2)) == [("ADDED", "b", True), ("ADDED", "c", True)]
        fake.create(config("d"))
        assert await taken(known, 1) == await taken(later, 1) == [("ADDED", "d", False)]

    with_cache(fake, use)


def test_events_come_to_who_waits_for_them(fake):
    async def use(cache):
        found = []

        async def consume():
            async for event in cache.events():
                found.append(event.key.name)
                if len(found) == 50:
                    break

        before = subscriptions(cache)
        task = asyncio.create_task(consume())
        for number in range(50):
            await asyncio.sleep(0 if number % 3 else 0.002)
            fake.create(config(f"m{number:02}"))
        await task
        assert found == [f"m{number:02}" for number in range(50)]
        assert subscriptions(cache) == before, "break has ended it"

    with_cache(fake, use)


def test_a_consumer_that_is_too_slow_is_told_where_the_gap_is(fake):
    for number in range(20):
        fake.create(config(f"known{number}"))

    async def use(cache):
        before = subscriptions(cache)
        slow, replaying = cache.events(most=5), cache.events(replay=True, most=5)
        await taken(replaying, 1)
        for number in range(8):
            fake.create(config(f"m{number}"))
        await asyncio.to_thread(eventually, lambda: cache.sync.count(MAP) == 28)
        cache.sync.flush()
        assert [name for _, name, _ in await taken(slow, 2)] == ["m0", "m1"]
        fake.create(config("later"))
        await asyncio.to_thread(eventually, lambda: cache.sync.count(MAP) == 29)
        cache.sync.flush()
        assert [name for _, name, _ in await taken(slow, 3)] == ["m2", "m3", "m4"], "and not the one after the gap"
        with pytest.raises(aio.EventsLost, match="more than 5 came before they were taken; take them faster"):
            await anext(slow)
        with pytest.raises(StopAsyncIteration):
            await anext(slow)
        await taken(replaying, 19 + 6)  # One more, for the one that was taken.
        with pytest.raises(aio.EventsLost):
            await anext(replaying)
        assert subscriptions(cache) == before
        assert issubclass(aio.EventsLost, gr.CacheError)

    with_cache(fake, use)


def test_closing_or_dropping_ends_the_subscription(fake):
    async def use(cache):
        before = subscriptions(cache)
        closed, dropped, waiting = cache.events(), cache.events(replay=True), cache.events()
        task = asyncio.create_task(anext(waiting, None))
        cancelled = asyncio.create_task(anext(dropped))
        await asyncio.to_thread(eventually, lambda: subscriptions(cache) == before + 6)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        await closed.aclose()
        await closed.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(closed)
        await waiting.aclose()
        assert await task is None
        del dropped, cancelled
        gc.collect()
        assert subscriptions(cache) == before

    with_cache(fake, use)


def test_when_the_cache_is_closed_so_are_its_events(fake, monkeypatch):
    monkeypatch.setattr(events_module, "_LOOK_AGAIN", 600)

    async def main():
        async with aio.Cache(fake, [MAP]) as cache:
            task = asyncio.create_task(anext(cache.events()))
            await asyncio.sleep(0.02)
        with pytest.raises(gr.CacheError, match="it was stopped"):
            await asyncio.wait_for(task, LONG)
        with pytest.raises(gr.CacheError, match="it was stopped"):
            cache.events()
        with pytest.raises(gr.InputError, match="most: not usable"):
            cache.events(most=0)

    asyncio.run(main())


def test_many_events_do_not_hold_the_loop(fake):
    for number in range(400):
        fake.create(config(f"m{number}"))

    async def use(cache):
        turns = 0

        async def tick():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        events = cache.events(replay=True)
        await anext(events)
        before = turns
        await taken(events, 399)
        assert turns - before >= 3
        ticking.cancel()

    with_cache(fake, use)


# The page, and the example.


def test_connecting_ends_in_the_error_of_the_other_one(tmp_path):
    with pytest.raises(Unreachable):
        asyncio.run(aio.connect(kubeconfig=tmp_path / "none"))


def test_the_example_for_kopf(fake, monkeypatch):
    spec = importlib.util.spec_from_file_location("kopf_aio", ROOT / "examples/kopf_aio.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    parent = fake.create(config("one"))
    is_down = []

    async def connect():
        return Watched(fake, lambda _: (_ for _ in ()).throw(Unreachable("no answer")) if is_down else None)

    monkeypatch.setattr(aio, "connect", connect)

    async def main():
        memo = kopf.Memo()
        await example.start(memo=memo)
        is_down.append(True)
        with pytest.raises(kopf.TemporaryError) as caught:
            await example.keep(body=kopf.Body(parent), memo=memo)
        assert caught.value.delay == 5
        is_down.clear()
        await example.keep(body=kopf.Body(parent), memo=memo)
        await example.end(memo=memo)

    asyncio.run(main())
    copy = fake.get(MAP, "one-copy", namespace="default")
    assert copy["data"] == {"k": "v"}
    assert copy["metadata"]["ownerReferences"][0]["uid"] == parent["metadata"]["uid"]
