"""The peers in Go: one program with subcommands, built from ``benchmarks/peers``.

Invariant: where it cannot be built, each peer that needs it is missing with the reason.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.contest import Missing

PROGRAM = "GENRECONCILE_BENCH_PEERS"
"""Environment variable: a program that is built already."""


class GoPeers:
    """``build`` returns the program, or raises Missing; it is called once, when the first peer is to run."""

    def __init__(self, build: Callable[[], Path]) -> None:
        self._build = build
        self._program: Path | None = None
        self._missing = ""

    def command(self, *arguments: object) -> list[str]:
        """The command line of a subcommand. Raises Missing."""
        return [str(self._found()), *map(str, arguments)]

    def beside(self, name: str, *arguments: object) -> list[str]:
        """The command line of another program, which is built together with it. Raises Missing."""
        program = self._found().with_name(name)
        if not program.is_file():
            raise Missing(f"{name}: no such program beside that of the peers in Go")
        return [str(program), *map(str, arguments)]

    def run(self, *arguments: object) -> dict[str, Any]:
        """Run a subcommand to its end; its JSON. Raises Missing."""
        return processes.run(self.command(*arguments))

    def _found(self) -> Path:
        if self._program is None and not self._missing:
            try:
                self._program = self._build()
            except Missing as reason:
                self._missing = str(reason)
        if self._program is None:
            raise Missing(self._missing)
        return self._program


def without(reason: str) -> GoPeers:
    """No peers, for this reason."""

    def build() -> Path:
        raise Missing(reason)

    return GoPeers(build)


def find() -> Path:
    """The program that the environment names, else a new build. Raises Missing."""
    named = os.environ.get(PROGRAM)
    if named:
        if not Path(named).is_file():
            raise Missing(f"{PROGRAM}: {named}: no such program")
        return Path(named)
    return _build()


def _build() -> Path:
    """Build the module, or find what was built before; what it says meanwhile is passed on."""
    command = [sys.executable, "-m", "benchmarks.peers"]
    said = ["no message"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=processes.environment(),
        cwd=processes.ROOT,
    ) as build:
        for line in build.stderr or ():
            sys.stderr.write(line)
            said.append(line.strip())
        printed = (build.stdout.read() if build.stdout else "").split()
    if build.returncode or not printed:
        raise Missing(f"the peers in Go cannot be built: {said[-1]}")
    return Path(printed[-1])
