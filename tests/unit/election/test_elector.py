"""Candidates at work in their threads, on a cluster in memory, with a clock that the test sets."""

import datetime as dt
import json
import logging
import os
import threading

import pytest

from genreconcile.election import Elector, Lease, Writes
from genreconcile.election.times import boottime, micro_time
from genreconcile.errors import Conflict, Forbidden, NotFound, Unreachable
from genreconcile.testing import FakeCluster
from support.eventually import LONG, eventually

KIND = "coordination.k8s.io/v1/Lease"
LEASE = Lease("shop", duration=15, renew_deadline=10.0, retry_period=0.02)


class Clock:
    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time

    def wall(self):
        return dt.datetime.now(dt.UTC)


class Line:
    """What one candidate has of the cluster: it may be ``down``."""

    namespace = "shop"

    def __init__(self, fake):
        self.fake, self.down, self.page, self.seen = fake, None, None, []

    def request(self, method, path, *, body=None, timeout=None):
        self.seen.append((method, path, timeout))
        if self.down is not None:
            raise self.down
        return self.page or self.fake.request(method, path, body=body)


class Ground:
    def __init__(self, fake):
        self.fake, self.electors = fake, []

    def candidate(self, lease=LEASE, **settings):
        clock, line = Clock(), Line(self.fake)
        elector = Elector(line, lease, wall=clock.wall, clock=clock, **settings)
        elector.line, elector.time = line, clock
        self.electors.append(elector)
        elector.start()
        return elector

    def spec(self):
        return self.fake.get(KIND, "shop")["spec"]


@pytest.fixture
def ground():
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    with FakeCluster([namespace], namespace="shop") as fake:
        ground = Ground(fake)
        yield ground
        for elector in ground.electors:
            elector.stop(releases=False)


def test_one_of_two_holds_and_the_other_follows_when_it_is_given_back(ground):
    first = ground.candidate()
    first.wait(for_loss=False)
    assert first.holds
    second = ground.candidate()
    eventually(lambda: second.holder == first.identity)
    assert not second.holds
    before = ground.spec()["renewTime"]
    eventually(lambda: ground.spec()["renewTime"] > before)
    first.stop(releases=True)
    second.wait(for_loss=False)
    assert (first.holds, second.holds) == (False, True)
    assert (ground.spec()["holderIdentity"], ground.spec()["leaseTransitions"]) == (second.identity, 1)


def test_who_stops_without_giving_it_back_is_followed_after_the_duration(ground):
    first = ground.candidate()
    first.wait(for_loss=False)
    second = ground.candidate()
    eventually(lambda: second.holder == first.identity)
    first.stop(releases=False)
    looks = len(second.line.seen)
    eventually(lambda: len(second.line.seen) > looks + 2)
    for _ in range(3):  # A jump counts for no more than the time between two looks.
        looks, second.time.time = len(second.line.seen), second.time.time + 4.9
        eventually(lambda looks=looks: len(second.line.seen) > looks + 2)
    assert not second.holds
    second.time.time += 0.4
    second.wait(for_loss=False)
    assert second.holds


def test_a_holder_that_reaches_nobody_stops_in_time(ground, caplog):
    caplog.set_level(logging.INFO, logger="genreconcile.election")
    elector = ground.candidate()
    elector.wait(for_loss=False)
    elector.line.down = Unreachable("no answer", code="GR605")
    tries = len(elector.line.seen)
    eventually(lambda: len(elector.line.seen) > tries + 3)
    assert elector.holds
    elector.time.time += 10.0
    assert not elector.holds, "by the clock alone"
    elector.wait(for_loss=True)
    elector.line.down = None
    elector.wait(for_loss=False)
    assert [record.message for record in caplog.records] == [
        "the Lease shop/shop: held by this process",
        "the Lease shop/shop: not reached: no answer [GR605]",
        "the Lease shop/shop: held by this process",
    ]


def test_who_may_not_read_it_says_so_once(ground, caplog):
    elector = ground.candidate()
    elector.line.down = Forbidden("no")
    tries = len(elector.line.seen)
    eventually(lambda: len(elector.line.seen) > tries + 3)
    assert [one.levelname for one in caplog.records if "not reached: no" in one.message] == ["WARNING"]


def test_where_it_is_and_how_it_is_asked_for(ground):
    elector = ground.candidate(Lease("shop", namespace="kube-system", identity="me", retry_period=0.02))
    elector.wait(for_loss=False)
    eventually(lambda: len(elector.line.seen) >= 3)
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
    assert elector.line.seen[:3] == [("GET", f"{path}/shop", 5.0), ("POST", path, 5.0), ("PUT", f"{path}/shop", 5.0)]
    assert ground.fake.get(KIND, "shop", namespace="kube-system")["spec"]["holderIdentity"] == "me"


def test_several_are_held_by_one_process(ground):
    names = [f"shop-{number}-of-3" for number in range(3)]
    electors = [ground.candidate(Lease(name, identity="me", retry_period=0.02)) for name in names]
    for elector in electors:
        elector.wait(for_loss=False)
    assert [ground.fake.get(KIND, name)["spec"]["holderIdentity"] for name in names] == ["me"] * 3


