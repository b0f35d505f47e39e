"""Replays the golden cases of tests/unit/golden on the real server: its answers must still be what was recorded."""

import copy
import importlib.util
from pathlib import Path

import pytest
import yaml

import genreconcile as gr

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/unit/golden"
WIDGET = Path(__file__).parent / "widget.yaml"
CASES = sorted(GOLDEN.rglob("*.yaml"))


def recorder():
    spec = importlib.util.spec_from_file_location("record", ROOT / "tools/golden/record.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def replay(control_plane):
    cluster = gr.connect(kubeconfig=str(control_plane.kubeconfig))
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile(load.obj for load in gr.load([WIDGET])).raise_for_failures()
    return recorder().Replay(cluster, control_plane.create_namespace("golden"))


def operations(patch):
    return [op for op in patch if op["op"] != "test" and op["path"] != "/metadata/resourceVersion"]


@pytest.mark.parametrize("file", CASES, ids=lambda file: str(file.relative_to(GOLDEN).with_suffix("")))
def test_golden(file, replay):
    case = yaml.safe_load(file.read_text("utf-8"))
    before = copy.deepcopy(case["expected"])
    # The replay itself asserts that the patch restores the object.
    _, patch = replay.run(case)
    assert operations(patch) == operations(case["patch"])
    assert case["expected"] == before
