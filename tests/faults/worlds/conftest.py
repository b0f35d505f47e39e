"""A control plane of this machine's processes, which are killed: so no other test shares it."""

import itertools
import json
from collections import Counter

import pytest

import genreconcile as gr
from faults.worlds.observer import Observer
from faults.worlds.served import Served
from faults.worlds.small import World
from genreconcile.errors import ClusterError
from genreconcile.testing import ControlPlane, sources
from support.audit import AuditLog

_numbers = itertools.count(1)
POINTS = {
    "test_crash_at_each_write": "crashes, before and after each write (scripted)",
    "test_two_crashes": "pairs of crashes (scripted)",
    "test_stale_view_at_each_step": "restarts on a stale view: after each write, each older revision (scripted)",
    "test_each_event_hidden": "hidden events (scripted)",
    "test_controller_crashes_at_each_write": "controller: crashes, before and after each write (scripted)",
    "test_controller_crashes_twice": "controller: pairs of crashes (scripted)",
    "test_controller_has_a_stale_view_at_each_step": "controller: restarts on a stale view, each older one (scripted)",
    "test_each_event_hidden_from_a_controller": "controller: hidden events (scripted)",
    "test_a_controllers_process_that_dies_at_a_write_leaves_no_trace": "controller: SIGKILL at a write (real)",
    "test_a_server_that_dies_under_a_controller_leaves_no_trace": "controller: SIGKILL of a server (real)",
    "test_a_process_that_dies_at_a_write_leaves_no_trace": "SIGKILL of the process at a write (real)",
    "test_a_server_that_dies_in_the_middle_leaves_no_trace": "SIGKILL of kube-apiserver or etcd at a write (real)",
}


def pytest_terminal_summary(terminalreporter):
    """How many points of the small worlds were run."""
    outcomes = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            name = report.nodeid.rpartition("::")[2].partition("[")[0]
            if name in POINTS and report.when == "call":
                outcomes[name, outcome] += 1
    if outcomes:
        terminalreporter.section("points of small worlds")
    for name, what in POINTS.items():
        passed, failed = outcomes[name, "passed"], outcomes[name, "failed"]
        if passed or failed:
            terminalreporter.write_line(f"{passed:4} ok{f', {failed} FAILED' * bool(failed)}  {what}")


class Mortal:
    """A real API server that can be killed, with its audit log; ``user`` is whom the engine runs as."""

    user = "runner"

    def __init__(self, plane, audit):
        self.plane = plane
        self.audit = audit
        self.kubeconfig = str(plane.user_kubeconfig(self.user, ["system:masters"]))
        self.admin = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.observer = Observer(self.admin)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.observer.close()

    def connect(self):
        return gr.connect(kubeconfig=self.kubeconfig)

    def send(self, method, path, obj):
        self.admin.request(method, path, body=json.dumps(obj).encode())

    def read(self, path):
        try:
            return json.loads(self.admin.request("GET", path))
        except ClusterError as error:
            if error.status != 404:
                raise
            return None

    def world(self):
        """A new one, with what is there at first."""
        world = World(f"n{next(_numbers)}x")
        self.plane.create_namespace(world.namespace)
        world.prepare(self.send)
        return world

    def parented(self):
        """A new one of a controller, whose parent has what is there at first, and wants what is expected."""
        world = Served(f"n{next(_numbers)}x", self)
        self.plane.create_namespace(world.namespace)
        world.begin()
        return world

    def tally(self, world):
        """(creates, deletions) of each object of the world: what it was compared by in Sieve."""
        return {
            tuple(name): tuple(counts) for name, counts in world.plain([*self.observer.tally(world.suffix).items()])
        }

    def sent(self, world):
        """How many writes of the engine the world has seen, whatever became of them."""
        return len(self.audit.writes(world.suffix))

    def remove(self, world):
        """Each definition makes the server slower."""
        self.admin.request("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.{world.group}")


@pytest.fixture(scope="session")
def audited(tmp_path_factory):
    """A control plane of this machine's processes, and its audit log."""
    patch = pytest.MonkeyPatch()
    # Only processes of this machine can be killed.
    patch.delenv("GENRECONCILE_TEST_KUBECONFIG", raising=False)
    patch.setattr(sources, "_kind", lambda _: None)
    audit = AuditLog(tmp_path_factory.mktemp("audit"), Mortal.user)
    with ControlPlane(extra_apiserver_args=audit.arguments) as plane:
        yield plane, audit
    patch.undo()


@pytest.fixture
def mortal(audited):
    """No thread outlives the test: others count them."""
    with Mortal(*audited) as opened:
        yield opened


@pytest.fixture(scope="session")
def fault_free(audited):
    """(end state, tally, writes) of a run that nothing disturbs."""
    with Mortal(*audited) as mortal:
        world = mortal.world()
        with gr.Reconciler(mortal.connect()) as reconciler:
            reconciler.reconcile(world.expected(), **world.settings).raise_for_failures()
        return world.state(mortal.read), mortal.tally(world), mortal.sent(world)


@pytest.fixture(scope="session")
def acted(audited):
    """((end state, tally), writes) of a controller that nothing disturbs."""
    with Mortal(*audited) as mortal:
        world = mortal.parented()
        begun = mortal.sent(world)
        with world.program(mortal.connect()) as program:
            world.rest(program)
        return (world.state(mortal.read), mortal.tally(world)), mortal.sent(world) - begun