def test_close_ends_waits_and_the_lease_is_renewed_on(ground):
    elector = ground.candidate()
    elector.wait(for_loss=False)
    waiting = threading.Thread(target=lambda: elector.wait(for_loss=True))
    waiting.start()
    elector.close()
    waiting.join(LONG)
    assert not waiting.is_alive()
    before = ground.spec()["renewTime"]
    eventually(lambda: ground.spec()["renewTime"] > before)
    assert elector.holds


def test_a_stale_write_is_refused_by_its_resource_version(ground):
    elector = ground.candidate()
    elector.wait(for_loss=False)
    elector.stop(releases=False)
    stale = ground.fake.get(KIND, "shop")
    ground.fake.patch(KIND, "shop", {"op": "replace", "path": "/spec/holderIdentity", "value": "other"})
    again = ground.candidate()
    eventually(lambda: again.holder == "other")
    with pytest.raises(Conflict):
        ground.fake.request(
            "PUT", "/apis/coordination.k8s.io/v1/namespaces/shop/leases/shop", body=json.dumps(stale).encode()
        )


@pytest.mark.parametrize("page", [b"<html>", b"[]", b"\xff"])
def test_an_answer_that_is_no_object_ends_no_candidate(ground, page, caplog):
    elector = ground.candidate()
    elector.wait(for_loss=False)
    elector.line.page = page
    eventually(lambda: "the answer is no object" in caplog.text)
    elector.line.page = None
    before = ground.spec()["renewTime"]
    eventually(lambda: ground.spec()["renewTime"] > before)


def test_it_is_given_back_although_somebody_has_just_changed_a_label(ground):
    elector = ground.candidate(Lease("shop", retry_period=7.0))
    elector.wait(for_loss=False)
    ground.fake.patch(KIND, "shop", {"op": "add", "path": "/metadata/labels", "value": {"team": "web"}})
    elector.stop(releases=True)
    assert [method for method, *_ in elector.line.seen] == ["GET", "POST", "PUT", "GET", "PUT"]
    assert ground.spec()["holderIdentity"] == ""
    assert ground.fake.get(KIND, "shop")["metadata"]["labels"] == {"team": "web"}


def test_a_lease_that_is_deleted_is_made_anew(ground):
    elector = ground.candidate()
    elector.wait(for_loss=False)
    before = ground.fake.get(KIND, "shop")["metadata"]["uid"]
    ground.fake.delete(KIND, "shop")
    eventually(lambda: ground.fake.get(KIND, "shop")["metadata"]["uid"] != before, despite=(NotFound,))
    eventually(lambda: elector.holds)


def test_a_fork_holds_nothing(ground, monkeypatch):
    elector = ground.candidate()
    elector.wait(for_loss=False)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert not elector.holds


def test_a_candidate_that_did_not_start_can_be_stopped():
    Elector(Line(None), LEASE, wall=Clock().wall).stop(releases=True)


class Sent:
    """A cluster that notes the timeouts, and holds writes until it is told."""

    server = namespace = ""
    stream = close = None

    def __init__(self):
        self.timeouts, self.open, self.entered = [], threading.Event(), threading.Event()

    def request(self, method, path, *, timeout=None):
        self.timeouts.append((method, timeout))
        if path == "/held":
            self.entered.set()
            assert self.open.wait(LONG)
        if path == "/missing":
            raise NotFound("no")
        return b"{}"


def test_a_write_waits_no_longer_than_the_lease_allows():
    sent = Sent()
    writes = Writes(sent, lambda: True, 5.0)
    for method, timeout in (("GET", None), ("GET", 30.0), ("PATCH", None), ("PATCH", 30.0), ("POST", 2.0)):
        writes.request(method, "/x", timeout=timeout)
    assert sent.timeouts == [("GET", None), ("GET", 30.0), ("PATCH", 5.0), ("PATCH", 5.0), ("POST", 2.0)]


def test_it_is_known_when_the_last_write_has_ended():
    sent = Sent()
    writes = Writes(sent, lambda: True, 5.0)

    def write():
        assert writes.may_write()
        writes.request("POST", "/held")

    thread = threading.Thread(target=write)
    thread.start()
    assert sent.entered.wait(LONG)
    writes.end()
    assert not writes.may_write()
    assert not writes.wait(0.0)
    sent.open.set()
    assert writes.wait(LONG)
    thread.join()


def test_a_write_that_fails_has_ended():
    writes = Writes(Sent(), lambda: True, 5.0)
    assert writes.may_write()
    with pytest.raises(NotFound):
        writes.request("POST", "/missing")
    assert writes.wait(0.0)


def test_no_write_begins_without_the_lease():
    writes = Writes(Sent(), lambda: False, 5.0)
    assert not writes.may_write()
    assert writes.wait(0.0)


def test_times():
    assert boottime() <= boottime()
    tokyo = dt.timezone(dt.timedelta(hours=9))
    assert micro_time(dt.datetime(2026, 1, 1, 9, 0, 0, 5, tzinfo=tokyo)) == "2026-01-01T00:00:00.000005Z"


def test_where_the_system_has_no_boottime_time_goes_on(monkeypatch):
    monkeypatch.setattr("genreconcile.election.times._BOOTTIME", None)
    assert boottime() <= boottime()
