"""The command line, whole process: the difference of a platform's manifests, which are as they should be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from benchmarks import kubectl, platform, processes
from benchmarks.contest import OURS, Contender, Entry, Figures, hold
from benchmarks.ground import Ground
from genreconcile.testing import ControlPlane

_READ = """
import pathlib, sys, yaml
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    list(yaml.load_all(file.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
"""


def measure(ground: Ground) -> list[Entry]:
    """One entry. The server is another one: hundreds of definitions would weigh on all other metrics."""
    folder, home = ground.file("platform"), ground.file("home")
    folder.mkdir()
    home.mkdir()
    count = platform.write(folder, 1 if ground.is_quick else platform.COMPONENTS)
    environ = kubectl.environ(home)
    with ControlPlane() as plane:
        where = ("--kubeconfig", str(plane.kubeconfig), "-f", str(folder))
        processes.seconds([*processes.GENRECONCILE, "apply", *where], environ=environ)
        diff = [*processes.GENRECONCILE, "diff", *where]
        processes.seconds(diff, environ=environ)  # With its cache on disk filled; exit code 0, so nothing differs.
        contenders = [
            Contender(OURS, _timed(diff, environ)),
            Contender("PyYAML (libyaml), files alone", _timed([sys.executable, "-c", _READ, str(folder)], environ)),
        ]
        return hold({"cli_diff_platform": "s"}, count, contenders, ground.repetitions)


def _timed(command: Sequence[str], environ: Mapping[str, str]) -> Callable[[], Figures]:
    return lambda: {"cli_diff_platform": processes.seconds(command, environ=environ)}
