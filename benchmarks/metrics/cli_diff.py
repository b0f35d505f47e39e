"""The command line, whole process: the difference of objects that are as they should be."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, Missing, hold
from benchmarks.ground import Ground
from benchmarks.workload import read_lines

_OBJECTS = 500


def measure(ground: Ground) -> list[Entry]:
    """One entry. Each program has its caches on disk, filled by a first run that does not count."""
    count = min(_OBJECTS, ground.size)
    manifests = ground.file("manifests.yaml")
    manifests.write_text(yaml.safe_dump_all(read_lines(ground.expected(count))), "utf-8")
    where = ("--kubeconfig", ground.kubeconfig, "-f", str(manifests))
    home = ground.file("home")
    home.mkdir()
    contenders = [
        Contender(OURS, _timed((*processes.GENRECONCILE, "diff", *where), home)),
        Contender("kubectl diff", _kubectl(ground, ("diff", *where), home)),
        Contender("kubectl diff --server-side", _kubectl(ground, ("diff", "--server-side", *where), home)),
    ]
    return hold({"cli_diff": "s"}, count, contenders, ground.repetitions)


def _kubectl(ground: Ground, arguments: Sequence[str], home: Path) -> Callable[[], Figures]:
    program = shutil.which("kubectl")

    def missing() -> Figures:
        raise Missing("kubectl is not installed" if program is None else "no peers in Go were wanted")

    wanted = program is not None and ground.with_go_peers
    return _timed((str(program), *arguments), home) if wanted else missing


def _timed(command: Sequence[str], home: Path) -> Callable[[], Figures]:
    environ = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    warm: list[bool] = []

    def run() -> Figures:
        if not warm:
            processes.seconds(command, environ=environ)
            warm.append(True)
        return {"cli_diff": processes.seconds(command, environ=environ)}

    return run
