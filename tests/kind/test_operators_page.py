"""What the consoles of docs/operators.md show is what a real API server and the program say.

The commands of kubectl are carried out here, so that none is needed.
"""

import json
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane
from support.eventually import eventually

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


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def program(name):
    """The block of the page that is this file."""
    (found,) = (text for text in blocks("python") if f"\ndef {name}(" in text)
    return found


def dialogue():
    """The commands of all consoles, each with the lines that follow."""
    steps = []
    for line in "".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            steps.append((line.removeprefix("$ "), []))
        else:
            steps[-1][1].append(line)
    return steps


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

    def genreconcile(self, *words):
        self.end(signal.SIGKILL)
        command = [str(PROGRAM), *words, "--kubeconfig", str(self.plane.kubeconfig)]
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
            self.cluster.request(verb.upper(), path, body=patch.encode(), content_type=content_type)

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


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "deny_all.py").write_text(program("deny_all"), "utf-8")
    (tmp_path / "memcached.py").write_text(program("memcached"), "utf-8")
    (tmp_path / "sample.yaml").write_bytes((MEMCACHED / "sample.yaml").read_bytes())
    with ControlPlane(controller_manager=True, scheduler=True, kwok=True) as plane:
        shell = Shell(plane, tmp_path)
        plane.create_namespace("shop")
        with gr.Reconciler(shell.cluster, field_manager="author") as reconciler:
            reconciler.reconcile([SHOP]).raise_for_failures()
        shell.apply(MEMCACHED / "crd.yaml")
        yield shell
        shell.end(signal.SIGKILL)


def test_the_consoles_of_the_page(shell):
    expected = []
    for command, lines in dialogue():
        if command.startswith("genreconcile"):
            assert {*shell.said} == {*expected}
            expected = []
        shell.run(command)
        expected += lines
        eventually(lambda: Counter(expected) <= Counter(shell.said), lambda: f"{command}: {shell.said}", timeout=60)
    assert {*shell.said} == {*expected}
    assert shell.process is None
