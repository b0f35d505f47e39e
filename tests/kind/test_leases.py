"""Programs under a Lease on a real server: what one that sleeps may still do, and how soon another follows."""

import datetime as dt
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

import genreconcile as gr
from genreconcile.election import Elector
from genreconcile.testing import ControlPlane
from support.audit import AuditLog
from support.eventually import LONG, eventually
from support.pages import texts
from unit.controllers.things import definition, thing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operators.md").read_text("utf-8")
PROGRAM = Path(__file__).with_name("leased_program.py")
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases/things"
THINGS = "/apis/example.com/v1/namespaces/{}/things"
MAPS = "/api/v1/namespaces/{}/configmaps"
PARENTS = ("one", "two", "three", "four")
SHORT = {"duration": 6, "renew_deadline": 4.0, "retry_period": 0.5}
JSON_PATCH = "application/json-patch+json"
WRITES = {"create", "patch", "delete", "update"}
NUMBERS = itertools.count()


class World:
    """A namespace, and the programs in it."""

    def __init__(self, plane, folder, namespace):
        self.plane, self.folder, self.namespace = plane, folder, plane.create_namespace(namespace)
        self.cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.processes = []

    def start(self, user, **lease):
        """A program of this user, with ``stop_at``, ``questions`` and ``log``."""
        place = self.folder / user
        place.mkdir()
        job = {
            "kubeconfig": str(self.plane.user_kubeconfig(user, ["system:masters"])),
            "namespace": self.namespace,
            "stop_at": str(place / "stop"),
            "questions": str(place / "questions"),
            "lease": {"name": "things", "namespace": self.namespace, "identity": user, **lease},
        }
        (place / "job.json").write_text(json.dumps(job))
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "NO_PROXY": "*"}
        with (place / "log").open("w") as log:
            process = subprocess.Popen([sys.executable, PROGRAM, place / "job.json"], stderr=log, env=environment)
        process.stop_at, process.log = place / "stop", place / "log"
        process.questions = place / "questions"
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()

    def get(self, path):
        return json.loads(self.cluster.request("GET", path.format(self.namespace)))

    def holder(self):
        try:
            return self.get(LEASES)["spec"]["holderIdentity"]
        except gr.NotFound:
            return ""

    def create(self, *objects):
        for obj in objects:
            self.cluster.request("POST", THINGS.format(self.namespace), body=json.dumps(obj).encode())

    def edit(self, **spec):
        """All parents, one after the other."""
        operations = [{"op": "add", "path": f"/spec/{key}", "value": value} for key, value in spec.items()]
        for name in PARENTS:
            own = json.dumps(operations).replace("{}", name).encode()
            path = f"{THINGS.format(self.namespace)}/{name}"
            self.cluster.request("PATCH", path, body=own, content_type=JSON_PATCH)

    def children(self):
        items = self.get(MAPS)["items"]
        return {one["metadata"]["name"]: one["data"]["value"] for one in items if "value" in one.get("data", {})}


def children(*forms, value):
    return {form.format(name): value for form in forms for name in PARENTS}


def is_stopped(process):
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A control plane with its audit log, and the kind of the parents."""
    folder = tmp_path_factory.mktemp("audit")
    log = AuditLog(folder, "")
    with ControlPlane(extra_apiserver_args=log.arguments) as plane:
        with gr.Reconciler(gr.connect(kubeconfig=str(plane.kubeconfig)), field_manager="author") as author:
            author.reconcile([definition()]).raise_for_failures()
        yield plane, folder


@pytest.fixture
def world(served, tmp_path):
    plane, _ = served
    world = World(plane, tmp_path, f"leases-{next(NUMBERS)}")
    yield world
    world.close()


def sent(folder, user, namespace):
    """(time, verb, resource, code) of each write of a user in a namespace, from the server's audit log."""
    events = AuditLog(folder, user).events()
    return [
        (
            event["requestReceivedTimestamp"],
            event["verb"],
            event["objectRef"]["resource"],
            event["responseStatus"]["code"],
        )
        for event in events
        if event["verb"] in WRITES
        and event["objectRef"].get("namespace") == namespace
        and "dryRun" not in event["requestURI"]
    ]


