"""Real manifests of public projects: after the first apply the second sends nothing, and nothing had to be learned.

The corpus lies beside the checkout and is no part of the project.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane
from support.audit import AuditLog

CORPUS = Path(__file__).parents[3] / "shared/corpus"
FILES = [CORPUS / "kubernetes-examples.yaml", CORPUS / "ingress-nginx.yaml"]
DEFINITIONS = CORPUS / "kube-prometheus.yaml"
FAULTY = {
    "rbd": ["/spec/volumes/0/rbd/imageformat", "/spec/volumes/0/rbd/imagefeatures"],
    "pod-0": ["/spec/volumes/0/scaleIO/protectionDoamin"],
    "test-storageos-redis": ["/spec/volumes/0/storageos/pool"],
}

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus is not there: {CORPUS}")


def namespaces(objects):
    named = {obj["metadata"].get("namespace", "default") for obj in objects}
    return named | {obj["metadata"]["name"] for obj in objects if obj["kind"] == "Namespace"}


@pytest.fixture(scope="module")
def objects():
    return [loaded.obj for loaded in gr.load(FILES)]


@pytest.fixture(scope="module")
def plane(tmp_path_factory, objects):
    log = AuditLog(tmp_path_factory.mktemp("audit"), "counted")
    arguments = [*log.arguments, "--allow-privileged=true"]
    with ControlPlane(extra_apiserver_args=arguments) as plane:
        for name in sorted(namespaces(objects)):
            plane.create_namespace(name)
        kubeconfig = str(plane.user_kubeconfig("counted", ["system:masters"]))
        definitions = [loaded.obj for loaded in gr.load([DEFINITIONS]) if "Definition" in loaded.obj["kind"]]
        with gr.Reconciler(gr.connect(kubeconfig=kubeconfig)) as reconciler:
            reconciler.reconcile(definitions).raise_for_failures()
        yield kubeconfig, log


@pytest.fixture(scope="module")
def applied(plane, objects):
    kubeconfig, _ = plane
    with gr.Reconciler(gr.connect(kubeconfig=kubeconfig)) as reconciler:
        yield reconciler, reconciler.reconcile(objects)


def test_the_faulty_ones_are_refused_with_their_paths(applied, objects):
    _, result = applied
    assert len(objects) == 210
    failed = {outcome.key.name: str(outcome.error) for outcome in result.failures}
    assert failed.keys() == FAULTY.keys()
    for name, paths in FAULTY.items():
        assert all(path in failed[name] for path in paths)


def test_the_others_are_created(applied):
    _, result = applied
    counts = Counter(outcome.status for outcome in result)
    # Some namespaces are there already, with the ServiceAccounts that Pods need.
    assert counts["created"] + counts["configured"] + counts["unchanged"] == 207
    assert counts["created"] >= 195


def test_ten_more_reconciles_send_nothing(applied, objects, plane):
    reconciler, _ = applied
    _, log = plane
    good = [obj for obj in objects if obj["metadata"]["name"] not in FAULTY]
    before = log.asked()
    for _ in range(10):
        result = reconciler.reconcile(good)
        assert result.counts["unchanged"] == 207
        assert [str(outcome) for outcome in result if outcome.reason] == [], "nothing was learned"
    assert log.asked() == before


def command(kubeconfig, *arguments):
    program = [Path(sys.executable).with_name("genreconcile"), *arguments, "--kubeconfig", kubeconfig]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_the_command_line_agrees(applied, objects, plane, tmp_path):
    good = tmp_path / "good.yaml"
    good.write_text(yaml.safe_dump_all(obj for obj in objects if obj["metadata"]["name"] not in FAULTY))
    done = command(plane[0], "diff", "-f", str(good), "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["changes"] == []

    done = command(plane[0], "diff", *(option for file in FILES for option in ("-f", str(file))), "-o", "json")
    assert done.returncode == 2, done.stderr
    changes = json.loads(done.stdout)["changes"]
    assert {change["name"]: change["error"]["path"] for change in changes} == {
        name: paths[0] for name, paths in FAULTY.items()
    }
