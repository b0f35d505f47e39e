"""A replica at work in its thread, on a cluster in memory, with a clock that the test sets."""

import logging

import pytest

from genreconcile.election import Lease, ShardElector
from genreconcile.errors import Unreachable
from genreconcile.testing import FakeCluster
from support.eventually import eventually
from unit.election.test_elector import KIND, Clock, Line

LEASE = Lease("shop", shards=2, shard_identity=0, retry_period=0.02, takeover_after=1e6)


@pytest.fixture
def fake():
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    with FakeCluster([namespace], namespace="shop") as fake:
        yield fake


@pytest.fixture
def elector(fake):
    clock, line = Clock(), Line(fake)
    elector = ShardElector(line, LEASE, wall=clock.wall, clock=clock, is_ready=lambda: True)
    elector.line, elector.time = line, clock
    elector.start()
    eventually(lambda: elector.holds(0))
    yield elector
    elector.stop()


def messages(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "genreconcile.election"]


def test_it_holds_what_it_prefers_and_leaves_the_other(fake, elector):
    assert not elector.holds(1)
    assert [one["metadata"]["name"] for one in fake.find(KIND, namespace="shop")] == ["shop-0-of-2"]


def test_without_answers_it_ends_to_believe_and_tells_once(elector, caplog):
    caplog.set_level(logging.INFO)
    elector.line.down = Unreachable("the server: no answer", code="GR605")
    seen = len(elector.line.seen)
    eventually(lambda: len(elector.line.seen) > seen + 10)
    assert elector.holds(0)
    elector.time.time += LEASE.renew_deadline
    assert not elector.holds(0)
    assert elector.wait_for_end(0)
    elector.line.down = None
    eventually(lambda: elector.holds(0))
    told = [text for text in messages(caplog) if "not reached" in text]
    assert {text.partition(": ")[0] for text in told} <= {"the Leases shop/shop", "the Lease shop/shop-0-of-2"}
    assert "the server: no answer" in told[0]


def test_a_namespace_that_is_not_there_is_told(caplog):
    caplog.set_level(logging.INFO)
    with FakeCluster(namespace="shop") as fake:
        elector = ShardElector(Line(fake), LEASE, wall=Clock().wall, is_ready=lambda: True)
        elector.start()
        eventually(lambda: any("shop-0-of-2: not reached" in text for text in messages(caplog)))
        elector.stop()


def test_an_answer_that_is_no_list_ends_nothing(elector, caplog):
    request = elector.line.request

    def strange(method, path, **more):
        return b"[]" if path.endswith("/leases") else request(method, path, **more)

    caplog.set_level(logging.INFO)
    elector._requests._cluster = elector.line
    elector.line.request = strange
    eventually(lambda: any("the answer is no object" in text for text in messages(caplog)))
    assert elector.holds(0)


def test_what_is_given_back_while_it_stops_is_not_taken_again(fake, elector):
    elector.close()
    elector.give_back(0)
    eventually(lambda: fake.get(KIND, "shop-0-of-2")["spec"]["holderIdentity"] == "")
    seen = len(elector.line.seen)
    eventually(lambda: len(elector.line.seen) > seen + 5, "it still looks")
    assert not elector.holds(0)
    assert fake.get(KIND, "shop-0-of-2")["spec"]["holderIdentity"] == ""
    assert not elector.wait_for_gain(0)
