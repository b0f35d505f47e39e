"""What docs/operators.md says of rights and of children is so on a real API server.

The commands of kubectl are carried out here, so that none is needed.
"""

import copy
import json
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.controllers.program import Program
from genreconcile.testing import ControlPlane
from support.eventually import eventually
from support.pages import texts
from unit.controllers.test_operators_page import APP, CHILDREN, rows
from unit.controllers.things import definition, thing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operators.md").read_text("utf-8")
MEMCACHED = ROOT / "examples/operators/memcached"
PROGRAM = Path(sys.executable).with_name("genreconcile")
PATHS = {
    "deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "memcached": "/apis/cache.example.com/v1/namespaces/{}/memcacheds",
    "networkpolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "service": "/api/v1/namespaces/{}/services",
}
SHOP = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "web"}}}


class Shell:
    """What stands before ``$``."""

    def __init__(self, plane, folder):
        self.plane, self.folder = plane, folder
        self.cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.process = self.reader = None
        self.said = []

    def run(self, command):
        name, *words = shlex.split(command)
        getattr(self, name)(*words)

    def genreconcile(self, *words, kubeconfig=None):
        self.end(signal.SIGKILL)
        command = [str(PROGRAM), *words, "--kubeconfig", str(kubeconfig or self.plane.kubeconfig)]
        self.process = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, text=True)
        self.said = []
        self.reader = threading.Thread(target=self.read, args=(self.process, self.said))
        self.reader.start()

    def read(self, process, said):
        for line in process.stderr:
            said.append(line.rstrip())

    def kill(self, *words):
        number = signal.SIGKILL if "-9" in words else signal.SIGTERM
        code = self.end(number)
        assert code == (0 if number == signal.SIGTERM else -number)

    def end(self, number):
        if self.process is None:
            return None
        self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self.reader.join()
        self.process.stderr.close()
        self.process = None
        return code

    def kubectl(self, *words):
        if words[0] == "apply":
            self.apply(self.folder / words[2])
            return
        _, namespace, verb, kind, name, *options = words
        path = f"{PATHS[kind].format(namespace)}/{name}"
        if verb == "delete":
            self.cluster.request("DELETE", path, body=json.dumps({"propagationPolicy": "Background"}).encode())
            eventually(lambda: self.is_replaced(path), timeout=60)
        else:
            _, how, _, patch = options
            content_type = {"json": "application/json-patch+json", "merge": "application/merge-patch+json"}[how]
            query = {"fieldManager": f"kubectl-{verb}"}
            self.cluster.request(verb.upper(), path, query=query, body=patch.encode(), content_type=content_type)

    def is_replaced(self, path):
        """Whether a deleted object is gone, or a new one is there."""
        try:
            return "deletionTimestamp" not in json.loads(self.cluster.request("GET", path))["metadata"]
        except gr.NotFound:
            return True

    def apply(self, *files):
        objects = [obj for file in files for obj in yaml.safe_load_all(file.read_text("utf-8"))]
        with gr.Reconciler(self.cluster, field_manager="author") as reconciler:
            reconciler.reconcile(objects).raise_for_failures()


@pytest.fixture(scope="module")
def plane():
    with ControlPlane(controller_manager=True, scheduler=True, kwok=True) as plane:
        plane.create_namespace("shop")
        plane.create_namespace("other")
        yield plane


@pytest.fixture
def shell(plane, tmp_path):
    (tmp_path / "memcached.py").write_bytes((MEMCACHED / "memcached.py").read_bytes())
    (tmp_path / "sample.yaml").write_bytes((MEMCACHED / "sample.yaml").read_bytes())
    shell = Shell(plane, tmp_path)
    with gr.Reconciler(shell.cluster, field_manager="author") as reconciler:
        reconciler.reconcile([SHOP]).raise_for_failures()
    shell.apply(MEMCACHED / "crd.yaml")
    yield shell
    shell.end(signal.SIGKILL)


def test_the_rights_of_the_page_suffice(plane, shell):
    group = "rbac.authorization.k8s.io"
    (rules,) = (text for text in texts(PAGE, "yaml") if "memcacheds/status" in text)
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": "memcached"}}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "memcached"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "memcached"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "operator"}],
    }
    with gr.Reconciler(shell.cluster, field_manager="author") as author:
        author.reconcile([{**role, **yaml.safe_load(rules)}, binding]).raise_for_failures()
    shell.apply(MEMCACHED / "sample.yaml")
    shell.genreconcile("run", "memcached.py", kubeconfig=plane.user_kubeconfig("operator", []))
    path = PATHS["memcached"].format("shop") + "/cache"

    def is_ready():
        status = json.loads(shell.cluster.request("GET", path)).get("status", {})
        return [one["status"] for one in status.get("conditions", ()) if one["type"] == "Ready"] == ["True"]

    eventually(is_ready, lambda: shell.said)
    created = "I genreconcile.apply: Service shop/cache created"
    before = shell.said.count(created)
    shell.run("kubectl -n shop delete service cache")
    eventually(lambda: shell.said.count(created) > before, lambda: shell.said)
    assert [line for line in shell.said if not line.startswith("I ")] == []
    shell.run("kubectl -n shop delete memcached cache")
    shell.run("kill %1")


