"""The queue under a virtual clock: each sentence of its contract."""

import itertools
import math
import random
import signal
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.controllers.backoff import Backoff
from genreconcile.controllers.entry import Priority
from genreconcile.controllers.queue import Queue
from genreconcile.controllers.steady import Steady
from genreconcile.errors import InputError
from support.eventually import eventually

LOW, NORMAL = Priority.LOW, Priority.NORMAL
RISE = 60.0


class Clock:
    def __init__(self, now=1000.0):
        self.now = now

    def __call__(self):
        return self.now


class Driven:
    """A queue, its clock, and what a worker would do."""

    def __init__(self, **options):
        self.clock = Clock()
        self.queue = Queue(**{"clock": self.clock, "random": lambda: 0.0, "min_interval": 0.0, **options})

    def give(self):
        return self.queue.get(timeout=0)

    def run(self):
        """The next key that may run now, run at once."""
        if (key := self.give()) is not None:
            self.queue.done(key)
        return key

    def run_all(self):
        return list(iter(self.run, None))

    def advance(self, seconds):
        """Run what becomes due within these seconds; pairs of the time from now, and the key."""
        began, until, found = self.clock.now, self.clock.now + seconds, []
        while (at := self.queue.next_time()) is not None and at <= until:
            self.clock.now = max(at, self.clock.now)
            found += [(round(self.clock.now - began, 6), key) for key in self.run_all()]
        self.clock.now = until
        return found


def test_a_key_has_one_entry_however_often_it_is_added():
    driven = Driven()
    for key in "aabab":
        driven.queue.add(key)
    assert len(driven.queue) == 2
    assert driven.run_all() == ["a", "b"]


def test_keys_of_one_priority_come_in_the_order_in_which_they_were_due():
    driven = Driven()
    driven.queue.add("late", after=2)
    driven.queue.add("first")
    driven.queue.add("soon", after=1)
    driven.queue.add("second")
    driven.clock.now += 3
    driven.queue.add("last")
    assert driven.run_all() == ["first", "second", "soon", "late", "last"]


def test_the_highest_priority_wins():
    driven = Driven()
    for key in "abc":
        driven.queue.add(key, LOW)
    driven.queue.add("n")
    driven.queue.add("c", NORMAL)
    driven.queue.add("c", LOW)
    assert driven.run_all() == ["n", "c", "a", "b"]


def test_a_key_that_is_raised_stands_behind_those_that_were_normal_before():
    driven = Driven()
    driven.queue.add("raised", LOW)
    driven.clock.now += 1
    driven.queue.add("before")
    driven.clock.now += 1
    driven.queue.add("raised")
    driven.queue.add("after")
    assert driven.run_all() == ["before", "raised", "after"]


def test_the_earliest_time_wins():
    driven = Driven()
    driven.queue.add("a", after=5)
    driven.queue.add("a", after=2)
    driven.queue.add("a", after=9)
    assert driven.advance(100) == [(2, "a")]


def test_an_entry_takes_the_priority_of_one_and_the_time_of_another():
    driven = Driven()
    driven.queue.add("both", LOW)
    driven.queue.add("low", LOW)
    driven.queue.add("both", NORMAL, after=50)
    assert driven.run_all() == ["both", "low"]


def test_a_key_in_work_is_not_given_twice_and_runs_again_for_what_arrived():
    driven = Driven()
    driven.queue.add("a")
    assert driven.give() == "a"
    driven.queue.add("a")
    driven.queue.add("a", after=3)
    assert (driven.give(), len(driven.queue), driven.queue.next_time()) == (None, 1, None)
    driven.queue.done("a")
    assert driven.run_all() == ["a"]
    assert (driven.run_all(), len(driven.queue)) == ([], 0)


def test_what_arrived_in_work_has_its_highest_priority_and_earliest_time():
    driven = Driven()
    driven.queue.add("a")
    driven.give()
    driven.queue.add("a", NORMAL, after=9)
    driven.queue.add("a", LOW, after=2)
    driven.queue.done("a")
    driven.queue.add("low", LOW, after=2)
    assert driven.queue.next_time() == driven.clock.now + 2
    driven.clock.now += 2
    assert driven.run_all() == ["a", "low"]


