"""Measure wheels against each other, each as it is installed: ``figures.py WHEEL WHEEL… [--size N] [--rounds N]``.

Each wheel gets a virtual environment of its own, and its measured processes start where the sources cannot be imported.
In each round every wheel is measured once, and another one begins; the figures are medians, and each ratio is to the
first wheel. Prints a table in Markdown. Needs the control plane, and a Python for which all of the wheels are.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import installed

sys.path.insert(0, str(installed.ROOT))

from benchmarks.ground import Ground, prepare

_WARM = 5
_STARTS = 5
_LARGE = 1000
_UNITS = {
    "compare_warm": "objects/s",
    "compare_cold": "objects/s",
    "cold_sync": "objects/s",
    "memory_per_object": "bytes",
    "import_time": "ms",
    "import_time_reconciler": "ms",
    "import_memory": "MB",
}
_MEMORY = "from genreconcile import Reconciler; from benchmarks.workers.common import rss; print(rss())"
Figures = dict[str, float]


class Subject:
    """An installed wheel, and the folder in which its processes start."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self.name = wheel.name
        self._folder = folder / "tree"
        self._python = str(folder / "venv/bin/python")
        self._folder.mkdir(parents=True)
        installed.copy(self._folder)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        self.run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{wheel.resolve()}[cli]")
        print(self.run("-c", installed.WHICH).strip(), file=sys.stderr, flush=True)

    def run(self, *arguments: object) -> str:
        """What a process of the wheel's Python prints. Raises CalledProcessError."""
        command = [self._python, *map(str, arguments)]
        done = subprocess.run(
            command, cwd=self._folder, env=installed.environment(), stdout=subprocess.PIPE, check=True, timeout=600
        )
        return done.stdout.decode()

    def measured(self, ground: Ground) -> Figures:
        """All figures, once."""
        where = ("--kubeconfig", ground.kubeconfig, "--namespace", ground.populated())
        rounds = ("--expected", ground.expected(), "--rounds", _WARM)
        compared = self._worker("compare", *where, *rounds)
        synced = self._worker("sync", *where, "--compress", 0, "--stream", 0)
        return {
            "compare_warm": compared["objects"] / compared["warm_seconds"],
            "compare_cold": compared["objects"] / compared["cold_seconds"],
            "cold_sync": synced["objects"] / synced["seconds"],
            "memory_per_object": (synced["rss_after"] - synced["rss_before"]) / synced["objects"],
            "import_time": self._milliseconds("import genreconcile"),
            "import_time_reconciler": self._milliseconds("from genreconcile import Reconciler"),
            "import_memory": float(self.run("-c", _MEMORY)) / 1e6,
        }

    def _worker(self, name: str, *arguments: object) -> Figures:
        answer: Figures = json.loads(self.run("-m", f"benchmarks.workers.{name}", *arguments))
        return answer

    def _milliseconds(self, program: str) -> float:
        """Of a whole process."""
        taken = []
        for _ in range(_STARTS):
            begin = time.perf_counter()
            self.run("-c", program)
            taken.append(time.perf_counter() - begin)
        return 1000 * statistics.median(taken)


def main() -> int:
    """Install, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheels", nargs="+", type=Path)
    parser.add_argument("--size", type=int, default=2000, help="number of objects (default: 2000)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="genreconcile-figures-") as name,
        prepare(options.size, options.rounds, with_python_peers=False, with_go_peers=False) as ground,
    ):
        subjects = [Subject(wheel, Path(name) / str(number)) for number, wheel in enumerate(options.wheels)]
        found: list[list[Figures]] = [[] for _ in subjects]
        for turn in range(options.rounds):
            for place in range(len(subjects)):
                number = (place + turn) % len(subjects)
                found[number].append(subjects[number].measured(ground))
    print(table([subject.name for subject in subjects], found))
    return 0


def table(names: Sequence[str], found: Sequence[Sequence[Figures]]) -> str:
    """A row for each figure: each wheel's median and half of its spread, and its ratio to that of the first wheel."""
    lines = ["| | unit | " + " | ".join(f"`{name}`" for name in names) + " |", "|---|---|" + "--:|" * len(names)]
    for figure, unit in _UNITS.items():
        of_each = [[figures[figure] for figures in rounds] for rounds in found]
        first = statistics.median(of_each[0])
        ratios = ["", *(f", {statistics.median(values) / first:.2f} times" for values in of_each[1:])]
        cells = (_told(values) + ratio for values, ratio in zip(of_each, ratios, strict=True))
        lines.append(f"| `{figure}` | {unit} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _told(values: Sequence[float]) -> str:
    digits = 0 if min(values) >= _LARGE else 1
    return f"{statistics.median(values):,.{digits}f} ± {(max(values) - min(values)) / 2:,.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
