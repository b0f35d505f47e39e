"""The queue beside a model that knows no heaps: nothing lost, no key twice in work, nothing starves, whatever happens.

All times are eighths of a second, so that sums are exact.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from genreconcile.controllers.entry import Priority
from genreconcile.controllers.queue import Queue

LOW, NORMAL = Priority.LOW, Priority.NORMAL
INTERVAL, RISE, RATE, BURST = 1.0, 60.0, 0.5, 2
KEYS = 4
NEVER = float("inf")
DELAYS = [*(0.25 * 2**step for step in range(10)), 187.5]
"""What ``Backoff`` gives where ``random`` gives a quarter."""
BEGIN = 1000.0


@dataclass
class Arrival:
    at: float
    time: float
    priority: Priority
    is_limited: bool


@dataclass
class Key:
    """What arrived since the key last started, and what keeps it."""

    arrivals: list[Arrival] = field(default_factory=list)
    started: float = -NEVER
    held: float = -NEVER
    run_priority: Priority | None = None
    failures: int = 0

    @property
    def floor(self):
        return max(self.started + INTERVAL, self.held)

    @property
    def priority(self):
        return max(arrival.priority for arrival in self.arrivals)

    @property
    def due(self):
        return max(self.floor, min(arrival.time for arrival in self.arrivals))

    @property
    def free(self):
        times = [arrival.time for arrival in self.arrivals if not arrival.is_limited]
        return max(self.floor, min(times, default=NEVER))

    @property
    def turn(self):
        """The earliest and the latest time from which the key may count as a normal one that is due."""
        if self.priority is LOW:
            return self.due + RISE, self.due + RISE
        if all(arrival.priority is NORMAL for arrival in self.arrivals):
            return self.due, self.due
        raised = min(arrival.at for arrival in self.arrivals if arrival.priority is NORMAL)
        return self.due, max(self.due, raised)


class Bucket:
    def __init__(self):
        self.level, self.then = BURST, 0.0

    def at(self, now):
        return min(BURST, self.level + (now - self.then) * RATE)

    def take(self, now):
        self.level, self.then = self.at(now) - 1, now
        assert self.level >= 0

    def next(self, now):
        return now + max(0.0, 1 - self.at(now)) / RATE


class Machine(RuleBasedStateMachine):
    keys = st.integers(0, KEYS - 1)
    seconds = st.sampled_from([0.0, 0.125, 0.5, 1.0, 2.0, 30.0, RISE - 1, RISE, RISE + 1, 300.0])

    def __init__(self):
        super().__init__()
        self.reading, self.now, self.is_closed = BEGIN, 0.0, False
        self.model = {key: Key() for key in range(KEYS)}
        self.bucket = Bucket()
        self.queue = Queue(
            min_interval=INTERVAL,
            clock=lambda: self.reading,
            random=lambda: 0.25,
            retry_rate=RATE,
            retry_burst=BURST,
        )

    @property
    def pending(self):
        return {key: model for key, model in self.model.items() if model.arrivals}

    @property
    def in_work(self):
        return {key for key, model in self.model.items() if model.run_priority is not None}

    @property
    def waiting(self):
        return {key: model for key, model in self.pending.items() if key not in self.in_work}

    def may_run(self):
        has_token = self.bucket.at(self.now) >= 1
        return {
            key: model
            for key, model in self.waiting.items()
            if model.free <= self.now or (model.due <= self.now and has_token)
        }

    def arrive(self, key, time, priority, *, is_limited):
        if not self.is_closed:
            self.model[key].arrivals.append(Arrival(self.now, time, priority, is_limited))

    @rule(key=keys, priority=st.sampled_from(Priority), after=seconds)
    def add(self, key, priority, after):
        self.queue.add(key, priority, after)
        self.arrive(key, self.now + after, priority, is_limited=False)

    @rule(key=keys, priority=st.sampled_from(Priority))
    def event(self, key, priority):
        self.add(key, priority, 0.0)

    @rule(key=keys, after=seconds, hold=st.booleans())
    def retry_at(self, key, after, hold):
        self.retried(key, after, hold=hold, is_limited=False)
        self.queue.retry(key, after, hold=hold)

    @rule(key=keys, hold=st.integers(0, 4))
    def fail(self, key, hold):
        model = self.model[key]
        delay = DELAYS[min(model.failures, len(DELAYS) - 1)]
        self.retried(key, delay, hold=not hold, is_limited=True)
        self.queue.retry(key, hold=not hold)
        model.failures += not self.is_closed

    def retried(self, key, delay, *, hold, is_limited):
        model = self.model[key]
        if hold and not self.is_closed:
            model.held = max(model.held, self.now + delay)
        priority = NORMAL if model.run_priority is None else model.run_priority
        self.arrive(key, self.now + delay, priority, is_limited=is_limited)

    @rule(key=keys)
    def forget(self, key):
        self.queue.forget(key)
        self.model[key].failures = 0

    @rule()
    def get(self):
        eligible = {} if self.is_closed else self.may_run()
        key = self.queue.get(timeout=0)
        assert (key is None) == (not eligible)
        if key is not None:
            self.given(key, eligible)

    def given(self, key, eligible):
        assert key in eligible
        model = self.model[key]
        earliest, _ = model.turn
        assert all(earliest <= other.turn[1] for other in eligible.values()), "another one was before it"
        if model.free > self.now:
            self.bucket.take(self.now)
        self.model[key] = Key(started=self.now, run_priority=model.priority, failures=model.failures)

    @precondition(lambda self: self.in_work)
    @rule(data=st.data())
    def done(self, data):
        key = data.draw(st.sampled_from(sorted(self.in_work)))
        self.queue.done(key)
        self.model[key].run_priority = None

    @rule(seconds=st.sampled_from([0.125, 0.25, 0.875, 1.0, 59.0, 61.0, 1e6]))
    def time_goes_by(self, seconds):
        self.reading += seconds
        self.now += seconds

    @rule()
    def time_goes_by_until_something_is_due(self):
        if (at := self.queue.next_time()) is not None:
            self.time_goes_by(max(0.0, at - self.reading))
            assert self.may_run()

    @rule(seconds=st.sampled_from([0.125, 1.0, 100.0, 1e6]))
    def the_clock_goes_back(self, seconds):
        self.reading -= seconds

    @precondition(lambda self: not self.is_closed)
    @rule(chance=st.integers(0, 9))
    def close(self, chance):
        self.is_closed = chance == 0
        if self.is_closed:
            self.queue.close()

    @invariant()
    def the_next_time_is_the_earliest(self):
        """First of all, so that the queue looks at the clock after each of its jumps."""
        times = [
            min(model.free, max(model.due, self.bucket.next(max(model.due, self.now))))
            for model in ({} if self.is_closed else self.waiting).values()
        ]
        told = self.queue.next_time()
        expected = None if not times else self.reading + max(0.0, min(times) - self.now)
        assert told == expected

    @invariant()
    def nothing_is_lost(self):
        assert len(self.queue) == len(self.pending)
        measures = self.queue.measures()
        assert measures.depth == sum(model.due <= self.now for model in self.waiting.values())
        assert measures.running == {key: self.now - self.model[key].started for key in self.in_work}
        assert all(self.queue.failures(key) == model.failures for key, model in self.model.items())

    @invariant()
    def memory_is_bounded(self):
        assert self.queue._schedule.items <= 4 * len(self.model) + 64
        assert len(self.queue._floors) <= len(self.model)

    def teardown(self):
        """Nothing starves: as soon as workers end and time goes by, each key comes, and only those that are to."""
        for key in self.in_work:
            self.queue.done(key)
            self.model[key].run_priority = None
        expected = [] if self.is_closed else sorted(self.pending)
        given = []
        while not self.is_closed and self.queue.next_time() is not None:
            self.time_goes_by_until_something_is_due()
            self.get()
            (key,) = self.in_work
            given.append(key)
            self.queue.done(key)
            self.model[key].run_priority = None
        assert sorted(given) == expected


Machine.TestCase.settings = settings(max_examples=300, stateful_step_count=50, deadline=None)
test_the_queue_is_its_model = Machine.TestCase