def test_low_priority_rises_after_a_minute():
    driven = Driven()
    driven.queue.add("low", LOW)
    driven.clock.now += RISE - 1
    driven.queue.add("before the rise")
    driven.clock.now += 2
    driven.queue.add("after the rise")
    assert driven.run_all() == ["before the rise", "low", "after the rise"]


def test_low_priority_does_not_starve_beside_a_flood():
    """A worker that never catches up: two events come in the time of one run."""
    driven = Driven()
    driven.queue.add("low", LOW)
    ran = []
    for number in range(200):
        driven.queue.add(f"{number}a")
        driven.queue.add(f"{number}b")
        ran.append(driven.run())
        driven.clock.now += 1
    assert ran.index("low") == 2 * RISE


def test_the_minute_counts_from_when_the_key_was_due():
    driven = Driven()
    driven.queue.add("low", LOW, after=100)
    driven.clock.now += 150
    driven.queue.add("normal")
    assert driven.run_all() == ["normal", "low"]


def test_a_key_that_is_added_again_and_again_keeps_its_place():
    driven = Driven()
    driven.queue.add("low", LOW)
    for _ in range(int(RISE)):
        driven.clock.now += 1
        driven.queue.add("low", LOW)
    driven.clock.now += 1
    driven.queue.add("normal")
    assert driven.run_all() == ["low", "normal"]


def test_the_leading_edge_runs_at_once_and_the_last_event_is_not_lost():
    driven = Driven(min_interval=1.0)
    driven.queue.add("a")
    assert driven.run_all() == ["a"]
    for _ in range(3):
        driven.clock.now += 0.25
        driven.queue.add("a")
    assert driven.run_all() == []
    assert driven.advance(10) == [(0.25, "a")]


def test_a_key_runs_at_most_once_in_its_interval():
    driven = Driven(min_interval=1.0)
    starts = []
    for _ in range(1000):
        driven.queue.add("a")
        starts += [driven.clock.now for _ in driven.run_all()]
        driven.clock.now += 0.015625
    assert min(later - earlier for earlier, later in itertools.pairwise(starts)) == 1.0
    assert len(starts) == math.ceil(1000 * 0.015625)


def test_the_interval_counts_from_the_start_of_a_run():
    driven = Driven(min_interval=1.0)
    driven.queue.add("a")
    driven.give()
    driven.clock.now += 5
    driven.queue.add("a")
    driven.queue.done("a")
    assert driven.run_all() == ["a"]


def test_other_keys_do_not_wait_for_the_interval_of_one():
    driven = Driven(min_interval=1.0)
    driven.queue.add("a")
    driven.run_all()
    driven.queue.add("a")
    driven.queue.add("b")
    assert driven.run_all() == ["b"]


def test_intervals_that_have_passed_are_forgotten():
    driven = Driven(min_interval=1.0)
    for number in range(100):
        driven.queue.add(number)
    driven.run_all()
    assert len(driven.queue._floors) == 100
    driven.clock.now += 1
    assert driven.queue.next_time() is None
    assert len(driven.queue._floors) == 0


def failing(driven, key="a"):
    assert driven.give() == key
    driven.queue.retry(key)
    driven.queue.done(key)
    return round(driven.queue.next_time() - driven.clock.now, 6)


def test_failures_back_off_from_0_2_seconds_to_5_minutes():
    driven, delays = Driven(), []
    driven.queue.add("a")
    for _ in range(14):
        delays.append(failing(driven))
        driven.clock.now = driven.queue.next_time()
    assert delays == [*(round(0.2 * 2**step, 6) for step in range(10)), 150, 150, 150, 150]
    longest = Backoff(lambda: 1.0)
    assert [longest.delay("a") for _ in range(5)] == [0.4, 0.8, 1.6, 3.2, 6.4]
    assert max(longest.delay("a") for _ in range(3000)) == 300


