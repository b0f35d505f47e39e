"""Seconds of a whole process that imports the package, and of one that prints the help."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence

from benchmarks import processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground

HELP = "import_time_help"
_RUNS, _RUNS_QUICK = 5, 1
_NOTHING = (sys.executable, "-c", "pass")
_IMPORT = (sys.executable, "-c", "import genreconcile")
_HELP = (*processes.GENRECONCILE, "--help")


def measure(ground: Ground) -> list[Entry]:
    """Entries ``import_time`` and ``import_time_help``; the floor is a Python that does nothing."""
    runs = _RUNS_QUICK if ground.is_quick else _RUNS
    floor = Contender("python -c pass", _timed(_NOTHING, _NOTHING, runs))
    contenders = [Contender(OURS, _timed(_IMPORT, _HELP, runs)), floor]
    return hold({"import_time": "s", HELP: "s"}, 1, contenders, ground.repetitions)


def _timed(imports: Sequence[str], prints_help: Sequence[str], runs: int) -> Callable[[], Figures]:
    def median(command: Sequence[str]) -> float:
        return statistics.median(processes.seconds(command) for _ in range(runs))

    return lambda: {"import_time": median(imports), HELP: median(prints_help)}