def test_how_long_names_are(plane, shell):
    (rule,) = (text for text in texts(PAGE, "yaml") if "x-kubernetes-validations" in text)
    crd = copy.deepcopy(definition("Named"))
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] |= yaml.safe_load(rule)["openAPIV3Schema"]
    job = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}}}
    specs = {
        ("v1", "Service", 63): {"spec": {"ports": [{"port": 80}]}},
        ("batch/v1", "CronJob", 52): {"spec": {"schedule": "@daily", "jobTemplate": {"spec": job}}},
        ("example.com/v1", "Thing", 253): {},
        ("example.com/v1", "Named", 40): {},
    }
    with gr.Reconciler(shell.cluster, field_manager="author") as author:
        author.reconcile([definition(), crd]).raise_for_failures()
        for (api_version, kind, most), more in specs.items():
            fits, longer = (
                {
                    "apiVersion": api_version,
                    "kind": kind,
                    "metadata": {"name": "n" * count, "namespace": "shop"},
                    **more,
                }
                for count in (most, most + 1)
            )
            author.reconcile([fits]).raise_for_failures()
            assert [outcome.status for outcome in author.reconcile([longer])] == ["failed"], kind


def controller_of(row):
    """A controller of the parents of one row of the table, and its only child."""
    child, asked = copy.deepcopy(CHILDREN[row])
    child["metadata"]["name"] = f"child-{row}"
    settings = {"namespaces": "*", "delete_kinds": asked, "selector": f"row={row}"}
    return gr.controller(APP, name=f"row-{row}", **settings)(lambda *_: [child]), child


@pytest.mark.parametrize("propagation", ["Background", "Foreground", "Orphan"])
def test_what_becomes_of_children(plane, propagation):
    cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
    made = [controller_of(row) for row in range(len(CHILDREN))]
    said = [
        dict(zip(["bound", "Background", "Foreground", "Orphan"], cells[1:], strict=True)) for cells in rows("child")
    ]
    parents = [thing(f"web-{row}", "App") for row in range(len(CHILDREN))]
    for row, parent in enumerate(parents):
        parent["metadata"]["labels"] = {"row": str(row)}
    with gr.Reconciler(cluster, field_manager="author") as author:
        author.reconcile([definition("App"), *parents]).raise_for_failures()
        cache = author.cache

        def live(obj):
            gvk, metadata = gr.GVK.of(obj), obj["metadata"]
            cache.add(gvk)
            cache.wait_for_sync([gvk])
            namespace = "" if obj["kind"] == "ClusterRole" else metadata.get("namespace", "shop")
            return cache.get(gvk, metadata["name"], namespace=namespace)

        with Program(*[function for function, _ in made], cluster=cluster):
            eventually(lambda: all(live(child) for _, child in made))
            for (_, child), parent, told in zip(made, parents, said, strict=True):
                bound = "finalizer" if "finalizers" in live(parent)["metadata"] else "reference"
                assert (bound, child) == (told["bound"], child)
                assert ("ownerReferences" in live(child)["metadata"]) is (bound == "reference")
            for parent in parents:
                path = f"/apis/example.com/v1/namespaces/shop/apps/{parent['metadata']['name']}"
                cluster.request("DELETE", path, body=json.dumps({"propagationPolicy": propagation}).encode())
            eventually(lambda: not any(live(parent) for parent in parents))
        wanted = [told[propagation] for told in said]
        eventually(lambda: ["stays" if live(child) else "deleted" for _, child in made] == wanted)
        left = [child for _, child in made if live(child)]
        for child in left:
            delete(cluster, author, child)
        eventually(lambda: not any(live(child) for child in left))


def delete(cluster, author, child):
    """By hand."""
    resource = author.cache.discovery.get(gr.GVK.of(child))
    namespace = child["metadata"].get("namespace", "shop") if resource.namespaced else ""
    cluster.request("DELETE", resource.path(namespace, child["metadata"]["name"]), body=b"{}")
