"""Who believes to hold a Lease while another one does (25, 26): ours, and ``kubernetes.leaderelection`` beside it.

The rows of the table in docs/operators.md, measured. The rival has a connection of its own, on which nothing fails.
"""

import datetime as dt
import re
import threading
import time
import types
from pathlib import Path

import pytest
from kubernetes import client, config
from kubernetes.leaderelection import leaderelection
from kubernetes.leaderelection.electionconfig import Config
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

import genreconcile as gr
from genreconcile.election import Elector, boottime
from support.api.effects import Drop, Hold, Refuse
from support.eventually import eventually

pytestmark = pytest.mark.only("real", "the scripted server serves no Leases")
PATH = "/apis/coordination.k8s.io/v1/namespaces/{}/leases/contested"
TIMES = {"duration": 6, "renew_deadline": 3.0, "retry_period": 1.0}
PAGE = (Path(__file__).parents[2] / "docs/operators.md").read_text("utf-8")


class Clock:
    """Both clocks of a candidate; ``ahead`` may be set."""

    ahead = 0.0

    def __call__(self):
        return boottime() + self.ahead

    def time(self):
        return time.time() + self.ahead

    def wall(self):
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.ahead)


class Ours:
    def __init__(self, ground, _folder, times, _monkeypatch):
        self.clock = Clock()
        lease = gr.Lease("contested", ground.namespace, "candidate", **times)
        self.elector = Elector(ground.connect(), lease, wall=self.clock.wall, clock=self.clock)
        self.elector.start()

    @property
    def believes(self):
        return self.elector.holds

    def release(self):
        """Let go what the server holds of it."""

    def close(self):
        self.release()
        self.elector.stop(releases=False)


class Over(Exception):
    """Ends the thread of a peer."""


class Peer:
    """Its thread cannot be ended: it goes with its Lease, or with the process."""

    def __init__(self, ground, folder, times, monkeypatch):
        self.clock = Clock()
        stand_in = types.SimpleNamespace(time=self.clock.time, sleep=self.sleep)
        monkeypatch.setattr(leaderelection, "time", stand_in)
        self.is_over, self.believes = threading.Event(), False
        lock = LeaseLock("contested", ground.namespace, "candidate")
        lock.api_instance = client.CoordinationV1Api(config.new_client_from_config(str(ground.kubeconfig(folder))))
        wishes = Config(lock, *times.values(), onstarted_leading=self.begin, onstopped_leading=self.end)
        self.thread = threading.Thread(target=self.run, args=(leaderelection.LeaderElection(wishes),), daemon=True)
        self.thread.start()

    def run(self, election):
        try:
            election.run()
        except Exception as error:  # noqa: BLE001 - It would end its thread with a traceback.
            self.error = error

    def sleep(self, seconds):
        if self.is_over.wait(seconds):
            raise Over

    def release(self):
        """Let go what the server holds of it."""

    def begin(self):
        self.believes = True

    def end(self):
        self.believes = False

    def close(self):
        self.is_over.set()
        self.release()
        self.thread.join(45)


@pytest.fixture
def contest(ground, control_plane, tmp_path, monkeypatch):
    """``candidate(kind)`` behind the faults, and a ``rival`` in front of them, which is to be started."""
    opened = []
    cluster = gr.connect(kubeconfig=str(control_plane.kubeconfig))

    def candidate(kind, times):
        opened.append(kind(ground, tmp_path, times, monkeypatch))
        return opened[-1]

    def rival(**times):
        lease = gr.Lease("contested", ground.namespace, "rival", **times)
        elector = Elector(cluster, lease, wall=lambda: dt.datetime.now(dt.UTC))
        elector.start()
        opened.append(types.SimpleNamespace(close=lambda: elector.stop(releases=False)))
        return elector

    yield types.SimpleNamespace(candidate=candidate, rival=rival)
    ground.faults.clear()
    for one in opened:
        one.close()


def refused(ground, candidate):
    ground.faults.add(Refuse(500), resource="leases", times=None)


def dropped(ground, candidate):
    ground.faults.add(Drop(), resource="leases", times=None)


def silent(ground, candidate):
    hold = Hold()
    ground.faults.add(hold, resource="leases", times=None)
    candidate.release = hold.released.set


def refused_and_back(ground, candidate):
    refused(ground, candidate)
    since = len(ground.log)
    eventually(lambda: looks(ground, since))
    candidate.clock.ahead -= 3600.0


FAULTS = {
    "the server refuses each renewal": (refused, False),
    "connections end": (dropped, True),
    "no answer comes": (silent, True),
    "the clock goes back while renewals are refused": (refused_and_back, True),
}


@pytest.mark.parametrize("kind", [Ours, Peer])
@pytest.mark.parametrize("row", FAULTS)
def test_s25_whether_two_believe_to_lead(ground, contest, row, kind):
    fault, peer_does = FAULTS[row]
    candidate = contest.candidate(kind, TIMES)
    eventually(lambda: candidate.believes)
    rival = contest.rival(**TIMES)
    eventually(lambda: rival.holder == "candidate")
    fault(ground, candidate)
    eventually(lambda: rival.holds)
    assert candidate.believes is (peer_does and kind is Peer)
    if kind is Peer:
        assert candidate.thread.is_alive() is (fault in {silent, refused_and_back})


def test_the_page_says_what_is_measured():
    table = re.search(r"^\| fault \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)[1]
    told = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    measured = {row: does for row, (_, does) in FAULTS.items()} | {told[-1][0]: True}
    assert {fault: (ours, peer.partition(":")[0]) for fault, ours, peer in told} == {
        row: ("no", "yes" if does else "no") for row, does in measured.items()
    }


@pytest.mark.parametrize("kind", [Ours, Peer])
def test_s26_whether_a_clock_that_goes_ahead_takes_a_lease_from_its_holder(ground, contest, kind):
    rival = contest.rival(duration=40, renew_deadline=30.0, retry_period=6.0)
    eventually(lambda: rival.holds)
    candidate = contest.candidate(kind, {"duration": 40, "renew_deadline": 3.0, "retry_period": 1.0})
    eventually(lambda: len(looks(ground)) >= 2)
    renewed = spec(ground)["renewTime"]
    candidate.clock.ahead += 3600.0
    if kind is Peer:
        eventually(lambda: candidate.believes)
        assert spec(ground)["holderIdentity"] == "candidate"
    else:
        eventually(lambda: spec(ground)["renewTime"] > renewed)
        assert (candidate.believes, rival.holds) == (False, True)


def looks(ground, since=0):
    return ground.log.entries(since=since, where=lambda entry: entry.target.resource == "leases")


def spec(ground):
    return ground.admin.get(PATH.format(ground.namespace))["spec"]
