"""The benchmarks, with few objects and one repetition: that they run and what they write, not how fast anything is."""

import importlib.util
import json

import pytest

from benchmarks import metrics, targets
from benchmarks.__main__ import main, measure
from benchmarks.bare import Server
from benchmarks.contest import OURS
from benchmarks.ground import prepare
from benchmarks.populate import clear, count_of, populate
from benchmarks.workload import deployments

pytestmark = pytest.mark.timeout(900)  # Dozens of processes: 40 s on an idle machine, and longer on a busy one.
SIZE = 200
OF_REST = ("event_cpu", "idle", "idle_cpu")
"""CPU in steps of 10 ms, and requests of an operator with nothing to do."""
PYTHON_PEERS = {
    "cold_sync": {"raw fetch", "kubernetes.informer", "genreconcile, watch_list=True"},
    "compare_cold": {"jsonpatch.make_patch"},
    "repair_latency": {"bare script"},
    "patch_bytes": {"PUT", "server-side apply"},
    "import_time": {"python -c pass"},
    "operators_repair": {"kopf"},
}
MAY_BE_NOTHING = {"noop_requests", "idle_cpu", "controller_idle", "controller_idle_cpu", "controller_requests"}
MAY_BE_NOTHING |= {f"{name}_{part}" for name in ("operators", "operators_large") for part in OF_REST}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    file = tmp_path_factory.mktemp("benchmarks") / "results.json"
    code = main(["--size", str(SIZE), "--repetitions", "1", "--no-go-peers", "--output", str(file)])
    return code, json.loads(file.read_text()), json.loads(file.with_suffix(".details.json").read_text())


def test_every_metric_has_its_figures(results):
    code, written, details = results
    assert {name: found["error"] for name, found in details["metrics"].items() if found["error"]} == {}
    assert code == 0
    assert written["metrics"].keys() == targets.targets().keys()
    for name, metric in written["metrics"].items():
        assert metric.keys() == {"unit", "size", "ours", "peers", "ratio", "target", "met"}, name
        assert metric["unit"], name
        assert metric["met"] in {True, False, None}, name
        assert metric["ours"] >= 0 if name in MAY_BE_NOTHING else metric["ours"] > 0, name
        assert details["metrics"][name]["samples"][OURS] == [metric["ours"]], name


def test_a_reconcile_with_nothing_to_do_sends_no_request(results):
    _, written, _ = results
    assert written["metrics"]["noop_requests"]["ours"] == 0
    assert written["metrics"]["noop_requests"]["met"] is True


@pytest.mark.parametrize("name", PYTHON_PEERS)
def test_peers_in_python_take_part(results, name):
    _, written, _ = results
    metric = written["metrics"][name]
    found = {peer for peer, value in metric["peers"].items() if value is not None}
    assert found >= PYTHON_PEERS[name]
    for peer in found:
        assert metric["ratio"][peer] == pytest.approx(metric["ours"] / metric["peers"][peer], rel=1e-3)


def test_a_peer_that_is_not_there_is_named_with_the_reason(results):
    _, written, details = results
    assert written["metrics"]["cold_sync"]["peers"]["client-go dynamic"] is None
    assert details["metrics"]["cold_sync"]["missing"]["client-go dynamic"] == "no peers in Go were wanted"
    assert written["metrics"]["cold_sync"]["met"] in {None, False}


def test_what_is_not_installed_is_named_with_the_reason(results):
    _, written, details = results
    peers, missing = written["metrics"]["converge"]["peers"], details["metrics"]["converge"]["missing"]
    assert missing["kubectl apply"] in {"kubectl is not installed", "no peers in Go were wanted"}
    if importlib.util.find_spec("lightkube"):
        assert peers["lightkube apply"] > 0
    else:
        assert "No module named 'lightkube'" in missing["lightkube apply"]


def test_all_objects_of_a_namespace_are_counted_and_cleared(control_plane, namespace):
    server = Server(control_plane.kubeconfig)
    assert count_of(server, namespace) == 0
    populate(server, deployments(3, namespace))
    assert count_of(server, namespace) == 3
    clear(server, namespace)
    assert count_of(server, namespace) == 0


def test_a_metric_that_fails_stops_no_other(monkeypatch):
    def load(name):
        def broken(_ground):
            raise OSError("gone")

        def fine(_ground):
            return []

        return {"broken": broken, "fine": fine}[name]

    monkeypatch.setattr(metrics, "load", load)
    [found] = measure(_Ground(), ["broken", "fine"])
    assert (found.name, found.error) == ("broken", "OSError: gone")


class _Ground:
    size = 1


def test_the_ground_is_gone_afterwards():
    with prepare(1, 1, with_go_peers=False) as ground:
        folder = ground.folder
        namespace = ground.populated()
        assert [obj["metadata"]["name"] for obj in ground._objects(namespace)] == ["shop-000000"]
    assert not folder.exists()
