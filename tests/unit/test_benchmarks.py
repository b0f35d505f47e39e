"""What the benchmarks do with figures; the measuring itself is in tests/kind."""

import json
import statistics
import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

from benchmarks import (
    __main__,
    kubectl,
    machine,
    metrics,
    operating,
    platform,
    plots,
    processes,
    readme,
    results,
    table,
    targets,
    workload,
)
from benchmarks.bare import Refused
from benchmarks.contest import OURS, Contender, Entry, Missing, hold, of_fewer
from benchmarks.populate import clear
from genreconcile.manifests import load

KEYS = {"unit", "size", "ours", "peers", "ratio", "target", "met"}


def entry(name="cold_sync", ours=(3.0,), **peers):
    samples = {OURS: list(ours), **{peer.replace("_", " "): values for peer, values in peers.items()}}
    return Entry(name, "objects/s", 10, samples={peer: values for peer, values in samples.items() if values})


def fixed(name, values, log):
    left = iter(values)

    def run():
        log.append(name)
        return {"cold_sync": next(left)}

    return Contender(name, run)


def test_contenders_take_turns_and_each_begins_once():
    log = []
    [found] = hold({"cold_sync": "objects/s"}, 10, [fixed(OURS, (1, 2), log), fixed("peer", (5, 7), log)], 2)
    assert log == [OURS, "peer", "peer", OURS]
    assert found.samples == {OURS: [1, 2], "peer": [5, 7]}
    assert (found.median("peer"), found.spread("peer")) == (6, 1)


def test_a_peer_that_cannot_run_is_noted_and_stops_nobody():
    def missing():
        raise Missing("no Go")

    contenders = [fixed(OURS, (1, 2), []), Contender("peer", missing)]
    [found] = hold({"cold_sync": "objects/s"}, 10, contenders, 2)
    assert found.samples == {OURS: [1, 2]}
    assert found.missing == {"peer": "no Go"}
    metric = results.document({}, [found])["metrics"]["cold_sync"]
    assert metric["peers"] == {"peer": None}
    assert "peer: missing: no Go" in table.text([found])


def test_a_peer_with_fewer_objects_tells_so_in_its_name():
    assert of_fewer("kubectl apply", 500, 2000) == "kubectl apply (500 objects)"
    assert of_fewer("kubectl apply", 1000, 12000) == "kubectl apply (1,000 objects)"
    assert of_fewer("kubectl apply", 300, 300) == "kubectl apply"


def test_a_peer_that_breaks_later_has_no_figure():
    def sometimes():
        log.append(1)
        if len(log) > 1:
            raise Missing("broke")
        return {"cold_sync": 4.0}

    log = []
    [found] = hold({"cold_sync": "objects/s"}, 10, [fixed(OURS, (1, 2, 3), []), Contender("peer", sometimes)], 3)
    assert len(log) == 2
    assert found.median("peer") is None


def test_ours_cannot_be_missing():
    def missing():
        raise Missing("broken")

    with pytest.raises(Missing, match="broken"):
        hold({"cold_sync": "objects/s"}, 10, [Contender(OURS, missing)], 1)


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        ({"client-go_dynamic": [0.75], "raw_fetch": [4.0]}, True),
        ({"client-go_dynamic": [0.8], "raw_fetch": [4.0]}, False),
        ({"client-go_dynamic": [0.75], "raw_fetch": [4.6]}, False),
        ({"client-go_dynamic": [0.75]}, None),
        ({"client-go_dynamic": [2.0]}, False),
        ({}, None),
    ],
)
def test_a_target_is_met_missed_or_cannot_be_told(peers, expected):
    assert targets.met(entry(**peers)) is expected


def test_a_limit_of_ours_alone():
    assert targets.met(entry("noop_requests", ours=(0.0, 0.0))) is True
    assert targets.met(entry("noop_requests", ours=(1.0,))) is False
    assert targets.met(entry("import_time", ours=(0.25,))) is False
    assert targets.words(entry("import_time")) == "< 0.25"


def test_an_entry_without_figures_of_ours_has_missed_its_target():
    failed = Entry("noop_requests", "", 10, error="OSError: gone")
    metric = results.document({}, [failed])["metrics"]["noop_requests"]
    assert (metric["ours"], metric["met"]) == (None, False)
    assert "OSError: gone" in table.text([failed])


def test_every_metric_has_a_module_and_every_target_an_entry():
    lists = {f"long_lists_{name}" for name in ("texts", "memory", "five_times", "shuffled", "different")}
    lists |= {"dependencies_woken", "dependencies_memory", "controller_idle_cpu"}
    lists |= {"controller_busy_none", "controller_busy_four"}
    parts = ("first", "first_cpu", "unrelated", "related", "parent", "noop", "requests")
    lists |= {f"controller_{part}" for part in parts}
    others = {"repair_latency_p99", "import_time_help", "scaling_comparison", "queue_cpu", "queue_memory"}
    names = {*metrics.NAMES, *lists, *others} - {"operators", "operators_large"}
    names |= {f"{name}_{figure}" for name in ("operators", "operators_large") for figure in operating.UNITS}
    assert set(targets.targets()) == names == set(plots.TITLES)
    assert all(callable(metrics.load(name)) for name in metrics.NAMES)


