"""A controller's process is killed at any write, or a server while it runs; nothing tells the difference."""

import itertools
import os
import signal
import subprocess
import sys
import threading

import pytest

from faults.worlds.served import BOUND
from faults.worlds.small import World
from faults.worlds.test_process_dies import MOMENTS, ROOT
from faults.worlds.test_servers_die import SERVERS, Meddling
from support.eventually import eventually

WRITES = 19
"""As in ``test_points_acting``."""


def points(others, quick):
    """All of them; one is quick."""
    found = itertools.product(range(1, WRITES + 1), others)
    return [pytest.param(*point, marks=[pytest.mark.slow] * (point != quick)) for point in found]


def test_the_world_of_a_controller_is_as_small_as_it_says(acted):
    (_, tally), sent = acted
    assert sent == WRITES
    made, gone = (sum(counts) for counts in zip(*tally.values(), strict=True))
    # What was there at first, its namespace, and what is of others; the gadget is of no kind that is observed.
    assert (made, gone) == (6 + 1 + len(World("x").before()) + 2, 4)


def run_until_death(mortal, world, nth, moment):
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    command = [sys.executable, "-m", "faults.worlds.acting_dying", mortal.kubeconfig, world.suffix, str(nth), moment]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, timeout=240, check=False).returncode


@pytest.mark.parametrize(("nth", "moment"), points(MOMENTS, quick=(2, "sent")))
def test_a_controllers_process_that_dies_at_a_write_leaves_no_trace(mortal, acted, nth, moment):
    world = mortal.parented()
    assert run_until_death(mortal, world, nth, moment) == -signal.SIGKILL
    with world.program(mortal.connect()) as program:
        world.rest(program)
    assert (world.state(mortal.read), mortal.tally(world)) == acted[0]
    mortal.remove(world)


@pytest.mark.parametrize(("nth", "server"), points(SERVERS, quick=None))
def test_a_server_that_dies_under_a_controller_leaves_no_trace(mortal, acted, nth, server):
    world, died = mortal.parented(), []

    def meddle():
        down = mortal.plane.down(server)
        down.__enter__()  # Killed now; it comes back while the controller is at work.
        thread = threading.Thread(target=down.__exit__, args=(None, None, None))
        thread.start()
        died.append(thread)

    with world.program(Meddling(mortal.connect(), nth, meddle)) as program:
        eventually(lambda: died, "the write at which it dies", timeout=BOUND)
        died[0].join()
        world.rest(program)
    assert (world.state(mortal.read), mortal.tally(world)) == acted[0]
    mortal.remove(world)
