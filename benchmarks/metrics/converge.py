"""From an empty namespace to all objects, in objects per second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import kubectl, processes
from benchmarks.contest import OURS, Contender, Entry, Figures, Missing, hold, of_fewer
from benchmarks.contests import python_peer
from benchmarks.ground import Ground
from benchmarks.populate import clear, count_of
from benchmarks.workload import deployments, write_lines

_OBJECTS = 2000
_OF_KUBECTL = 500
"""What it checks before it sends anything costs it 30 ms of CPU per object; 2,000 of them would take minutes."""
_CONNECTIONS = 8

Run = Callable[[str, Path], float]
"""From a namespace and the file with its objects, one on a line, to seconds. Raises Missing."""


def measure(ground: Ground) -> list[Entry]:
    """One entry; each run has a namespace of its own."""
    count = min(_OBJECTS, ground.size)
    contenders = [
        Contender(OURS, _timed(ground, count, _python(ground, "converge"))),
        Contender("bare POST (Go)", _timed(ground, count, _go(ground, "converge", "--connections", _CONNECTIONS))),
        Contender("controller-runtime CreateOrUpdate", _timed(ground, count, _go(ground, "createorupdate"))),
        Contender("Flux ssa", _timed(ground, count, _go(ground, "flux"))),
        python_peer(ground, "lightkube apply", _timed(ground, count, _python(ground, "lightkube_apply"))),
        *_of_kubectl(ground, count),
    ]
    return hold({"converge": "objects/s"}, count, contenders, ground.repetitions)


def _of_kubectl(ground: Ground, count: int) -> Iterator[Contender]:
    few = min(_OF_KUBECTL, count)
    for options in ((), ("--server-side",)):
        name = " ".join(("kubectl apply", *options))
        yield Contender(of_fewer(name, few, count), _timed(ground, few, _kubectl(ground, options)))


def _timed(ground: Ground, count: int, run: Run) -> Callable[[], Figures]:
    """A run of ``count`` objects; afterwards the server is asked whether they are there."""

    def in_new_namespace() -> Figures:
        namespace = ground.namespace("converge")
        try:
            seconds = run(namespace, write_lines(ground.file("expected.json"), deployments(count, namespace)))
            stored = count_of(ground.server, namespace)
        finally:
            clear(ground.server, namespace)
        if stored != count:
            raise Missing(f"it wrote {stored} objects of {count}")
        return {"converge": count / seconds}

    return in_new_namespace


def _python(ground: Ground, module: str) -> Run:
    def run(namespace: str, expected: Path) -> float:
        where = ("--kubeconfig", ground.kubeconfig, "--namespace", namespace)
        command = processes.worker(module, *where, "--expected", expected, "--connections", _CONNECTIONS)
        return float(processes.run(command)["seconds"])

    return run


def _go(ground: Ground, subcommand: str, *more: object) -> Run:
    def run(namespace: str, expected: Path) -> float:
        where = ("--kubeconfig", ground.kubeconfig, "--namespace", namespace)
        return float(ground.peers.run(subcommand, *where, "--bodies", expected, *more)["seconds"])

    return run


def _kubectl(ground: Ground, options: tuple[str, ...]) -> Run:
    """The whole process, with a home in which nothing is cached: the others ask the server for its kinds as well."""

    def run(_: str, expected: Path) -> float:
        command = kubectl.command(ground, "apply", *options, "-f", expected)
        return processes.seconds(command, environ=kubectl.environ(ground.file("home")))

    return run
