"""Shards against a model: replicas of one partition and of another one, whose requests are lost, come late, or have no
answer, and which sleep, die and start again. What shards promise is checked after each step.
"""

import datetime as dt
import itertools
import random
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from genreconcile.election.election import Look
from genreconcile.election.lease import Lease
from genreconcile.election.sharding import Sharding
from support.shard_leases import Server

WALL = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LOST = st.sampled_from([False, False, False, True])
REPLICA = st.integers(0, 3)
NOTHING = object()


@dataclass
class Replica:
    """``step`` of its ``round`` is on its way; ``came`` is what the server has answered."""

    number: int
    shards: int
    ordinal: int
    true: list
    ahead: float = 0.0
    is_ready: bool = True
    round: object = None
    step: object = None
    came: object = NOTHING
    due: float = 0.0
    sharding: Sharding = field(init=False)

    def __post_init__(self):
        self.sharding = Sharding(
            Lease("shop", shards=self.shards),
            f"replica-{self.number}",
            "shop",
            self.ordinal,
            clock=lambda: self.true[0] + self.ahead,
            wall=lambda: WALL + dt.timedelta(seconds=self.true[0]),
            is_ready=lambda: self.is_ready,
        )

    def held(self):
        return [shard for shard in self.sharding.shards if self.sharding.holds(shard)]

    def go_on(self, answer):
        try:
            self.step = next(self.round) if answer is NOTHING else self.round.send(answer)
        except StopIteration:
            self.round = self.step = None
        self.came = NOTHING


class Shards(RuleBasedStateMachine):
    """True time goes on by ``advance`` and in whole rounds alone."""

    def __init__(self):
        super().__init__()
        self.true = [1000.0]
        self.server = Server()
        self.numbers = itertools.count()
        self.late = []
        self.replicas = []

    def new(self, shards, ordinal, ahead=0.0):
        return Replica(next(self.numbers), shards, ordinal, self.true, ahead)

    @initialize(others=st.integers(0, 3), ahead=st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4))
    def begin_with(self, others, ahead):
        """Some replicas of three shards, and the others of two."""
        sizes = [3] * (4 - others) + [2] * others
        self.replicas = [self.new(size, ordinal, ahead[ordinal]) for ordinal, size in enumerate(sizes)]

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.0, 4.4, 9.9, 15.0, 31.0]))
    def advance(self, seconds):
        self.true[0] += seconds

    @rule(index=REPLICA, is_lost=LOST)
    def step(self, index, is_lost):
        """A replica sends its next request, and the server may get it."""
        one = self.replicas[index]
        if one.round is None:
            one.round = one.sharding.round()
            one.go_on(NOTHING)
        if one.step is not None and one.came is NOTHING and not is_lost:
            one.came = self.server.answer(one.step)

    @rule(index=REPLICA, is_lost=LOST)
    def answer(self, index, is_lost):
        """The answer comes; or the replica waits no longer for it."""
        one = self.replicas[index]
        if one.step is not None:
            one.go_on(None if is_lost or one.came is NOTHING else one.came)

    @rule(index=REPLICA)
    def the_write_comes_late(self, index):
        """The replica gives it up, and the server gets it after all."""
        one = self.replicas[index]
        if one.step is not None and not isinstance(one.step, Look) and one.came is NOTHING:
            self.late.append(one.step)
            one.go_on(None)

    @precondition(lambda self: self.late)
    @rule()
    def the_server_gets_it(self):
        self.server.answer(self.late.pop(0))

    @rule(index=REPLICA, rounds=st.integers(1, 12), pause=st.sampled_from([1.0, 2.0, 4.4]))
    def rounds_of_one(self, index, rounds, pause):
        for _ in range(rounds):
            self.whole_round(self.replicas[index])
            self.true[0] += pause
            self.check()

    @rule(rounds=st.integers(1, 12), pause=st.sampled_from([1.0, 2.0]), seed=st.integers(0, 99))
    def rounds_of_all(self, rounds, pause, seed):
        """Their requests in any order, all of them answered."""
        order = random.Random(seed)  # noqa: S311 - no secret
        for _ in range(rounds):
            self.rounds_at_once(order)
            self.true[0] += pause
            self.check()

    def rounds_at_once(self, order):
        left = list(self.replicas)
        for one in left:
            if one.round is None:
                one.round = one.sharding.round()
                one.go_on(NOTHING)
        while left := [one for one in left if one.step is not None]:
            one = order.choice(left)
            if one.came is NOTHING:
                one.came = self.server.answer(one.step)
            else:
                one.go_on(one.came)
            self.check()

    def whole_round(self, one):
        """Of which nothing is lost."""
        if one.round is None:
            one.round = one.sharding.round()
            one.go_on(NOTHING)
        while one.step is not None:
            one.go_on(self.server.answer(one.step) if one.came is NOTHING else one.came)
            self.check()

    @rule(index=REPLICA)
    def hands_back(self, index):
        one = self.replicas[index]
        for shard in list(one.sharding.wanted):
            assert shard != one.ordinal
            one.sharding.give_back(shard)
            assert not one.sharding.holds(shard)

    @rule(index=REPLICA, is_ready=st.booleans())
    def readiness(self, index, is_ready):
        self.replicas[index].is_ready = is_ready

    @rule(index=REPLICA, shards=st.sampled_from([2, 3]))
    def dies_and_starts_again(self, index, shards):
        self.replicas[index] = self.new(shards, index)

    @rule(index=REPLICA, shards=st.sampled_from([2, 3]))
    def stops_well(self, index, shards):
        one = self.replicas[index]
        if one.round is not None:
            return
        held = one.held()
        for shard in held:
            one.sharding.give_back(shard)
        one.round = one.sharding.last_round()
        one.go_on(NOTHING)
        while one.step is not None:
            one.go_on(self.server.answer(one.step))
        self.replicas[index] = self.new(shards, index)

    @invariant()
    def check(self):
        held = [(one.shards, shard) for one in self.replicas for shard in one.held()]
        assert len(held) == len(set(held)), "a shard has two that may write"
        assert len({shards for shards, _ in held}) < 2, "two partitions are at work"

    def teardown(self):
        """From now on nothing is lost: in the end all shards of one partition are held, each by the replica that
        prefers it where there is one.
        """
        for step in self.late:
            self.server.answer(step)
        for one in self.replicas:
            one.is_ready, one.due = True, self.true[0]
            while one.step is not None:
                one.go_on(None)
        end, settled = self.true[0] + 240, None
        order = random.Random(0)  # noqa: S311 - no secret
        while self.replicas and min(one.due for one in self.replicas) <= end:
            if not self.is_settled():
                settled = None
            elif settled is None:
                settled = self.true[0]
            elif self.true[0] > settled + 40:  # Longer than a Lease lasts, and than a preferred holder is waited for.
                break
            one = min(self.replicas, key=lambda one: one.due)
            self.true[0] = max(self.true[0], one.due)
            self.whole_round(one)
            self.hands_back(self.replicas.index(one))
            one.due = self.true[0] + one.sharding.pause(order.random())
        assert not self.replicas or self.is_settled()

    def is_settled(self):
        """Whether one partition is at work, with each shard held, by the replica that prefers it where there is one."""
        holders = {shard: one.ordinal for one in self.replicas for shard in one.held()}
        at_work = {one.shards for one in self.replicas if one.held()}
        if len(at_work) != 1 or set(holders) != set(range(*at_work)):
            return False
        fitting = [one for one in self.replicas if one.shards in at_work and one.ordinal in holders]
        return all(holders[one.ordinal] == one.ordinal for one in fitting)


Shards.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestShards = Shards.TestCase