def test_back_off_has_jitter():
    numbers = iter([0.0, 0.25, 1.0])
    backoff = Backoff(lambda: next(numbers))
    assert [backoff.delay(key) for key in "abc"] == [0.2, 0.25, 0.4]


def test_forget_begins_the_back_off_anew():
    driven = Driven()
    driven.queue.add("a")
    failing(driven)
    driven.clock.now += 1
    assert failing(driven) == 0.4
    assert driven.queue.failures("a") == 2
    driven.queue.forget("a")
    driven.clock.now += 1
    assert failing(driven) == 0.2


def test_forget_takes_nothing_out():
    driven = Driven()
    driven.queue.add("a")
    driven.queue.forget("a")
    assert driven.run_all() == ["a"]


def test_an_event_runs_a_key_that_backs_off_at_once_and_failures_count_on():
    driven = Driven()
    driven.queue.add("a")
    for _ in range(8):
        failing(driven)
        driven.clock.now = driven.queue.next_time()
    assert failing(driven) == 51.2
    driven.queue.add("a")
    assert failing(driven) == 102.4
    assert driven.advance(1000) == [(102.4, "a")], "one run for both"


def test_an_event_does_not_cut_the_interval_of_a_failing_key_short():
    driven = Driven(min_interval=1.0)
    driven.queue.add("a")
    assert failing(driven) == 1
    driven.queue.add("a")
    assert driven.advance(10) == [(1, "a")]


def test_an_event_that_came_while_the_key_failed_is_not_lost_to_the_back_off():
    driven = Driven()
    driven.queue.add("a")
    driven.give()
    driven.queue.add("a")
    driven.queue.retry("a", after=100)
    driven.queue.done("a")
    assert driven.run_all() == ["a"]


def test_an_explicit_time_holds_and_an_event_makes_it_earlier():
    driven = Driven()
    driven.queue.retry("a", after=30)
    driven.queue.retry("b", after=30)
    driven.queue.add("b", after=10)
    assert driven.advance(100) == [(10, "b"), (30, "a")]


def test_an_explicit_time_is_no_failure():
    driven = Driven(retry_burst=1, retry_rate=0.001)
    for key in "abc":
        driven.queue.retry(key, after=1)
        assert driven.queue.failures(key) == 0
    assert driven.advance(1) == [(1, "a"), (1, "b"), (1, "c")]


def test_what_is_held_does_not_run_before_whatever_arrives():
    driven = Driven()
    driven.queue.add("a")
    driven.give()
    driven.queue.add("a")
    driven.queue.retry("a", after=300, hold=True)
    driven.queue.add("a")
    driven.queue.done("a")
    driven.queue.add("a")
    driven.queue.retry("a", after=3)
    assert driven.advance(1000) == [(300, "a")]
    driven.queue.add("a")
    assert driven.run_all() == ["a"], "the hold is over"
    assert len(driven.queue._floors) == 0


def test_a_hold_lasts_longer_than_the_interval():
    driven = Driven(min_interval=1.0)
    driven.queue.add("a")
    driven.give()
    driven.queue.retry("a", after=300, hold=True)
    driven.queue.done("a")
    driven.clock.now += 2
    driven.queue.add("a")
    assert driven.advance(1000) == [(298, "a")]


def test_a_key_that_is_due_already_can_be_held():
    driven = Driven()
    driven.queue.add("a", LOW)
    driven.queue.add("b", LOW)
    driven.queue.retry("a", after=30, hold=True)
    driven.queue.retry("a", after=20, hold=True)
    assert driven.queue.measures().depth == 1
    assert driven.advance(1000) == [(0, "b"), (30, "a")]


def test_a_hold_may_back_off():
    driven = Driven()
    driven.queue.add("a")
    driven.give()
    driven.queue.retry("a", hold=True)
    driven.queue.done("a")
    driven.queue.add("a")
    assert driven.advance(10) == [(0.2, "a")]


def test_a_retry_has_the_priority_of_the_run():
    driven = Driven()
    driven.queue.add("a", LOW)
    failing(driven)
    driven.queue.add("b", after=1)
    driven.clock.now += 1
    assert driven.run_all() == ["b", "a"]


