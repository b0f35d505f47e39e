"""kubectl, as it is installed.

Invariant: where it is not installed or not wanted, each peer that needs it is missing with the reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from benchmarks.contest import Missing
from benchmarks.ground import Ground


def command(ground: Ground, *arguments: object) -> list[str]:
    """The command line, with the administrator's kubeconfig. Raises Missing."""
    program = shutil.which("kubectl")
    if program is None:
        raise Missing("kubectl is not installed")
    if not ground.with_go_peers:
        raise Missing("no peers in Go were wanted")
    return [program, *map(str, arguments), "--kubeconfig", ground.kubeconfig]


def environ(home: Path) -> Mapping[str, str]:
    """With ``home`` for what programs keep on disk from one run to the next."""
    return {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
