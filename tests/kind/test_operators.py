"""Operators on a real API server with its controllers: the examples, as their users run them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane
from support.eventually import eventually

EXAMPLES = Path(__file__).parents[2] / "examples/operators"
PROGRAM = Path(sys.executable).with_name("genreconcile")


@pytest.fixture(scope="module")
def plane():
    with ControlPlane(controller_manager=True, scheduler=True, kwok=True) as plane:
        yield plane


class World:
    """One example on the server, run as a program."""

    def __init__(self, plane, example):
        self.plane, self.folder = plane, EXAMPLES / example
        self.cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.namespace = plane.create_namespace(example.replace("_", "-"))
        self.process = None

    def apply(self, name):
        objects = [*yaml.safe_load_all((self.folder / name).read_text())]
        with gr.Reconciler(self.cluster, field_manager="author") as reconciler:
            for obj in objects:
                if obj["kind"] != "CustomResourceDefinition":
                    obj["metadata"]["namespace"] = self.namespace
            reconciler.reconcile(objects).raise_for_failures()

    def start(self):
        command = [str(PROGRAM), "run", str(self.folder / "memcached.py")]
        command += ["--kubeconfig", str(self.plane.kubeconfig), "--watch-namespace", self.namespace]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def end(self, number=signal.SIGTERM):
        """Its exit code and what it said."""
        self.process.send_signal(number)
        said = self.process.communicate(timeout=30)[1]
        code, self.process = self.process.returncode, None
        return code, said

    def path(self, place, name=""):
        return f"{place}/namespaces/{self.namespace}".replace("PLURAL", "") + f"/{name}"

    def get(self, prefix, plural, name):
        try:
            return json.loads(self.cluster.request("GET", f"{prefix}/namespaces/{self.namespace}/{plural}/{name}"))
        except gr.NotFound:
            return None

    def patch(self, prefix, plural, name, *operations):
        path = f"{prefix}/namespaces/{self.namespace}/{plural}/{name}"
        body = json.dumps(operations).encode()
        return json.loads(self.cluster.request("PATCH", path, body=body, content_type="application/json-patch+json"))

    def delete(self, prefix, plural, name, **options):
        path = f"{prefix}/namespaces/{self.namespace}/{plural}/{name}"
        self.cluster.request("DELETE", path, body=json.dumps(options).encode())


@pytest.fixture
def memcached(plane):
    world = World(plane, "memcached")
    world.apply("crd.yaml")
    world.apply("sample.yaml")
    world.start()
    yield world
    if world.process is not None:
        world.end(signal.SIGKILL)


APPS, CORE, OWN = "/apis/apps/v1", "/api/v1", "/apis/cache.example.com/v1"


def test_the_memcached_operator(memcached):
    world = memcached
    deployment = eventually(lambda: world.get(APPS, "deployments", "cache"))
    assert deployment["spec"]["replicas"] == 3

    def is_ready():
        status = world.get(OWN, "memcacheds", "cache").get("status") or {}
        ready = {one["type"]: one["status"] for one in status.get("conditions") or ()}.get("Ready")
        return ready == "True" and len(status.get("nodes") or ()) == 3

    eventually(is_ready)

    world.patch(APPS, "deployments", "cache", {"op": "add", "path": "/spec/template/spec/hostNetwork", "value": True})
    eventually(lambda: "hostNetwork" not in world.get(APPS, "deployments", "cache")["spec"]["template"]["spec"])

    world.delete(CORE, "services", "cache")
    eventually(lambda: world.get(CORE, "services", "cache"))

    world.patch(OWN, "memcacheds", "cache", {"op": "replace", "path": "/spec/size", "value": 1})
    eventually(lambda: world.get(APPS, "deployments", "cache")["spec"]["replicas"] == 1)
    eventually(lambda: world.get(OWN, "memcacheds", "cache")["status"]["observedGeneration"] == 2)

    world.end(signal.SIGKILL)
    world.patch(OWN, "memcacheds", "cache", {"op": "replace", "path": "/spec/size", "value": 2})
    world.start()
    eventually(lambda: world.get(APPS, "deployments", "cache")["spec"]["replicas"] == 2)

    world.delete(OWN, "memcacheds", "cache")
    eventually(lambda: world.get(APPS, "deployments", "cache") is None)
    eventually(lambda: world.get(CORE, "services", "cache") is None)
    code, said = world.end()
    assert code == 0, said
    assert "Traceback" not in said
