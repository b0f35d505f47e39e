"""Single decisions about the Leases of shards; what holds in every order of events is in
tests/properties/election/test_sharding_model.py.
"""

import datetime as dt

import pytest

from genreconcile.election.election import Look
from genreconcile.election.lease import Lease, own_ordinal
from genreconcile.election.sharding import Sharding
from genreconcile.errors import InputError
from support.shard_leases import Server

WALL = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Ground:
    """One server, one clock."""

    def __init__(self):
        self.server, self.now = Server(), 1000.0

    def replica(self, shards, ordinal, name):
        lease = Lease("shop", shards=shards)
        return Sharding(lease, name, "shop", ordinal, clock=lambda: self.now, wall=lambda: WALL + self.passed)

    @property
    def passed(self):
        return dt.timedelta(seconds=self.now)

    def round(self, replica, pauses=None):
        """A whole round; before the answer to a step of the type ``pauses[0]`` ``pauses[1]`` seconds pass."""
        steps = replica.round()
        step = next(steps)
        while True:
            answer = self.server.answer(step)
            if pauses and isinstance(step, pauses[0]):
                yield step
                self.now += pauses[1]
            try:
                step = steps.send(answer)
            except StopIteration:
                return

    def rounds(self, *replicas, seconds):
        end = self.now + seconds
        while self.now < end:
            for replica in replicas:
                list(self.round(replica))
            self.now += 2.0


def held(replica):
    return [shard for shard in replica.shards if replica.holds(shard)]


def test_a_replica_takes_the_shard_that_it_prefers_at_once_and_others_after_their_time():
    ground = Ground()
    first = ground.replica(2, 0, "first")
    list(ground.round(first))
    assert held(first) == [0]
    ground.rounds(first, seconds=30.0)
    assert held(first) == [0]
    ground.rounds(first, seconds=8.0)
    assert held(first) == [0, 1]


def test_a_shard_is_asked_for_and_handed_back():
    ground = Ground()
    first, second = ground.replica(2, 0, "first"), ground.replica(2, 1, "second")
    ground.rounds(first, seconds=40.0)
    assert held(first) == [0, 1]
    ground.rounds(second, first, seconds=2.0)
    assert first.wanted == {1}
    assert held(first) == [0, 1], "its runs may end first"
    first.give_back(1)
    ground.rounds(first, second, seconds=4.0)
    assert (held(first), held(second)) == ([0], [1])
    assert first.wanted == set()


def test_a_claim_counts_only_after_a_look():
    ground = Ground()
    first = ground.replica(1, 0, "first")
    looks = ground.round(first, (Look, 0.0))
    next(looks)
    next(looks)
    assert held(first) == []
    list(looks)
    assert held(first) == [0]


def test_a_belief_that_has_lapsed_counts_only_after_another_look():
    ground = Ground()
    first = ground.replica(1, 0, "first")
    list(ground.round(first))
    ground.now += 9.0
    steps = first.round()
    renewal = next(steps)
    answer = ground.server.answer(renewal)
    ground.now += 1.5
    assert held(first) == []
    look = steps.send(answer)
    assert isinstance(look, Look)
    assert held(first) == []
    assert first._elections[0].holds(ground.now), "though the Lease is its own"
    with pytest.raises(StopIteration):
        steps.send(ground.server.answer(look))
    assert held(first) == [0]


def test_who_comes_back_while_another_partition_works_gives_its_lease_up():
    ground = Ground()
    old, new = ground.replica(1, 0, "old"), ground.replica(2, 0, "new")
    list(ground.round(old))
    ground.rounds(new, seconds=30.0)
    assert held(new) == [0]
    assert new.in_the_way == ""
    list(ground.round(old))
    assert (held(old), held(new)) == ([], [0])
    assert old.in_the_way == "shop-0-of-2"
    assert ground.server.leases["shop-0-of-1"]["spec"]["holderIdentity"] == ""


def test_the_lease_of_a_program_without_shards_is_in_the_way():
    ground = Ground()
    ground.server.leases["shop"] = {"metadata": {"name": "shop"}, "spec": {"holderIdentity": "alone"}}
    ground.server.leases["shop-keeper"] = {"metadata": {"name": "shop-keeper"}, "spec": {"holderIdentity": "another"}}
    first = ground.replica(2, 0, "first")
    ground.rounds(first, seconds=10.0)
    assert (held(first), first.in_the_way) == ([], "shop")
    ground.rounds(first, seconds=10.0)
    assert held(first) == [0], "it was not renewed for its duration"


@pytest.mark.parametrize(("host", "ordinal"), [("apps-0", 0), ("my-apps-12", 12)])
def test_the_ordinal_of_a_host(host, ordinal):
    assert own_ordinal(host) == ordinal


@pytest.mark.parametrize("host", ["apps", "apps-7d9c6b5f4-abc12", "apps-01", "0"])
def test_a_host_without_an_ordinal(host):
    with pytest.raises(InputError, match="shard_identity"):
        own_ordinal(host)


@pytest.mark.parametrize(
    "settings",
    [
        {"shards": 0},
        {"shards": 2, "shard_identity": -1},
        {"shard_identity": 1},
        {"shards": 2, "takeover_after": -1},
        {"name": "x" * 250, "shards": 2},
    ],
)
def test_settings_that_cannot_be_meant(settings):
    with pytest.raises(InputError):
        Lease(**{"name": "shop", **settings})