# A patch tests the values that it replaces: one that comes late, when the next holder has written others, is refused.
LATE = {
    "a late create": {"first": {"names": ["{}", "{}-late"]}, "then": {"names": ["{}"]}, "ends": {("create", 201)}},
    "a late patch": {"first": {"value": "2"}, "then": {"value": "3"}, "ends": {("patch", 422)}},
    "a late deletion": {"first": {"names": []}, "then": {"names": ["{}"]}, "ends": {("delete", 404), ("delete", 409)}},
}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="says whether a process is stopped")
@pytest.mark.parametrize("row", LATE)
def test_a_process_that_sleeps_between_the_question_and_the_bytes(served, world, row):
    _, folder = served
    case = LATE[row]
    wanted = {"names": ["{}"], "value": "1"} | case["then"]
    world.create(*(thing(name, namespace=world.namespace, names=[name], value="1") for name in PARENTS))
    user = row.replace(" ", "-")
    first = world.start(f"first-{user}", **SHORT)
    eventually(lambda: world.children() == children("{}", value="1") and not unseen(world), first.log.read_text)
    second = world.start(f"second-{user}", **SHORT)
    eventually(lambda: "held by first" in second.log.read_text())

    first.stop_at.touch()
    world.edit(**case["first"])
    eventually(lambda: is_stopped(first), first.log.read_text)
    eventually(lambda: world.holder() == f"second-{user}", second.log.read_text)
    until_then = {"names": ["{}"], "value": "1"} | case["first"]
    middle = children(*until_then["names"], value=until_then["value"])
    eventually(lambda: world.children() == middle, second.log.read_text)  # Else nothing has changed since.
    world.edit(**case["then"])
    end = children(*wanted["names"], value=wanted["value"])
    eventually(lambda: world.children() == end and not unseen(world), second.log.read_text)
    since = world.get(LEASES)["spec"]["acquireTime"]
    first.send_signal(signal.SIGCONT)
    assert first.wait(LONG) == 3, first.log.read_text()
    assert "lost" in first.log.read_text()
    eventually(lambda: world.children() == end, second.log.read_text)

    late = [found for found in sent(folder, f"first-{user}", world.namespace) if found[0] > since]
    of_objects = [found for found in late if found[2] != "leases"]
    assert len(of_objects) == 1, "one at most, and this one was forced"
    ((_, verb, _, code),) = of_objects
    assert (verb, code) in case["ends"], of_objects
    assert {code for *_, resource, code in late if resource == "leases"} <= {409}
    lines = first.questions.read_text().splitlines()
    continued = next(number for number, line in enumerate(lines) if line.endswith("continued"))
    after = [line.split()[1] for line in lines[continued + 1 :]]
    assert set(after) == {"False"}, "whoever asks after the sleep is told no"
    assert world.holder() == f"second-{user}"


def unseen(world):
    """The parents whose last generation has no status yet."""
    items = world.get(THINGS)["items"]
    return [
        one["metadata"]["name"]
        for one in items
        if one.get("status", {}).get("observedGeneration") != one["metadata"]["generation"]
    ]


def seconds(earlier, later):
    return (dt.datetime.fromisoformat(later) - dt.datetime.fromisoformat(earlier)).total_seconds()


class Takeover(NamedTuple):
    """``took``: seconds from the signal to the new holder's first write of the Lease; ``unrenewed``: from the last
    write of the one before.
    """

    how: signal.Signals
    took: float
    unrenewed: float


def take_over(world, lease, running, number, how):
    """Another process follows; it, and how that went."""
    following = world.start(f"process-{number}", **lease)
    eventually(lambda: "held by" in following.log.read_text())
    began = dt.datetime.now(dt.UTC).isoformat()
    running.send_signal(how)
    assert running.wait(LONG) == (0 if how == signal.SIGTERM else -how), running.log.read_text()
    before = world.get(LEASES)["spec"]["renewTime"]
    eventually(lambda: world.holder() == f"process-{number}", following.log.read_text, timeout=2 * LONG)
    after = world.get(LEASES)["spec"]["acquireTime"]
    return following, Takeover(how, seconds(began, after), seconds(before, after))


def test_the_rights_of_the_page_suffice(served, world):
    plane, _ = served
    group, namespace = "rbac.authorization.k8s.io", world.namespace
    (rules,) = (text for text in texts(PAGE, "yaml") if "resourceNames: [apps]" in text)
    metadata = {"name": "apps", "namespace": namespace}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, **yaml.safe_load(rules)}
    subject = {"apiGroup": group, "kind": "User", "name": "least"}
    reference = {"apiGroup": group, "kind": "Role", "name": "apps"}
    binding = {**role, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]}
    del binding["rules"]
    with gr.Reconciler(world.cluster, field_manager="author") as author:
        author.reconcile([role, binding]).raise_for_failures()
    least = gr.connect(kubeconfig=str(plane.user_kubeconfig("least", [])))
    lease = gr.Lease("apps", namespace, **SHORT)
    elector = Elector(least, lease, wall=lambda: dt.datetime.now(dt.UTC))
    elector.start()
    path = LEASES.replace("things", "apps")
    eventually(lambda: elector.holds, "RBAC takes a moment")
    renewed = world.get(path)["spec"]["renewTime"]
    eventually(lambda: world.get(path)["spec"]["renewTime"] > renewed)
    elector.stop(releases=True)
    assert not world.get(path)["spec"].get("holderIdentity")


@pytest.mark.parametrize("lease", [SHORT, pytest.param({}, marks=pytest.mark.slow)], ids=["short", "default"])
def test_takeover(world, lease, capsys):
    chosen = gr.Lease("things", **lease)
    world.create(*(thing(name, namespace=world.namespace, names=[name], value="1") for name in PARENTS))
    running = world.start("process-0", **lease)
    eventually(lambda: world.holder() == "process-0", running.log.read_text)
    found = []
    for number, how in enumerate((signal.SIGKILL, signal.SIGTERM) * 2, start=1):
        running, takeover = take_over(world, lease, running, number, how)
        found.append(takeover)
    told = ", ".join(f"{one.how.name} {one.took:.1f} s" for one in found)
    with capsys.disabled():
        print(f"\ntakeover with a Lease of {chosen.duration} s, longest pause {chosen.longest_pause:.1f} s: {told}")
    for one in found:
        assert (one.unrenewed >= chosen.duration) is (one.how == signal.SIGKILL)
        if not lease and one.how == signal.SIGKILL:
            assert one.took <= chosen.duration + 2 * chosen.longest_pause
        if not lease and one.how == signal.SIGTERM:
            assert one.took <= 5.0
    world.edit(value="2")
    eventually(lambda: world.children() == children("{}", value="2"), running.log.read_text)
