"""``python -m benchmarks.plots``: the plots and the page in ``docs/``, and the README's figures, from the results.

Invariant: every figure comes from a file of results, and stands below the machine on which that was measured.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contest import OURS
from benchmarks.readme import with_figures
from benchmarks.results import FILES, LATEST, figure
from benchmarks.svg import Bar, chart

DOCS = Path(__file__).resolve().parent.parent / "docs"
README = DOCS.with_name("README.md")
_MET = {True: "yes", False: "**no**", None: "?"}
_LARGE = {
    "converge": "from none to all children",
    "cpu": "CPU time of a parent",
    "server_cpu": "CPU time of the server",
    "memory": "memory",
    "event_cpu": "CPU time of an event",
    "idle": "requests in a minute",
    "idle_cpu": "CPU in it",
    "repair": "repair, median",
    "repair_p99": "repair, 99th percentile",
    "memory_after": "memory at the end",
}
TITLES = {
    "cold_sync": "First sync of the cache",
    "memory_per_object": "Memory per cached object",
    "memory_compressed": "Memory per cached object, compressed",
    "sync_peak": "Largest memory during the first sync, per object",
    "compare_cold": "Comparison, nothing remembered",
    "compare_warm": "Comparison, nothing changed since last time",
    "noop_requests": "Requests of a reconcile with nothing to do",
    "converge": "From empty to converged",
    "repair_latency": "From an edit to its repair, median",
    "repair_latency_p99": "From an edit to its repair, 99th percentile",
    "patch_bytes": "Bytes sent for one changed field",
    "long_lists": "A list of 800 rules, first and last edited",
    "long_lists_texts": "A list of 10,000 texts, first and last edited",
    "long_lists_memory": "The same, memory",
    "long_lists_five_times": "A list of 50,000 texts, first and last edited",
    "long_lists_shuffled": "A list of 10,000 texts, shuffled",
    "long_lists_different": "A list of 10,000 texts, all of them other ones",
    "queue": "Keys through the queue of a controller",
    "queue_cpu": "The same, CPU time of a key",
    "queue_memory": "The same, memory of a key that waits",
    "event_throughput": "Watch events absorbed",
    "relist_peak": "Relist: peak over steady memory",
    "scaling": "Sync with ten times as many objects: cost of one",
    "scaling_comparison": "Comparison with ten times as many objects: cost of one",
    "dependencies": "An event that concerns no parent of a controller",
    "dependencies_woken": "An event that wakes one",
    "dependencies_memory": "Memory of one parent and its five reads",
    "controller_idle": "Requests of an operator with nothing to do",
    "controller_idle_cpu": "The same, CPU",
    "controller_busy_none": "From an edit of a parent to the write of its child, in memory",
    "controller_busy": "The same, while a function of another parent computes in pure Python",
    "controller_busy_four": "The same, while four compute",
    "controller_scale": "Memory of one parent of a controller, without the cache",
    "controller_first": "First pass of a controller over all its parents",
    "controller_first_cpu": "The same, CPU time of a parent",
    "controller_unrelated": "An event that concerns no parent, from the wire on",
    "controller_related": "An event of an object that a parent reads, and its run",
    "controller_parent": "An edit of a parent, and its run",
    "controller_noop": "A run with nothing to do",
    "controller_requests": "Requests of such a run of all parents",
    "operators_converge": "An operator with three children: from none to all of them",
    "operators_cpu": "The same, CPU time of a parent",
    "operators_server_cpu": "The same, CPU time of the server",
    "operators_memory": "Memory of the operator once all children are there",
    "operators_event_cpu": "CPU time of an event that changes nothing for it",
    "operators_idle": "Its requests in a minute without events",
    "operators_idle_cpu": "The same, CPU",
    "operators_repair": "From an edit of a child to its repair, median",
    "operators_repair_p99": "From an edit of a child to its repair, 99th percentile",
    "operators_memory_after": "Memory of the operator at the end",
    **{f"operators_large_{name}": f"An operator with more parents: {title}" for name, title in _LARGE.items()},
    "idle_cpu": "CPU while nothing happens",
    "cli_diff": "genreconcile diff, nothing changed",
    "cli_diff_platform": "genreconcile diff of a platform, nothing changed",
    "import_time": "import genreconcile",
    "import_time_help": "genreconcile --help",
}


def draw(results: Sequence[Mapping[str, Any]], docs: Path) -> list[Path]:
    """Write ``benchmarks.md``, with a section for each of the results, and for each metric with peers a plot; the files
    that were written.
    """
    folder = docs / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {name: metric for one in results for name, metric in one["metrics"].items() if _can_be_drawn(name, metric)}
    files = {folder / f"{name}.svg": _plot(name, metric) for name, metric in drawn.items()}
    files[docs / "benchmarks.md"] = "\n".join(_page(results, drawn)) + "\n"
    for file, text in files.items():
        file.write_text(text, "utf-8")
    return list(files)


def _can_be_drawn(name: str, metric: Mapping[str, Any]) -> bool:
    """Of the many figures of operators, those that have to reach something."""
    is_wanted = bool(metric["target"]) or not name.startswith("operators")
    return is_wanted and metric["ours"] is not None and any(value is not None for value in metric["peers"].values())


def _plot(name: str, metric: Mapping[str, Any]) -> str:
    bars = [Bar(OURS, metric["ours"], figure(metric["ours"]), is_ours=True)]
    for peer, value in metric["peers"].items():
        bars.append(Bar(peer, value, "missing" if value is None else figure(value), is_ours=False))
    return chart(_title(name), f"{metric['unit']}; size {metric['size']:,}; target {metric['target'] or 'none'}", bars)


def _page(results: Sequence[Mapping[str, Any]], drawn: Collection[str]) -> Iterator[str]:
    yield "# Benchmarks"
    yield ""
    yield "Written by `python -m benchmarks.plots` from the files in `benchmarks/results`, which `make bench` writes;"
    yield "[benchmarks/README.md](../benchmarks/README.md) says what is measured, and how."
    for one in results:
        yield from _section(one, drawn)


def _section(results: Mapping[str, Any], drawn: Collection[str]) -> Iterator[str]:
    """One run: its machine, its figures, its plots."""
    machine = results["machine"]
    yield ""
    yield f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['kernel']}, "
    load = machine["load_average"][0]
    yield f"Python {machine['python']}, Kubernetes {machine['kubernetes']}; load {load:.1f} when it began."
    yield ""
    yield "| what | size | ours | unit | ours / peer | target | met |"
    yield "|---|---|---|---|---|---|---|"
    for name, metric in results["metrics"].items():
        yield _line(name, metric)
    for name in results["metrics"]:
        if name in drawn:
            yield ""
            yield f"![{_title(name)}](benchmarks/{name}.svg)"


def _line(name: str, metric: Mapping[str, Any]) -> str:
    ratios = "; ".join(f"{figure(value)} {peer}" for peer, value in metric["ratio"].items() if value is not None)
    cells = [
        _title(name),
        f"{metric['size']:,}",
        figure(metric["ours"]) or "failed",
        metric["unit"],
        ratios,
        metric["target"],
        _MET[metric["met"]],
    ]
    return f"| {' | '.join(cells)} |"


def _title(name: str) -> str:
    return TITLES.get(name, name)


def read() -> list[dict[str, Any]]:
    """All results that are there, the latest whole run first."""
    return [json.loads(file.read_text("utf-8")) for file in FILES if file.exists()]


def main() -> int:
    """Draw; the names of the files go to standard output."""
    if not LATEST.exists():
        sys.stderr.write(f"{LATEST.name}: not there; run make bench first\n")
        return 1
    results = read()
    for file in draw(results, DOCS):
        sys.stdout.write(f"docs/{file.relative_to(DOCS)}\n")
    README.write_text(with_figures(README.read_text("utf-8"), results[0]), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