@pytest.mark.parametrize("condition", [{}, {"at_least": 1, "below": 2}, {"at_least": 1, "agianst": "x"}])
def test_a_target_that_is_none_is_refused(condition, tmp_path, monkeypatch):
    file = tmp_path / "targets.yaml"
    file.write_text(json.dumps({"cold_sync": [condition]}))
    monkeypatch.setattr(targets, "_FILE", file)
    targets.targets.cache_clear()
    with pytest.raises(ValueError, match="cold_sync"):
        targets.targets()
    targets.targets.cache_clear()


def test_the_files_have_the_shape_that_readers_know(tmp_path):
    found = entry(ours=(3.0, 5.0), raw_fetch=[4.0, 8.0])
    results.write(tmp_path / "new" / "r.json", machine.describe("1.2.3"), [found])
    written = json.loads((tmp_path / "new" / "r.json").read_text())
    assert written.keys() == {"machine", "metrics"}
    assert written["machine"]["kubernetes"] == "1.2.3"
    metric = written["metrics"]["cold_sync"]
    assert metric.keys() == KEYS
    assert (metric["ours"], metric["peers"]["raw fetch"]) == (4.0, 6.0)
    assert metric["ratio"]["raw fetch"] == pytest.approx(4 / 6, rel=1e-4)
    details = json.loads((tmp_path / "new" / "r.details.json").read_text())["metrics"]["cold_sync"]
    assert details["samples"][OURS] == [3.0, 5.0]
    assert details["spread"] == {OURS: 1.0, "raw fetch": 2.0}


def test_the_machine_is_described_without_names_or_folders(monkeypatch):
    described = json.dumps(machine.describe("1.2.3"))
    assert "/" not in described.replace("(R)/", "")
    assert machine.platform.node() not in described


def test_plots_show_every_contender_in_one_scale(tmp_path):
    found = entry(ours=(30.0,), raw_fetch=[40.0])
    found.missing["a <peer>"] = "no Go"
    document = results.document(machine.describe("1.2.3"), [found, entry("noop_requests", ours=(0.0,))])
    written = {file.name for file in plots.draw([document], tmp_path)}
    assert written == {"cold_sync.svg", "benchmarks.md"}
    svg = ET.parse(tmp_path / "benchmarks" / "cold_sync.svg").getroot()  # noqa: S314 - just written
    texts = ["".join(node.itertext()) for node in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {OURS, "raw fetch", "a <peer>", "missing"} <= set(texts)
    widths = [float(node.get("width")) for node in svg.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert widths[0] / widths[1] == pytest.approx(30 / 40, rel=1e-2)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| Requests of a reconcile with nothing to do | 10 | 0 | objects/s |  | ≤ 0 | yes |" in page


def test_results_of_several_runs_stand_below_their_machines(tmp_path):
    machines = [{**machine.describe("1.2.3"), "cpu": cpu} for cpu in ("one", "other")]
    entries = [entry("cold_sync", client=[1.0]), entry("operators_idle", client=[1.0])]
    runs = [results.document(found, [one]) for found, one in zip(machines, entries, strict=True)]
    plots.draw(runs, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    found = [page.index(text) for text in ("\none, ", "| First sync", "\nother, ", "| Its requests")]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ([], ["latest.json", "operators.json", "operators_large.json"]),
        (["--only", "operators", "--only", "operators_large"], ["operators.json", "operators_large.json"]),
        (["--only", "operators"], ["operators.json"]),
        (["--only", "operators", "--no-peers"], []),
        (["--only", "cold_sync"], []),
        (["--no-go-peers"], []),
        (["--no-peers"], []),
    ],
)
def test_results_are_replaced_as_a_whole(arguments, written):
    options = __main__._parser().parse_args(arguments)
    assert [file.name for file in __main__._whole(options)] == written
    assert {results.file_of(name) for name in metrics.NAMES} == set(results.FILES)


def test_the_figures_in_the_readme_are_those_of_the_results():
    text, found = plots.README.read_text("utf-8"), json.loads(results.LATEST.read_text("utf-8"))
    assert readme.BEGIN in text
    assert readme.with_figures(text, found) == text
    for name in ("cold_sync", "converge"):
        assert f"{results.figure(found['metrics'][name]['ours'])} objects/s" in text


def test_a_peer_that_is_missing_is_left_out_of_the_readme():
    [found] = hold({"cold_sync": "objects/s"}, 10, [fixed(OURS, (1,), []), fixed("client-go dynamic", (2,), [])], 1)
    document = results.document({}, [found])
    text = readme.with_figures(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter", document)
    figures = "  first sync 1 objects/s (client-go dynamic 2)"
    assert text == f"before\n{readme.BEGIN}\n{figures}\n  {readme.END}\nafter"


def test_objects_are_alike_but_never_the_same():
    objects = list(workload.deployments(50, "ns"))
    assert objects == list(workload.deployments(50, "ns"))
    assert len({workload.encode(obj) for obj in objects}) == 50
    assert [obj["metadata"]["name"] for obj in objects] == sorted(obj["metadata"]["name"] for obj in objects)
    assert 900 < statistics.mean(len(workload.encode(obj)) for obj in objects) < 1100


def test_objects_survive_a_file(tmp_path):
    objects = list(workload.deployments(3, "ns"))
    assert workload.read_lines(workload.write_lines(tmp_path / "o.jsonl", objects)) == objects


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; sys.exit('no server')", "ended with code 1: no server"),
        ("print('hello')", "printed no JSON"),
        ("print('[1]')", "printed no JSON object"),
        ("pass", "printed no JSON"),
    ],
)
def test_a_process_that_fails_says_why(program, reason):
    with pytest.raises(Missing, match=reason):
        processes.run([sys.executable, "-c", program])


