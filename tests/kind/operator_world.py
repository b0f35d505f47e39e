"""An example of an operator on a real server: its objects, the program that runs it, and what users do meanwhile."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import yaml

import genreconcile as gr
from genreconcile.kinds.discovery import Discovery
from support.eventually import eventually

EXAMPLES = Path(__file__).parents[2] / "examples/operators"
PROGRAM = Path(sys.executable).with_name("genreconcile")
PATCH = "application/json-patch+json"


class World:
    """``namespace`` stands for the one that the samples name; ``log`` is a file for what programs say."""

    def __init__(self, plane, namespace, log):
        self.plane = plane
        self.namespace = plane.create_namespace(namespace)
        self.cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.discovery = Discovery(self.cluster)
        self.process, self.log = None, log

    def close(self):
        if self.process is not None:
            self.end(signal.SIGKILL)

    def apply(self, *places):
        """The objects of files, as their author would apply them."""
        for place in places:
            objects = [*yaml.safe_load_all((EXAMPLES / place).read_text())]
            for obj in objects:
                if "namespace" in obj["metadata"]:
                    obj["metadata"]["namespace"] = self.namespace
            with gr.Reconciler(self.cluster, field_manager="author") as reconciler:
                reconciler.reconcile(objects).raise_for_failures()

    def run(self, *arguments, everywhere=False):
        """``genreconcile run``, in the namespace alone unless ``everywhere``."""
        watch = [] if everywhere else ["--watch-namespace", self.namespace]
        self.start(PROGRAM, "run", *arguments, "--kubeconfig", self.plane.kubeconfig, *watch)

    def start(self, *command, **environment):
        environment = {**os.environ, "KUBECONFIG": str(self.plane.kubeconfig), **environment}
        with self.log.open("a") as log:
            self.process = subprocess.Popen([*map(str, command)], stderr=log, stdout=log, env=environment)

    def end(self, number=signal.SIGTERM):
        """Its exit code and what it has said so far."""
        self.process.send_signal(number)
        code, self.process = self.process.wait(timeout=30), None
        return code, self.said()

    def said(self):
        """What the programs have said so far."""
        return self.log.read_text()

    def path(self, kind, name="", namespace=None):
        resource = eventually(lambda: self.discovery.get(gr.GVK.parse(kind)), f"{kind} is served")
        where = self.namespace if namespace is None else namespace
        return resource.path(where if resource.namespaced else "", name)

    def get(self, kind, name, namespace=None):
        """An object, None where it is not there."""
        try:
            return json.loads(self.cluster.request("GET", self.path(kind, name, namespace)))
        except gr.NotFound:
            return None

    def names(self, kind, namespace=None):
        found = json.loads(self.cluster.request("GET", self.path(kind, namespace=namespace)))
        return sorted(obj["metadata"]["name"] for obj in found["items"])

    def create(self, obj, namespace=None):
        kind = f"{obj['apiVersion']}/{obj['kind']}"
        self.cluster.request("POST", self.path(kind, namespace=namespace), body=json.dumps(obj).encode())

    def set(self, kind, name, pointer, value, namespace=None):
        """Change one field, as somebody with kubectl does."""
        body = json.dumps([{"op": "add", "path": pointer, "value": value}]).encode()
        self.cluster.request("PATCH", self.path(kind, name, namespace), body=body, content_type=PATCH)

    def delete(self, kind, name, namespace=None):
        self.cluster.request("DELETE", self.path(kind, name, namespace))

    def condition(self, kind, name, which="Ready"):
        """The status of a condition, None where there is none."""
        found = (self.get(kind, name) or {}).get("status", {}).get("conditions") or ()
        return {one["type"]: one["status"] for one in found}.get(which)
