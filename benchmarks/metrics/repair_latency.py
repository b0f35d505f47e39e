"""From an edit by hand to its repair, as an independent watch sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.contests import python_peer
from benchmarks.edits import edits, latencies
from benchmarks.ground import Ground
from benchmarks.populate import populate
from benchmarks.workload import deployments, write_lines

P99 = "repair_latency_p99"
_EDITS, _EDITS_QUICK = 500, 30


def measure(ground: Ground) -> list[Entry]:
    """Entries ``repair_latency``, the median edit, and ``repair_latency_p99``; the size is the number of edits."""
    count, namespace = _EDITS_QUICK if ground.is_quick else _EDITS, ground.namespace("repair")
    # Each object is edited once: whoever edits one again and again is somebody to back off from.
    objects = list(deployments(edits(count), namespace))
    populate(ground.server, objects)
    expected = write_lines(ground.file("repair.jsonl"), objects)
    where = ("--kubeconfig", ground.kubeconfig, "--namespace", namespace, "--count", edits(count))

    def timed(command: Callable[[], Sequence[str]]) -> Callable[[], Figures]:
        def run() -> Figures:
            with processes.background(command(), ground.file("repair.log")) as process:
                process.wait_ready()
                found = latencies(ground.server, namespace, len(objects), count)
                process.answer()
            return {"repair_latency": 1000 * found[len(found) // 2], P99: 1000 * found[len(found) * 99 // 100]}

        return run

    contenders = [
        Contender(OURS, timed(lambda: processes.worker("repair", *where, "--expected", expected))),
        python_peer(ground, "bare script", timed(lambda: processes.worker("bare_repair", *where))),
        Contender("bare program (Go)", timed(lambda: ground.peers.command("watchpatch", *where))),
    ]
    return hold({"repair_latency": "ms", P99: "ms"}, count, contenders, ground.repetitions)
