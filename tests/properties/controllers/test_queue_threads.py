"""The queue among real threads: no key in two workers, no event lost, nobody left waiting, also where it is closed."""

import random
import sys
import threading
import time

import pytest

from genreconcile.controllers.entry import Priority
from genreconcile.controllers.queue import Queue
from support.eventually import eventually


class World:
    """Adders raise the version of a key, and tell the queue; workers note the version that they see."""

    def __init__(self, keys, **options):
        self.queue = Queue(**options)
        self.versions, self.told, self.seen = [0] * keys, [0] * keys, [0] * keys
        self.in_work = [threading.Lock() for _ in range(keys)]
        self.broken = []

    def change(self, key, priority=Priority.NORMAL, after=0.0):
        self.versions[key] += 1  # Each key has one adder.
        self.queue.add(key, priority, after)
        if not self.queue.is_closed:
            self.told[key] = self.versions[key]

    def work(self, fails=lambda _: False):
        while (key := self.queue.get()) is not None:
            if not self.in_work[key].acquire(blocking=False):
                self.broken.append(key)
                continue
            version = self.versions[key]
            time.sleep(0)  # Others come in between.
            if fails(key):
                self.queue.retry(key)
            else:
                self.queue.forget(key)
                self.seen[key] = version
            self.in_work[key].release()
            self.queue.done(key)

    def unseen(self):
        return {key for key, version in enumerate(self.versions) if self.seen[key] < version}


def start(*works):
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    return threads


def join(threads):
    for thread in threads:
        thread.join()


@pytest.fixture(autouse=True)
def _often():
    """Threads take turns in the midst of everything."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def adder(world, number, adders, rounds, closes=None):
    chance = random.Random(number)  # noqa: S311 - the same in each run
    own = range(number, len(world.versions), adders)

    def add():
        for step in range(rounds):
            if step == closes:
                world.queue.close()
            world.change(chance.choice(own), chance.choice(list(Priority)), chance.choice([0.0, 0.0, 0.001, 0.01]))

    return add


@pytest.mark.parametrize("keys", [4, 400])
@pytest.mark.parametrize("interval", [0.0, 0.002])
def test_no_key_is_in_two_workers_and_no_event_is_lost(keys, interval):
    world = World(keys, min_interval=interval, retry_rate=1e6)
    chance = random.Random(1)  # noqa: S311 - the same in each run
    workers = start(*[lambda: world.work(lambda _: chance.random() < 0.02)] * 6)
    join(start(*(adder(world, number, 3, 1000) for number in range(3))))
    eventually(lambda: not world.unseen(), world.unseen)
    eventually(lambda: len(world.queue) == 0)
    world.queue.close()
    join(workers)
    assert world.broken == []
    assert world.queue.measures().running == {}


@pytest.mark.parametrize("step", [0, 1, 2, 3, 5, 8, 50, 100, 200, 300, 400, 499])
def test_a_stop_at_any_step_ends_all_and_loses_nothing(step):
    world = World(20, min_interval=0.0005)
    workers = start(*[world.work] * 4)
    join(start(adder(world, 0, 2, 500, closes=step), adder(world, 1, 2, 500)))
    join(workers)
    assert world.broken == []
    assert world.queue.get() is None
    assert world.queue.measures().running == {}
    unseen = {key for key, version in enumerate(world.told) if world.seen[key] < version}
    assert unseen <= set(world.queue._entries), "who was told of, and not run, is still in the queue"


def test_workers_that_come_and_go_leave_nobody_waiting():
    """Each get has a time-out of its own, so that whoever waits for the next time often gives up."""
    world = World(8, min_interval=0.001)
    stop = threading.Event()

    def come_and_go():
        while not stop.is_set():
            if (key := world.queue.get(0.0005)) is not None:
                world.seen[key] = world.versions[key]
                world.queue.done(key)

    patient = start(world.work)
    others = start(*[come_and_go] * 4)
    join(start(*(adder(world, number, 2, 500) for number in range(2))))
    stop.set()
    join(others)
    eventually(lambda: not world.unseen(), world.unseen)
    world.queue.close()
    join(patient)


def test_a_hundred_thousand_keys():
    """The initial list at low priority and events among it, from 4 threads to 8 workers."""
    keys, adders = 100_000, 4
    world = World(keys)

    def list_all(number):
        def add():
            for key in range(number, keys, adders):
                world.change(key, Priority.LOW)
                if key % 10 == 0:
                    world.change(key)

        return add

    sys.setswitchinterval(0.005)
    threads = start(*map(list_all, range(adders)), *[world.work] * 8)
    eventually(lambda: not world.unseen() and len(world.queue) == 0)
    found = world.queue.measures()
    world.queue.close()
    join(threads)
    assert world.broken == []
    assert keys <= found.gets <= keys * 1.1
    assert (found.depth, found.adds, found.running) == (0, found.gets, {})
    assert world.queue._schedule.items == 0
