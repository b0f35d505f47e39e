"""The API server or etcd is killed in the middle of a reconcile; the Reconciler lives on, and so does its cache."""

import threading

import pytest

import genreconcile as gr
from faults.worlds.small import ROUNDS, WRITES
from support.api.passing import Passing
from support.eventually import eventually

SERVERS = ("kube-apiserver", "etcd")
QUICK = [(9, "kube-apiserver")]
MORE = [(nth, server) for nth in range(1, WRITES + 1) for server in SERVERS if (nth, server) not in QUICK]
BOUND = 180.0
"""Seconds for the watches to come back: the longest pause between two attempts is 30."""


class Meddling(Passing):
    """A Cluster that calls ``meddle`` in the middle of its nth write: others are in flight, this one is not sent."""

    def __init__(self, cluster, nth, meddle):
        super().__init__(cluster)
        self._nth = nth
        self._meddle = meddle
        self._lock = threading.Lock()
        self._seen = 0

    def request(self, method, path, **options):
        if method != "GET":
            with self._lock:
                self._seen += 1
                is_due = self._seen == self._nth
            if is_due:
                self._meddle()
        return super().request(method, path, **options)


def converged(mortal, reconciler, world):
    """Reconcile until all is well; returns how often nothing was known of the server meanwhile."""
    lost = []

    def is_well():
        try:
            result = reconciler.reconcile(world.expected(), **world.settings)
        except gr.Unreachable as error:
            lost.append(error)
            return False
        return not result.counts["failed"] and result.counts["unchanged"] == len(world.expected())

    eventually(is_well, timeout=BOUND, pause=0.2)
    return len(lost)


@pytest.mark.parametrize(("nth", "server"), [*QUICK, *(pytest.param(*point, marks=pytest.mark.slow) for point in MORE)])
def test_a_server_that_dies_in_the_middle_leaves_no_trace(mortal, fault_free, nth, server):
    state, tally, _ = fault_free
    world, died = mortal.world(), []

    def meddle():
        down = mortal.plane.down(server)
        down.__enter__()  # Killed now; it comes back while the engine is at work.
        died.append(threading.Thread(target=down.__exit__, args=(None, None, None)))
        died[0].start()

    with gr.Reconciler(Meddling(mortal.connect(), nth, meddle)) as reconciler:
        converged(mortal, reconciler, world)
        died[0].join()
        converged(mortal, reconciler, world)
        sent = mortal.sent(world)
        for _ in range(ROUNDS):
            reconciler.reconcile(world.expected(), **world.settings).raise_for_failures()
        assert mortal.sent(world) == sent
    assert world.state(mortal.read) == state
    assert mortal.tally(world) == tally
    mortal.remove(world)