def test_the_bucket_limits_retries():
    driven = Driven(retry_burst=3, retry_rate=10.0)
    for number in range(6):
        driven.queue.retry(number)
    assert driven.advance(10) == [(0.2, 0), (0.2, 1), (0.2, 2), (0.3, 3), (0.4, 4), (0.5, 5)]


def test_the_bucket_limits_nothing_else():
    driven = Driven(retry_burst=1, retry_rate=0.001)
    for number in range(3):
        driven.queue.retry(number)
    driven.clock.now += 1
    assert driven.run_all() == [0]
    for number in range(1000):
        driven.queue.add(("key", number))
        driven.queue.add(("low", number), LOW)
    assert len(driven.run_all()) == 2000
    driven.queue.add(2)
    assert driven.run_all() == [2], "an event frees a retry from the bucket"


def test_a_retry_that_waits_for_a_token_runs_without_one_when_its_time_has_come():
    driven = Driven(retry_burst=1, retry_rate=0.001)
    driven.queue.retry("first")
    driven.queue.retry("a")
    driven.queue.add("a", after=5)
    assert driven.advance(100) == [(0.2, "first"), (5, "a")]


def test_tokens_that_nobody_needed_are_left_to_others():
    driven = Driven(retry_burst=1, retry_rate=1.0)
    for number in range(50):
        driven.queue.retry(number)
    for number in range(50):
        driven.queue.add(number)
    assert len(driven.run_all()) == 50
    driven.queue.retry("later")
    assert driven.advance(10) == [(0.2, "later")]


def test_a_retry_is_given_before_events_that_came_after_it():
    driven = Driven()
    driven.queue.retry("a")
    driven.clock.now += 1
    driven.queue.add("b")
    assert driven.run_all() == ["a", "b"]


@pytest.mark.parametrize("jump", [-1e6, -3.5, 1e6])
def test_a_jump_of_the_clock_loses_nothing(jump):
    driven = Driven(min_interval=1.0)
    driven.queue.add("run before")
    driven.run_all()
    for key in ("run before", "ready"):
        driven.queue.add(key)
    driven.queue.add("low", LOW)
    driven.queue.add("later", after=20)
    driven.queue.retry("failed")
    driven.clock.now += jump
    ran = driven.advance(20)
    assert sorted(key for _, key in ran) == ["failed", "later", "low", "ready", "run before"]


def test_after_a_jump_back_waits_go_on_from_where_they_were():
    driven = Driven()
    driven.queue.add("a", after=10)
    driven.clock.now += 4
    driven.run_all()
    driven.clock.now -= 500
    assert driven.advance(100) == [(6, "a")]


def test_after_a_jump_forward_the_order_is_that_of_the_times():
    driven = Driven()
    driven.queue.add("b", after=20)
    driven.queue.add("a", after=10)
    driven.queue.add("low", LOW, after=5)
    driven.clock.now += 1e9
    assert driven.run_all() == ["a", "b", "low"]


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=6), st.floats(0, 1e6))
def test_at_the_reading_that_is_told_it_is_time(readings, seconds):
    clock = Clock(readings[0])
    steady = Steady(clock)
    for clock.now in readings[1:]:
        now = steady.now()
    clock.now = told = steady.reading(now + seconds)
    assert steady.now() >= now + seconds
    assert told == pytest.approx(readings[-1] + seconds, abs=1e-5)


def test_the_next_time_is_when_get_gives_a_key():
    driven = Driven(min_interval=1.0, retry_burst=1, retry_rate=1.0)
    assert driven.queue.next_time() is None
    driven.queue.add("a", after=3)
    assert driven.queue.next_time() == 1003
    driven.queue.add("b")
    assert driven.queue.next_time() == 1000
    driven.give()
    assert driven.queue.next_time() == 1003
    driven.queue.retry("c")
    driven.queue.retry("d")
    driven.clock.now += 0.5
    assert driven.give() == "c"
    assert driven.queue.next_time() == 1001.5, "the next token"


