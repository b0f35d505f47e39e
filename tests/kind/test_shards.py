"""Parents in shards on a real server: four processes, of which some are killed, stopped, or started with another number
of shards, while somebody edits the parents all the time. What they did is read from the server's audit log.
"""

import datetime as dt
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pytest
import yaml

import genreconcile as gr
from genreconcile.election import ShardElector, shard_of
from genreconcile.objects import ObjectKey
from genreconcile.testing import ControlPlane
from support.audit import AuditLog
from support.eventually import LONG, eventually
from support.pages import texts
from unit.controllers.things import definition, thing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operators.md").read_text("utf-8")
PROGRAM = Path(__file__).with_name("sharded_program.py")
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
THINGS = "/apis/example.com/v1/namespaces/{}/things"
MAPS = "/api/v1/namespaces/{}/configmaps"
SHORT = {"duration": 6, "renew_deadline": 4.0, "retry_period": 0.5, "takeover_after": 4.0}
POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Request, verbs: [create, update], resources: [{group: coordination.k8s.io, resources: [leases]}]}
- {level: Metadata}
"""
WRITES = {"create", "patch", "delete", "update"}
OK = range(200, 300)
NAMES = [f"thing-{number}" for number in range(24)]


class Holding(NamedTuple):
    """From ``since``, when the server had the write of a Lease, ``user`` was its holder."""

    since: str
    user: str


class Write(NamedTuple):
    """A write to a parent or its child, from its arrival to its answer."""

    began: str
    ended: str
    user: str
    key: str
    verb: str


class Process:
    """One replica; ``user`` is its name at the server, and its identity in the Leases."""

    def __init__(self, world, shards, ordinal, wait, workers):
        self.user = f"of-{shards}-ordinal-{ordinal}-number-{next(world.numbers)}"
        self.shards, self.ordinal = shards, ordinal
        place = world.folder / self.user
        place.mkdir()
        job = {
            "kubeconfig": str(world.plane.user_kubeconfig(self.user, ["system:masters"])),
            "namespace": world.namespace,
            "wait": wait,
            "workers": workers,
            "lease": {
                "name": "things",
                "namespace": world.namespace,
                "identity": self.user,
                "shards": shards,
                "shard_identity": ordinal,
                **SHORT,
            },
        }
        (place / "job.json").write_text(json.dumps(job))
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "NO_PROXY": "*"}
        self.log = place / "log"
        with self.log.open("w") as log:
            self.popen = subprocess.Popen([sys.executable, PROGRAM, place / "job.json"], stderr=log, env=environment)

    def send(self, how):
        self.popen.send_signal(how)

    def stop(self):
        self.send(signal.SIGTERM)
        assert self.popen.wait(LONG) == 0, self.log.read_text()


class World:
    """A namespace, and the processes in it."""

    def __init__(self, plane, folder, namespace):
        self.plane, self.folder, self.namespace = plane, folder, plane.create_namespace(namespace)
        self.cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.numbers = itertools.count()
        self.processes = []

    def start(self, shards, ordinal, wait=0.0, workers=4):
        process = Process(self, shards, ordinal, wait, workers)
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            process.send(signal.SIGCONT)
            process.popen.kill()
            process.popen.wait()

    def get(self, path):
        return json.loads(self.cluster.request("GET", path.format(self.namespace)))

    def holders(self, shards):
        found = {one["metadata"]["name"]: one["spec"].get("holderIdentity") for one in self.get(LEASES)["items"]}
        return [found.get(f"things-{number}-of-{shards}") or "" for number in range(shards)]

    def create(self, names):
        for name in names:
            body = json.dumps(thing(name, namespace=self.namespace, value="0")).encode()
            self.cluster.request("POST", THINGS.format(self.namespace), body=body)

    def edit(self, name, value):
        body = json.dumps([{"op": "replace", "path": "/spec/value", "value": value}]).encode()
        path = f"{THINGS.format(self.namespace)}/{name}"
        self.cluster.request("PATCH", path, body=body, content_type="application/json-patch+json")

    def values(self):
        items = self.get(MAPS)["items"]
        return {one["metadata"]["name"]: one["data"]["value"] for one in items if "value" in one.get("data", {})}

    def lag(self):
        """The logs of all, for a wait that was in vain."""
        return "\n".join(f"{one.user}\n{one.log.read_text()[-2000:]}" for one in self.processes)


class Editor:
    """Edits the parents one after the other, until it ends; ``last`` is what the children are to be then."""

    def __init__(self, world):
        self.world, self.last, self.edits = world, dict.fromkeys(NAMES, "0"), 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        for number, name in enumerate(itertools.cycle(NAMES), start=1):
            if self.ending.wait(0.02):
                return
            self.world.edit(name, str(number))
            self.last[name], self.edits = str(number), number

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()

    def goes_on(self, what):
        """All children take the values of edits that begin now."""
        since = self.edits
        eventually(lambda: min(map(int, self.world.values().values())) > since, what, timeout=2 * LONG)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A control plane with its audit log, which has what is written into Leases, and the kind of the parents."""
    folder = tmp_path_factory.mktemp("audit")
    log = AuditLog(folder, "")
    log.policy.write_text(POLICY)
    with ControlPlane(extra_apiserver_args=log.arguments) as plane:
        with gr.Reconciler(gr.connect(kubeconfig=str(plane.kubeconfig)), field_manager="author") as author:
            author.reconcile([definition()]).raise_for_failures()
        yield plane, log


