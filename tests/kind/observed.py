"""Programs in every trouble that an alert tells of, on a real server, for as long as somebody looks at them."""

import json
import os
import signal
import subprocess

import genreconcile as gr
from genreconcile.kinds.discovery import Discovery
from kind.operator_world import PATCH, PROGRAM
from kind.prometheus import free_port
from support.api.proxy import ProxiedServer
from support.eventually import eventually

MAP, ROLE, LEASE = "v1/ConfigMap", "rbac.authorization.k8s.io/v1/Role", "coordination.k8s.io/v1/Lease"
ONE_CHILD = """
import genreconcile as gr

@gr.controller("v1/ConfigMap", name="{name}", selector="of={name}", min_interval=0)
def stated(parent, ctx):
    if "raises" in parent["data"]:
        raise ValueError("not this one")
    if "reads" in parent["data"]:
        ctx.list(parent["data"]["reads"])
    name = parent["metadata"]["name"] + "-child"
    yield {{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": name}}, "data": {{"k": "mine"}}}}
"""
LATE = """
import pathlib, time

@gr.controller("v1/ConfigMap", name="slow", selector="of=slow", workers=1, min_interval=0)
def slow(parent, ctx):
    time.sleep(0.5)
    raise gr.Retry(0.1, "again and again")

@gr.controller("v1/ConfigMap", name="hung", selector="of=hung", workers=1, deadline=1)
def hung(parent, ctx):
    while pathlib.Path(parent["data"]["while"]).exists():
        time.sleep(0.05)
"""
OPERATORS = {
    "shop": ONE_CHILD.format(name="shop") + LATE,
    "denied": ONE_CHILD.format(name="denied"),
    "sharded": ONE_CHILD.format(name="sharded"),
    "standby": ONE_CHILD.format(name="standby"),
}
"""Each a program, and a job of Prometheus."""
SLOW = [f"slow-{number}" for number in range(10)]
RIGHTS = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch", "get", "create", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["configmaps/status"], "verbs": ["patch"]},
]


class Observed:
    """A namespace with parents in it, and the programs by job. ``denied`` may neither read Secrets nor write Events,
    ``shop`` reaches the server through a front that can be down.
    """

    def __init__(self, plane, namespace, folder):
        self.namespace, self.folder = namespace, folder
        self.ports = {job: free_port() for job in OPERATORS}
        self.front = ProxiedServer(plane.kubeconfig)
        self._cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self._discovery = Discovery(self._cluster)
        self._kubeconfigs = dict.fromkeys(OPERATORS, plane.kubeconfig)
        self._kubeconfigs["shop"] = self.front.kubeconfig(folder)
        self._kubeconfigs["denied"] = plane.user_kubeconfig("denied")
        self._processes = {}

    def __enter__(self):
        self._grant(RIGHTS)
        self._create(foreign_lease())
        (self.folder / "hangs").touch()
        parents = {"fought": "shop", "failing": "shop", "hung": "hung", "denied": "denied"}
        data = {"failing": {"raises": "yes"}, "hung": {"while": str(self.folder / "hangs")}}
        for name, of in {**parents, **dict.fromkeys(SLOW, "slow"), "reading": "denied", "parted": "sharded"}.items():
            self._create(
                parent(name, of, **data.get(name, {"reads": "v1/Secret"} if name == "reading" else {"k": "v"}))
            )
        for job in OPERATORS:
            self.start(job)
        return self

    def __exit__(self, *_):
        for process in self._processes.values():
            process.kill()
            process.wait()
        self.front.close()

    def start(self, job):
        """A program of the command line."""
        file = self.folder / f"{job}.py"
        file.write_text(OPERATORS[job])
        options = {
            "sharded": ["--shards=2", "--shard-identity=0", "--takeover-after=0", "--lease-retry-period=0.2"],
            "standby": ["--lease-retry-period=0.2"],
        }.get(job)
        lease = [f"--lease={self.namespace}/{job}", *options] if options else []
        place = [f"--kubeconfig={self._kubeconfigs[job]}", f"--watch-namespace={self.namespace}"]
        command = [PROGRAM, "run", file, f"--listen=127.0.0.1:{self.ports[job]}", *place, *lease]
        with (self.folder / f"{job}.log").open("a") as log:
            self._processes[job] = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "NO_PROXY": "*"}
            )

    def end(self, job):
        """As Kubernetes ends it."""
        process = self._processes[job]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, self.said()

    def said(self):
        """What all programs have said."""
        return "\n".join(f"{path.name}:\n{path.read_text()}" for path in sorted(self.folder.glob("*.log")))

    def meddle(self):
        """Undo what is stated for two children, again and again: that becomes a fight. ``denied`` has no right to tell
        of its repairs.
        """
        for name in ("fought-child", "denied-child"):
            live = self._get(MAP, name)
            if live is not None and live["data"]["k"] == "mine":
                body = json.dumps([{"op": "replace", "path": "/data/k", "value": "theirs"}]).encode()
                query, path = {"fieldManager": "kubectl-edit"}, self._path(MAP, name)
                self._cluster.request("PATCH", path, query=query, body=body, content_type=PATCH)

    def mend(self):
        """Take the cause of each trouble away."""
        (self.folder / "hangs").unlink()
        self._grant([*RIGHTS, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch", "get"]}])
        self._delete(LEASE, "standby")
        for name in ("fought", "denied", "failing", *SLOW):
            self._delete(MAP, name)
        self.start("sharded")

    def _grant(self, rules):
        of_rbac, metadata = (
            {"apiVersion": "rbac.authorization.k8s.io/v1"},
            {"name": "denied", "namespace": self.namespace},
        )
        group = "rbac.authorization.k8s.io"
        subject, role = {"kind": "User", "name": "denied", "apiGroup": group}, {"kind": "Role", "name": "denied"}
        objects = [
            {**of_rbac, "kind": "Role", "metadata": metadata, "rules": rules},
            {
                **of_rbac,
                "kind": "RoleBinding",
                "metadata": metadata,
                "subjects": [subject],
                "roleRef": {**role, "apiGroup": group},
            },
        ]
        with gr.Reconciler(self._cluster, field_manager="author") as reconciler:
            reconciler.reconcile(objects).raise_for_failures()

    def _path(self, kind, name=""):
        resource = eventually(lambda: self._discovery.get(gr.GVK.parse(kind)))
        return resource.path(self.namespace, name)

    def _create(self, obj):
        kind = f"{obj['apiVersion']}/{obj['kind']}"
        self._cluster.request("POST", self._path(kind), body=json.dumps(obj).encode())

    def _get(self, kind, name):
        try:
            return json.loads(self._cluster.request("GET", self._path(kind, name)))
        except gr.NotFound:
            return None

    def _delete(self, kind, name):
        self._cluster.request("DELETE", self._path(kind, name))


def parent(name, of, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"of": of}}, "data": data}


def foreign_lease():
    """One that somebody else holds, and renewed last before most programs were written."""
    spec = {
        "holderIdentity": "somebody",
        "leaseDurationSeconds": 100_000,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "renewTime": "2026-01-01T00:00:00.000000Z",
    }
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "standby"}, "spec": spec}