def test_the_next_time_of_what_is_not_due_yet_knows_of_tokens():
    driven = Driven(retry_burst=1, retry_rate=0.5)
    driven.queue.retry("a")
    driven.clock.now += 1
    driven.queue.retry("b")
    assert driven.run() == "a"
    assert driven.queue.next_time() == 1003
    driven.queue.add("c", after=1.5)
    assert driven.queue.next_time() == 1002.5
    driven.queue.add("b", after=1.25)
    assert driven.queue.next_time() == 1002.25
    assert driven.advance(10) == [(1.25, "b"), (1.5, "c")]


def test_done_without_get_is_an_error():
    driven = Driven()
    driven.queue.add("a")
    with pytest.raises(ValueError, match="a: not done: it is not in work"):
        driven.queue.done("a")
    assert driven.run_all() == ["a"]


def test_after_close_no_key_is_given_and_work_may_end():
    driven = Driven()
    for key in "abc":
        driven.queue.add(key)
    driven.give()
    driven.queue.add("a")
    driven.queue.close()
    driven.queue.close()
    assert driven.queue.is_closed
    assert (driven.give(), driven.queue.get(), driven.queue.next_time()) == (None, None, None)
    driven.queue.add("d")
    driven.queue.retry("a")
    driven.queue.done("a")
    assert (len(driven.queue), driven.queue.failures("a")) == (3, 0), "what was there before is still there"


@pytest.mark.parametrize("after", [-1, math.nan, math.inf, "1", True])
def test_an_unusable_time_is_refused_and_nothing_happens(after):
    driven = Driven()
    for call in (lambda: driven.queue.add("a", after=after), lambda: driven.queue.retry("a", after=after)):
        with pytest.raises(InputError, match="after: not usable"):
            call()
    assert len(driven.queue) == 0


@pytest.mark.parametrize("options", [{"min_interval": -1}, {"retry_rate": 0}, {"retry_burst": 0}, {"retry_burst": 1.5}])
def test_unusable_options_are_refused(options):
    with pytest.raises(InputError, match=f"{next(iter(options))}: not usable"):
        Queue(**options)


def test_measures():
    driven = Driven(retry_burst=1, retry_rate=0.001)
    for key in "abc":
        driven.queue.add(key)
    driven.queue.add("a")
    driven.queue.add("later", after=50)
    driven.clock.now += 2
    driven.give()
    driven.clock.now += 3
    driven.give()
    driven.queue.retry("a")
    driven.clock.now += 1
    found = driven.queue.measures()
    assert (found.depth, found.adds, found.retries, found.gets, found.waited) == (1, 5, 1, 2, 2 + 5)
    assert found.running == {"a": 4, "b": 1}
    assert (found.longest, found.unfinished) == (4, 5)
    assert (Driven().queue.measures().longest, Driven().queue.measures().depth) == (0, 0)


def test_depth_counts_what_is_due_and_waits_for_a_token():
    driven = Driven(retry_burst=1, retry_rate=0.001)
    driven.queue.retry("a")
    driven.queue.retry("b")
    driven.clock.now += 1
    assert driven.queue.measures().depth == 2
    driven.run_all()
    assert driven.queue.measures().depth == 1


def test_memory_follows_the_number_of_keys():
    """Each of these calls leaves an item in a heap behind."""
    driven = Driven()
    for key in range(10):
        for seconds in range(10_000, 9_000, -1):
            driven.queue.add(key, LOW, after=seconds)
    assert driven.queue._schedule.items <= 4 * 10 + 64
    assert len(driven.advance(10_000)) == 10
    assert driven.queue._schedule.items == len(driven.queue) == 0


@pytest.mark.parametrize("seed", range(3))
def test_what_is_compacted_keeps_its_order(seed):
    """Keys that wait, and one that is put anew so often that the heap is compacted once."""
    driven, keys = Driven(), list(range(1000, 1050))
    random.Random(seed).shuffle(keys)  # noqa: S311 - the same in each run
    for key in keys:
        driven.queue.add(key, after=key)
    for seconds in range(1100, 850, -1):
        driven.queue.add("often", after=seconds)
    assert driven.queue._schedule.items < 50 + 250
    assert driven.advance(2000) == [(851, "often"), *((key, key) for key in range(1000, 1050))]