@pytest.fixture
def world(served, tmp_path, request):
    plane, _ = served
    world = World(plane, tmp_path, request.node.name.replace("_", "-").partition("[")[0])
    yield world
    world.close()


def history(log, world):
    """(the holders of each Lease over time, all writes to parents and children), of those that the server took."""
    holdings, writes, users = {}, [], {process.user for process in world.processes}
    for event in log.logged():
        user, ref = event["user"]["username"], event.get("objectRef", {})
        is_taken = event["stage"] == "ResponseComplete" and event["responseStatus"]["code"] in OK
        if user not in users or not is_taken or ref.get("namespace") != world.namespace:
            continue
        if event["verb"] not in WRITES or "dryRun" in event["requestURI"] or ref["resource"] == "events":
            continue
        if ref["resource"] == "leases":
            body = event["requestObject"]
            version = int(body["metadata"].get("resourceVersion") or 0)
            holdings.setdefault(body["metadata"]["name"], []).append(
                (version, Holding(event["stageTimestamp"], body["spec"].get("holderIdentity") or ""))
            )
        else:
            name = ref.get("name") or event["requestObject"]["metadata"]["name"]
            writes.append(Write(event["requestReceivedTimestamp"], event["stageTimestamp"], user, name, event["verb"]))
    ordered = {name: [holding for _, holding in sorted(found)] for name, found in holdings.items()}
    return ordered, sorted(writes)


def shards_of(user):
    return int(user.split("-")[1])


def lease_of(write, namespace):
    shards = shards_of(write.user)
    return f"things-{shard_of(ObjectKey('example.com', 'Thing', namespace, write.key), shards)}-of-{shards}"


def holder_at(holdings, when):
    """Who held a Lease, after the last write of it that had ended by then."""
    return next((one.user for one in reversed(holdings) if one.since <= when), "")


def runs(values):
    return [value for value, _ in itertools.groupby(values)]


def roll(world, old, shards, ordinals):
    """Replace replicas one after the other by such of another number of shards."""
    new = {}
    for ordinal in ordinals:
        old[ordinal].stop()
        new[ordinal] = world.start(shards, ordinal)
    return new


def await_holders(world, shards, replicas):
    users = [replicas[ordinal].user for ordinal in range(shards)]
    eventually(lambda: world.holders(shards) == users, world.lag, timeout=2 * LONG)


def await_takeover(world, shards, shard):
    """Somebody else holds a shard in the end; who."""
    before = world.holders(shards)[shard]
    eventually(lambda: world.holders(shards)[shard] not in {"", before}, world.lag, timeout=2 * LONG)
    return world.holders(shards)[shard]


def change_all(world, editor):
    """All that happens to the four processes; returns one that was stopped and continued."""
    two = {ordinal: world.start(2, ordinal) for ordinal in range(4)}
    await_holders(world, 2, two)
    editor.goes_on("two shards")

    three = roll(world, two, 3, (3, 2, 1))
    eventually(lambda: world.holders(2) == [two[0].user] * 2, world.lag, timeout=2 * LONG)
    editor.goes_on("one replica of two shards has both, and those of three wait")
    assert world.holders(3) == ["", "", ""]
    three |= roll(world, two, 3, (0,))
    await_holders(world, 3, three)
    editor.goes_on("three shards")

    three[1].send(signal.SIGKILL)
    assert await_takeover(world, 3, 1) == three[3].user, "it is taken by the replica that holds nothing"
    editor.goes_on("the shard of a lost node was taken over")
    three[1] = world.start(3, 1)
    await_holders(world, 3, three)
    editor.goes_on("and handed back")

    three[2].send(signal.SIGSTOP)
    await_takeover(world, 3, 2)
    editor.goes_on("the shard of a process that stands was taken over")
    three[2].send(signal.SIGCONT)
    await_holders(world, 3, three)
    editor.goes_on("and handed back when it goes on")

    two = roll(world, three, 2, (3, 2, 1, 0))
    await_holders(world, 2, two)
    editor.goes_on("two shards again")
    return three[2]


