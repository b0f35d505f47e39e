"""Start and stop under load: no thread is left, nobody waits for ever, and it is over in time."""

import faulthandler
import threading
import time

import pytest

from genreconcile.cache import Cache
from genreconcile.cache.pace import Pace
from genreconcile.cluster import Interrupt
from genreconcile.errors import CacheError, NotSynced
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK
from support.api.script import LiveWatch
from support.api.scripted import VERBS, ScriptedCluster, obj, page, status
from support.eventually import eventually

MANY = 200
STOP_WITHIN = 2.0 + 13.0  # What stop() promises, and what a busy machine takes to run 200 threads.


def kind(number):
    return Resource(GVK("example.com", "v1", f"Kind{number}"), f"kinds{number}", namespaced=True, verbs=VERBS)


KINDS = [kind(number) for number in range(MANY)]


def threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("genreconcile")]


@pytest.fixture(autouse=True)
def _no_deadlock():
    faulthandler.dump_traceback_later(60)
    yield
    faulthandler.cancel_dump_traceback_later()
    eventually(lambda: threads() == [], threads, pause=0.01)


@pytest.fixture
def server():
    scripted = ScriptedCluster()
    for resource in KINDS:
        scripted.answer(resource.path(), page(5, obj("a", 3)))
    return scripted


def watches(server, resources):
    return [server.live(resource.path()) for resource in resources]


def timed_stop(cache):
    started = time.monotonic()
    cache.stop()
    return time.monotonic() - started


def test_200_kinds_stop_in_time(server):
    opened = watches(server, KINDS)
    cache = Cache(server, KINDS)
    cache.start()
    cache.wait_for_sync(timeout=30)
    assert all(watch.opened.wait(45) for watch in opened)
    assert len(threads()) == MANY
    assert timed_stop(cache) < STOP_WITHIN
    assert threads() == []
    assert cache.get(KINDS[7], "a", namespace="shop"), "what is cached stays readable"


class Silent(ScriptedCluster):
    """Lists are accepted and never answered, until somebody ends them."""

    def request(self, method, path, **_):
        ended = threading.Event()
        interrupt = Interrupt.current()
        if interrupt is not None:
            interrupt.register(ended.set)
        self.requests.append((method, path))
        assert ended.wait(60), "nobody ended it"
        raise status(500)


def test_200_kinds_stop_in_time_while_their_lists_travel():
    server = Silent()
    cache = Cache(server, KINDS)
    cache.start()
    eventually(lambda: len(server.requests) >= MANY, pause=0.01)
    with pytest.raises(NotSynced):
        cache.wait_for_sync(timeout=0.01)
    assert timed_stop(cache) < STOP_WITHIN


def test_100_cycles_leave_no_thread(server):
    before = threading.active_count()
    for number in range(100):
        resource = KINDS[number % 3]
        server.watch(resource.path(), LiveWatch())
        cache = Cache(server, [resource])
        cache.start()
        if number % 2:
            cache.wait_for_sync(timeout=45)
        cache.stop()
    assert threads() == []
    assert threading.active_count() <= before


def test_kinds_are_added_while_others_sync_and_the_cache_stops(server):
    """Threads add, upgrade, list anew and remove, and one stops: each call ends, by its result or by a CacheError."""
    for _ in range(20):
        cache = Cache(server, KINDS[:5], pace=Pace(first_backoff=0.001))
        faults = []

        def work(number, cache=cache, faults=faults):
            for step in range(10):
                resource = KINDS[(number * 3 + step) % 20]
                try:
                    cache.add(resource, metadata_only=step % 2 == 0)
                    cache.relist(resource, 0.001)
                    cache.list(resource)
                    cache.remove(resource)
                except CacheError:
                    pass
                except Exception as error:  # noqa: BLE001 - it is asserted below
                    faults.append(error)

        before = len(server.requests)
        cache.start()
        workers = [threading.Thread(target=work, args=(number,), name=f"worker {number}") for number in range(6)]
        for worker in workers:
            worker.start()
        eventually(lambda before=before: len(server.requests) != before, pause=0.001)
        assert timed_stop(cache) < STOP_WITHIN
        for worker in workers:
            worker.join(20)
            assert not worker.is_alive()
        assert faults == []
        assert threads() == [], "what was added after the stop was not started"
