"""Elections against a model: several candidates with clocks of their own, which jump, and requests that are lost, come
late, or have no answer. What a Lease promises is written down here as sentences that are checked after each step.
"""

import datetime as dt
import itertools
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from genreconcile.election.election import Election, Look, Write
from genreconcile.election.lease import Lease

LEASE = Lease("shop")
WALL = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MARGIN = LEASE.duration - LEASE.renew_deadline
LOST = st.sampled_from([False, False, False, True])


class Server:
    """One Lease, with a resourceVersion."""

    def __init__(self):
        self.live, self.version = None, 0

    def write(self, step):
        """The answer, None for a conflict."""
        wanted = None if step.creates else step.body["metadata"]["resourceVersion"]
        if wanted != (None if self.live is None else self.live["metadata"]["resourceVersion"]):
            return None
        self.version += 1
        metadata = {**step.body["metadata"], "resourceVersion": str(self.version)}
        self.live = {**step.body, "metadata": metadata}
        return self.live


@dataclass
class Candidate:
    """``jumps`` are (true time, seconds) of its clock; ``step`` is on its way since ``began``, and
    ``answers`` holds what the server has said to it.
    """

    number: int
    true: list
    ahead: float = 0.0
    jumps: list = field(default_factory=list)
    step: object = None
    answers: list = field(default_factory=list)
    began: float = 0.0
    taken_at: float = 0.0
    renewed_at: float = 0.0
    due: float = 0.0

    def __post_init__(self):
        self.election = Election(LEASE, f"candidate-{self.number}", "shop")

    def now(self):
        return self.true[0] + self.ahead

    def holds(self):
        return self.election.holds(self.now())

    def jumped(self, since, sign):
        """The seconds by which its clock has jumped in one direction since a true time."""
        return sum(abs(by) for at, by in self.jumps if at >= since and by * sign > 0)


