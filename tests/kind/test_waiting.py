"""Waiting on a real API server whose controllers work: apply --wait, wait, and waves, as a user calls them."""

import json
import subprocess
import sys

import pytest
import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane
from support.objects import obj

NAMESPACE = "waiting"
LABELS = {"app": "web"}


@pytest.fixture(scope="module")
def plane():
    with ControlPlane(controller_manager=True, scheduler=True, kwok=True) as plane:
        yield plane


@pytest.fixture(scope="module")
def command(plane, tmp_path_factory):
    folder = tmp_path_factory.mktemp("manifests")

    def run(name, objects, *arguments):
        file = folder / "objects.yaml"
        file.write_text(yaml.safe_dump_all(objects), "utf-8")
        line = [sys.executable, "-m", "genreconcile", *name, "-f", str(file), "--kubeconfig", str(plane.kubeconfig)]
        return subprocess.run([*line, *arguments], capture_output=True, text=True, check=False, timeout=200)

    return run


def deployment(name, **spec):
    pod = {"containers": [{"name": "web", "image": "nginx:1.27"}], **spec}
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    return obj(
        "apps/v1", "Deployment", name, NAMESPACE, spec={"selector": {"matchLabels": LABELS}, "template": template}
    )


def job(name):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "job", "image": "busybox"}]}}
    return obj("batch/v1", "Job", name, NAMESPACE, spec={"template": template})


NAMESPACED = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def test_apply_waits_until_all_are_ready(command, plane):
    objects = [NAMESPACED, deployment("web"), job("once")]
    done = command(["apply"], objects, "--wait", "--timeout", "90s")
    assert (done.returncode, done.stderr) == (0, "")
    with gr.Cache(gr.connect(kubeconfig=str(plane.kubeconfig))) as cache:
        cache.add("batch/v1/Job", namespaces=None)
        cache.wait_for_sync()
        assert cache.get("batch/v1/Job", "once", namespace=NAMESPACE)["status"]["succeeded"] == 1
    again = command(["wait"], objects, "--timeout", "90s")
    assert again.stdout.splitlines() == [
        "Namespace waiting: Current (Exists): it is there, and its status says nothing else",
        "Deployment.apps waiting/web: Current (Available): 1 replicas are available",
        "Job.batch waiting/once: Current (Complete): it has ended well; 1 Pods have succeeded",
    ]
    assert again.returncode == 0


def test_what_is_not_ready_is_told_with_what_holds_it_up(command):
    objects = [NAMESPACED, deployment("nowhere", nodeSelector={"nowhere": "yes"})]
    done = command(["apply"], objects, "--wait", "--timeout", "5")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("not ready: Deployment.apps waiting/nowhere: InProgress (")
    assert "; held up by Pod waiting/nowhere-" in line
    assert "; last Event: FailedScheduling: 0/1 nodes are available" in line


def test_waves_wait(command, plane):
    door = obj("v1", "Service", "door", NAMESPACE, spec={"type": "LoadBalancer", "ports": [{"port": 80}]})
    objects = [NAMESPACED, door, deployment("behind")]
    done = command(["apply"], objects, "--wait-waves", "--timeout", "2")
    assert done.returncode == 1
    assert "Service waiting/door, of an earlier wave, is not ready: InProgress (NoIngress)" in done.stdout
    cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
    with pytest.raises(gr.NotFound):
        cluster.request("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/behind")
    patch = [{"op": "add", "path": "/status/loadBalancer", "value": {"ingress": [{"ip": "192.0.2.1"}]}}]
    path = f"/api/v1/namespaces/{NAMESPACE}/services/door/status"
    cluster.request("PATCH", path, body=json.dumps(patch).encode(), content_type="application/json-patch+json")
    assert command(["apply"], objects, "--wait-waves", "--timeout", "90").returncode == 0
    cluster.close()
