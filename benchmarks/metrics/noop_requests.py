"""Requests of a reconcile with nothing to do, counted by the API server's audit log."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, Missing, hold
from benchmarks.ground import Ground


def measure(ground: Ground) -> list[Entry]:
    """One entry: requests per reconcile of all objects."""
    return hold({"noop_requests": "requests"}, ground.size, [Contender(OURS, lambda: _run(ground))], ground.repetitions)


def _run(ground: Ground) -> Figures:
    where = ("--kubeconfig", ground.counted, "--namespace", ground.populated(), "--expected", ground.expected())
    start = ground.audit.count()
    with processes.background(processes.worker("noop", *where), ground.file("noop.log")) as process:
        process.wait_ready()
        before = ground.audit.count()
        if before == start:
            raise Missing("the audit log shows no request of the process that was to be counted")
        answer = process.answer()
        requests = ground.audit.count() - before
    if answer["unchanged"] != answer["objects"] * answer["rounds"]:
        raise Missing(f"the reconciles found something to do: {answer}")
    return {"noop_requests": requests / answer["rounds"]}