class Getter(threading.Thread):
    def __init__(self, queue, timeout=None):
        super().__init__(daemon=True)
        self.queue, self.timeout, self.got = queue, timeout, []
        self.start()

    def run(self):
        self.got.append(self.queue.get(self.timeout))


def waiting(queue, number):
    eventually(lambda: len(queue._changed._waiters) == number)


@pytest.mark.parametrize("far", [[], ["far"]])
def test_close_wakes_all_who_wait(far):
    queue = Queue()
    for key in far:
        queue.add(key, after=1e6)
    getters = [Getter(queue) for _ in range(5)]
    waiting(queue, 5)
    queue.close()
    for getter in getters:
        getter.join()
        assert getter.got == [None]


def test_an_event_wakes_one_who_waits():
    queue = Queue()
    getters = [Getter(queue) for _ in range(3)]
    waiting(queue, 3)
    queue.add("a")
    eventually(lambda: [getter.got for getter in getters].count(["a"]) == 1)
    waiting(queue, 2)
    queue.close()


def test_two_events_at_once_wake_two_who_wait():
    queue = Queue()
    getters = [Getter(queue) for _ in range(3)]
    waiting(queue, 3)
    with queue._lock:
        queue.add("a")
        queue.add("b")
    eventually(lambda: sorted(getter.got[0] for getter in getters if getter.got) == ["a", "b"])
    queue.close()


def test_another_waits_for_the_next_time_when_it_is_earlier():
    """Who waited for the later time may not be who is called."""
    queue = Queue()
    getters = [Getter(queue) for _ in range(2)]
    waiting(queue, 2)
    queue.add("far", after=1e6)
    eventually(lambda: queue._leader is not None)
    waiting(queue, 2)
    queue.add("soon", after=0.05)
    eventually(lambda: ["soon"] in [getter.got for getter in getters])
    queue.close()


def test_another_waits_for_the_next_time_when_who_did_has_a_key():
    queue = Queue()
    queue.add("far", after=1e6)
    leader = Getter(queue)
    waiting(queue, 1)
    follower = Getter(queue)
    waiting(queue, 2)
    queue.add("soon")
    leader.join()
    assert leader.got == ["soon"]
    eventually(lambda: queue._leader is not None)
    queue.close()
    follower.join()


def test_who_gives_up_leaves_the_wait_for_the_next_time_to_another():
    queue = Queue()
    queue.add("later", after=0.3)
    brief, patient = Getter(queue, timeout=0.1), Getter(queue)
    brief.join()
    eventually(lambda: ["later"] in [brief.got, patient.got])
    queue.close()


def test_done_wakes_one_who_waits_for_what_arrived_meanwhile():
    queue = Queue(min_interval=0)
    queue.add("a")
    assert queue.get() == "a"
    queue.add("a")
    getter = Getter(queue)
    waiting(queue, 1)
    queue.done("a")
    getter.join()
    assert getter.got == ["a"]


def test_who_sets_the_clock_wakes_those_who_wait():
    driven = Driven()
    driven.queue.add("a", after=1e6)
    getters = [Getter(driven.queue) for _ in range(2)]
    waiting(driven.queue, 2)
    driven.clock.now = driven.queue.next_time()
    driven.queue.wake()
    eventually(lambda: ["a"] in [getter.got for getter in getters])
    driven.queue.close()


def test_a_signal_handler_may_close_while_its_thread_adds():
    """The clock is asked under the lock: there the signal comes."""

    def clock():
        if armed:
            armed.pop()
            signal.raise_signal(signal.SIGUSR1)
        return 0.0

    armed = []
    queue = Queue(clock=clock)
    before = signal.signal(signal.SIGUSR1, lambda *_: queue.close())
    try:
        armed.append(True)
        queue.add("a")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert queue.get() is None