@pytest.mark.slow
def test_the_writers_of_each_parent(served, world, capsys):
    _, log = served
    world.create(NAMES)
    with Editor(world) as editor:
        stopped = change_all(world, editor)
    eventually(lambda: world.values() == editor.last, world.lag)
    for process in world.processes[-4:]:
        process.stop()
    assert world.holders(2) == ["", ""]

    holdings, writes = history(log, world)
    assert runs(shards_of(write.user) for write in writes) == [2, 3, 2], "never two partitions at a time"
    late = [one for one in writes if holder_at(holdings[lease_of(one, world.namespace)], one.began) != one.user]
    assert len(late) <= 1, late  # A process that is stopped between the question and the bytes sends one.
    assert {write.user for write in late} <= {stopped.user}
    writers = {}
    for key in NAMES:
        own = [write for write in writes if write.key == key and write not in late]
        for before, after in itertools.pairwise(own):
            assert before.user == after.user or before.ended <= after.began, "two writers at one time"
        writers[key] = tuple(runs(write.user for write in own))
    assert all(len(users) >= 3 for users in writers.values()), "each parent has changed hands"
    with capsys.disabled():
        print(f"\n{len(writes)} writes after {editor.edits} edits of {len(NAMES)} parents; writers over time:")
        for users, count in sorted(Counter(writers.values()).items()):
            print(f"  {count:2} parents: " + ", ".join(user.removeprefix("of-") for user in users))


def test_the_rights_of_the_page_suffice(served, world):
    plane, _ = served
    group, namespace = "rbac.authorization.k8s.io", world.namespace
    (rules,) = (text for text in texts(PAGE, "yaml") if "apps-0-of-3" in text)
    metadata = {"name": "apps", "namespace": namespace}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, **yaml.safe_load(rules)}
    subject = {"apiGroup": group, "kind": "User", "name": "least"}
    reference = {"apiGroup": group, "kind": "Role", "name": "apps"}
    binding = {
        "apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": metadata, "roleRef": reference,
        "subjects": [subject],
    }  # fmt: skip
    with gr.Reconciler(world.cluster, field_manager="author") as author:
        author.reconcile([role, binding]).raise_for_failures()
    least = gr.connect(kubeconfig=str(plane.user_kubeconfig("least", [])))
    replicas = []
    for ordinal in range(2):
        settings = {**SHORT, "takeover_after": 0.0, "shards": 3, "shard_identity": ordinal}
        lease = gr.Lease("apps", namespace, **settings)
        replicas.append(ShardElector(least, lease, wall=lambda: dt.datetime.now(dt.UTC), is_ready=lambda: True))
    first, second = replicas
    first.start()
    eventually(lambda: all(map(first.holds, range(3))), "RBAC takes a moment")
    second.start()
    eventually(lambda: first.wait_for_end(1) and first.holds(1), "it is asked for the shard")
    first.give_back(1)
    eventually(lambda: second.holds(1))
    for replica in replicas:
        replica.close()
        for shard in range(3):
            if replica.holds(shard):
                replica.give_back(shard)
        replica.stop()
    assert {one["spec"].get("holderIdentity") or "" for one in world.get(LEASES)["items"]} == {""}


def rate(world, names, value):
    """Parents in a second, each of whose runs waits for 50 ms: from the edit of all to the last child."""
    began = time.monotonic()
    for name in names:
        world.edit(name, value)
    eventually(lambda: world.values() == dict.fromkeys(names, value), world.lag, timeout=4 * LONG)
    return len(names) / (time.monotonic() - began)


@pytest.mark.slow
def test_throughput(world, capsys):
    names = [f"thing-{number}" for number in range(100)]
    world.create(names)
    slow = {"wait": 0.05, "workers": 1}  # So that the wait is what limits, and not the machine.
    replicas = {0: world.start(2, 0, **slow)}
    found, values = {1: [], 2: []}, map(str, itertools.count(1))
    for _ in range(3):
        eventually(lambda: world.holders(2) == [replicas[0].user] * 2, world.lag, timeout=2 * LONG)
        rate(world, names, next(values))  # With what was queued when the shards were gained.
        found[1].append(rate(world, names, next(values)))
        replicas[1] = world.start(2, 1, **slow)
        await_holders(world, 2, replicas)
        rate(world, names, next(values))
        found[2].append(rate(world, names, next(values)))
        replicas[1].stop()
    one, two = median(found[1]), median(found[2])
    told = {number: " ".join(f"{one:.0f}" for one in rates) for number, rates in found.items()}
    with capsys.disabled():
        print(f"\nparents in a second whose runs wait 50 ms: one replica {told[1]}, two {told[2]}; {two / one:.2f} x")
    assert two > one
