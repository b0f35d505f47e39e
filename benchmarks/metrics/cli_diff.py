"""The command line, whole process: the difference of objects that are as they should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from benchmarks import kubectl, processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground
from benchmarks.workload import read_lines

_OBJECTS = 500


def measure(ground: Ground) -> list[Entry]:
    """One entry. Each program has its caches on disk, filled by a first run that does not count."""
    count = min(_OBJECTS, ground.size)
    manifests = ground.file("manifests.yaml")
    manifests.write_text(yaml.safe_dump_all(read_lines(ground.expected(count))), "utf-8")
    home = ground.file("home")
    home.mkdir()

    def ours() -> Sequence[str]:
        return [*processes.GENRECONCILE, "diff", "--kubeconfig", ground.kubeconfig, "-f", str(manifests)]

    def theirs(*options: str) -> Callable[[], Figures]:
        return _timed(lambda: kubectl.command(ground, "diff", *options, "-f", manifests), home)

    contenders = [
        Contender(OURS, _timed(ours, home)),
        Contender("kubectl diff", theirs()),
        Contender("kubectl diff --server-side", theirs("--server-side")),
    ]
    return hold({"cli_diff": "s"}, count, contenders, ground.repetitions)


def _timed(command: Callable[[], Sequence[str]], home: Path) -> Callable[[], Figures]:
    warm: list[bool] = []

    def run() -> Figures:
        words, environ = command(), kubectl.environ(home)
        if not warm:
            processes.seconds(words, environ=environ)
            warm.append(True)
        return {"cli_diff": processes.seconds(words, environ=environ)}

    return run