def test_a_process_tells_its_last_line():
    assert processes.run([sys.executable, "-c", "print('hello'); print('{\"objects\": 1}')"]) == {"objects": 1}


NEVER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.mark.parametrize("run", [processes.run, processes.seconds])
def test_a_process_that_does_not_end_is_missing(run):
    with pytest.raises(Missing, match=r"not done after 0\.2 s"):
        run(NEVER, timeout=0.2)


def test_wall_time_is_that_of_a_process_that_succeeds():
    assert processes.seconds([sys.executable, "-c", "import time; time.sleep(0.2)"]) >= 0.2
    with pytest.raises(Missing, match="ended with code 3"):
        processes.seconds([sys.executable, "-c", "raise SystemExit(3)"])


@pytest.mark.parametrize(
    ("program", "wanted", "reason"),
    [
        (None, True, "kubectl is not installed"),
        (None, False, "kubectl is not installed"),
        ("/bin/kubectl", False, "no peers in Go were wanted"),
    ],
)
def test_kubectl_is_missing_with_the_reason(program, wanted, reason, monkeypatch):
    monkeypatch.setattr(kubectl.shutil, "which", lambda _: program)
    with pytest.raises(Missing, match=reason):
        kubectl.command(SimpleNamespace(with_go_peers=wanted, kubeconfig="k"), "diff")


def test_kubectl_gets_the_kubeconfig_of_the_run(monkeypatch):
    monkeypatch.setattr(kubectl.shutil, "which", lambda _: "/bin/kubectl")
    command = kubectl.command(SimpleNamespace(with_go_peers=True, kubeconfig="k"), "apply", "-f", "x")
    assert command == ["/bin/kubectl", "apply", "-f", "x", "--kubeconfig", "k"]


def test_a_background_process_is_waited_for_and_let_go(tmp_path):
    program = (
        "import sys; print('READY', file=sys.stderr, flush=True); print('{\"n\": %d}' % len(sys.stdin.readline()))"
    )
    with processes.background([sys.executable, "-c", program], tmp_path / "log") as process:
        process.wait_ready(timeout=30)
        assert process.answer(timeout=30) == {"n": 1}


def test_a_background_process_that_never_gets_ready(tmp_path):
    with (
        processes.background([sys.executable, "-c", "raise SystemExit('no server')"], tmp_path / "log") as process,
        pytest.raises(Missing, match="no server"),
    ):
        process.wait_ready(timeout=30)


def test_the_platform_is_the_same_each_time_and_of_the_size_that_is_told(tmp_path):
    objects = [obj for number in range(platform.COMPONENTS) for obj in platform.component(number)]
    assert len(objects) == platform.OBJECTS == len({(obj["kind"], *sorted(names(obj))) for obj in objects})
    assert objects[:50] == [obj for number in range(2) for obj in platform.component(number)][:50]

    assert platform.write(tmp_path, 2) == len(list(load([tmp_path])))
    assert [loaded.obj for loaded in load([tmp_path])] == objects[: platform.write(tmp_path, 2)]


def names(obj):
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


class Slow:
    """A server that needs a few requests to delete all objects of a kind."""

    def __init__(self, *statuses):
        self.left, self.asked = list(statuses), []

    def connect(self):
        return self

    def request(self, method, path):
        self.asked.append((method, path))
        if self.left:
            raise Refused(self.left.pop(0), "refused")

    def close(self):
        pass


def test_a_deletion_that_takes_longer_than_the_server_gives_it_is_gone_on_with():
    slow = Slow(504, 504)
    clear(slow, "n", "/things/{}")
    assert slow.asked == [("DELETE", "/things/n")] * 3
    with pytest.raises(Refused):
        clear(Slow(504, 403), "n", "/things/{}")
