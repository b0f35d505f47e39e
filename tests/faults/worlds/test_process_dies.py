"""Scenarios 1 and 2: the reconciling process dies at any write, is started again, and nothing tells the difference."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import genreconcile as gr
from faults.worlds.small import ROUNDS, WRITES, World

ROOT = Path(__file__).parents[3]
MOMENTS = ("sent", "answered")
QUICK = [(2, "sent")]
"""The definition of a kind, on which others wait."""
MORE = [(nth, moment) for nth in range(1, WRITES + 1) for moment in MOMENTS if (nth, moment) not in QUICK]


def run_until_death(mortal, world, nth, moment):
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    command = [sys.executable, "-m", "faults.worlds.dying", mortal.kubeconfig, world.suffix, str(nth), moment]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, timeout=120, check=False).returncode


def converge(mortal, world):
    """A new process' Reconciler: within so many rounds nothing fails, and then nothing is sent."""
    with gr.Reconciler(mortal.connect()) as reconciler:
        for _ in range(ROUNDS):
            result = reconciler.reconcile(world.expected(), **world.settings)
            if not result.counts["failed"]:
                break
        result.raise_for_failures()
        sent = mortal.sent(world)
        for _ in range(ROUNDS):
            assert reconciler.reconcile(world.expected(), **world.settings).counts["unchanged"] == len(world.expected())
        assert mortal.sent(world) == sent


def test_the_workload_is_as_small_as_it_says(fault_free):
    _, tally, sent = fault_free
    assert sent == WRITES
    made, gone = (sum(counts) for counts in zip(*tally.values(), strict=True))
    # What was there at first, and its namespace, was made too; the gadget is of no kind that is observed.
    assert (made, gone) == (6 + 1 + len(World("x").before()), 4)


@pytest.mark.parametrize(("nth", "moment"), [*QUICK, *(pytest.param(*point, marks=pytest.mark.slow) for point in MORE)])
def test_a_process_that_dies_at_a_write_leaves_no_trace(mortal, fault_free, nth, moment):
    state, tally, _ = fault_free
    world = mortal.world()
    assert run_until_death(mortal, world, nth, moment) == -signal.SIGKILL
    converge(mortal, world)
    assert world.state(mortal.read) == state
    assert mortal.tally(world) == tally
    mortal.remove(world)