class Elections(RuleBasedStateMachine):
    """True time goes on by ``advance`` alone."""

    def __init__(self):
        super().__init__()
        self.true = [1000.0]
        self.server = Server()
        self.numbers = itertools.count()
        self.candidates = [Candidate(next(self.numbers), self.true) for _ in range(3)]
        self.late = []

    def wall(self):
        return WALL + dt.timedelta(seconds=self.true[0])

    def one(self, index):
        return self.candidates[index % len(self.candidates)]

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.0, 4.4, 9.9, 15.0]))
    def advance(self, seconds):
        self.true[0] += seconds

    @rule(index=st.integers(0, 2), seconds=st.sampled_from([-3600.0, -6.0, -4.0, -2.0, 2.0, 4.0, 6.0, 3600.0]))
    def jump(self, index, seconds):
        candidate = self.one(index)
        candidate.ahead += seconds
        candidate.jumps.append((self.true[0], seconds))

    @rule(index=st.integers(0, 2))
    def begin(self, index):
        candidate = self.one(index)
        if candidate.step is None:
            candidate.step = candidate.election.begin(candidate.now(), self.wall())
            candidate.began = self.true[0]

    @rule(index=st.integers(0, 2), is_lost=LOST)
    def arrive(self, index, is_lost):
        """The request comes to the server, or is lost on its way."""
        candidate = self.one(index)
        if candidate.step is not None and not candidate.answers and not is_lost:
            is_read = isinstance(candidate.step, Look)
            candidate.answers = [self.server.live if is_read else self.server.write(candidate.step)]

    @rule(index=st.integers(0, 2), is_lost=LOST)
    def answer(self, index, is_lost):
        """The answer comes; or the candidate waits no longer for it."""
        candidate = self.one(index)
        step, answers, candidate.step, candidate.answers = candidate.step, candidate.answers, None, []
        if step is None:
            return
        if not answers or is_lost or (isinstance(step, Write) and answers[0] is None):
            candidate.election.failed()
        elif isinstance(step, Look):
            before = candidate.holds()
            candidate.step = candidate.election.seen(candidate.now(), self.wall(), answers[0])
            candidate.began = self.true[0]
            assert before or not candidate.holds(), "reading gives nobody the Lease"
        else:
            self.take(candidate, answers[0])

    def take(self, candidate, answer):
        held = candidate.holds()
        candidate.election.written(candidate.now(), answer)
        if candidate.holds():
            candidate.renewed_at = candidate.began
            candidate.taken_at = candidate.taken_at if held else self.true[0]

    @rule(index=st.integers(0, 2), tries=st.integers(1, 9), pause=st.sampled_from([1.0, 2.0, 4.4]))
    def goes_on_trying(self, index, tries, pause):
        """One candidate tries again and again; the others reach nobody meanwhile."""
        candidate = self.one(index)
        for _ in range(tries):
            if candidate.step is None:
                self.carry_out(candidate)
            self.two_lead_only_where_clocks_have_jumped_by_more_than_the_margin()
            self.true[0] += pause
            self.two_lead_only_where_clocks_have_jumped_by_more_than_the_margin()

    @rule(index=st.integers(0, 2))
    def the_write_comes_late(self, index):
        """The candidate gives it up, and the server gets it after all."""
        candidate = self.one(index)
        if isinstance(candidate.step, Write):
            if not candidate.answers:
                self.late.append(candidate.step)
            candidate.step, candidate.answers = None, []
            candidate.election.failed()

    @precondition(lambda self: self.late)
    @rule()
    def the_server_gets_it(self):
        self.server.write(self.late.pop(0))

    @rule(index=st.integers(0, 2))
    def dies_and_starts_again(self, index):
        self.candidates[index] = Candidate(next(self.numbers), self.true)

    @rule(index=st.integers(0, 2))
    def stops_well(self, index):
        candidate = self.candidates[index]
        if candidate.step is None and candidate.holds():
            candidate.election.release()
            assert not candidate.holds()
            self.carry_out(candidate)
            assert self.server.live["spec"]["holderIdentity"] != candidate.election.identity
            self.candidates[index] = Candidate(next(self.numbers), self.true)

    def carry_out(self, candidate):
        """A whole try of which nothing is lost."""
        candidate.began = self.true[0]
        step = candidate.election.begin(candidate.now(), self.wall())
        if isinstance(step, Look):
            step = candidate.election.seen(candidate.now(), self.wall(), self.server.live)
        if step is not None:
            answer = self.server.write(step)
            if answer is None:
                candidate.election.failed()
                return
            self.take(candidate, answer)

    @invariant()
    def two_lead_only_where_clocks_have_jumped_by_more_than_the_margin(self):
        leaders = sorted((one for one in self.candidates if one.holds()), key=lambda one: one.taken_at)
        if len(leaders) < 2:
            return
        for old, new in itertools.pairwise(leaders):
            back = old.jumped(old.renewed_at, -1)
            ahead = new.jumped(old.renewed_at, +1)
            assert back + ahead > MARGIN, (old, new)

    @invariant()
    def who_leads_has_renewed_not_long_ago(self):
        for one in self.candidates:
            if one.holds():
                passed = self.true[0] - one.renewed_at
                assert passed < LEASE.renew_deadline + one.jumped(one.renewed_at, -1)

    def teardown(self):
        """From now on nothing is lost, and no clock jumps: one leads in time, and stays the only one."""
        for step in self.late:
            self.server.write(step)
        self.late = []
        for candidate in self.candidates:
            candidate.step, candidate.answers = None, []
            candidate.election.failed()
            candidate.due = self.true[0]
        end = self.true[0] + LEASE.duration + 2 * LEASE.longest_pause
        while min(one.due for one in self.candidates) <= end:
            candidate = min(self.candidates, key=lambda one: one.due)
            self.true[0] = max(self.true[0], candidate.due)
            self.carry_out(candidate)
            candidate.due = self.true[0] + candidate.election.pause(candidate.now(), 1.0)
        assert [one.holds() for one in self.candidates].count(True) == 1


Elections.TestCase.settings = settings(max_examples=400, stateful_step_count=40, deadline=None)
TestElections = Elections.TestCase
