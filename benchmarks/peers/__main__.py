"""``python -m benchmarks.peers``: build the peers and print where the program is, or test them on a real API server."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.peers import build
from genreconcile.testing import ControlPlane
from genreconcile.testing.errors import ControlPlaneError

KUBECONFIG = "PEERS_TEST_KUBECONFIG"
"""What the Go tests read: without it they skip those that need a server."""


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="Build the peers in Go.")
    parser.add_argument("--output", type=Path, help="the program to write; by default it goes to the cache folder")
    parser.add_argument("--test", action="store_true", help="check and test the Go code instead")
    options = parser.parse_args()
    try:
        return _test() if options.test else _build(options.output)
    except ControlPlaneError as error:
        sys.stderr.write(f"peers: {error}\n")
        return 2


def _build(output: Path | None) -> int:
    target = output.absolute() if output else build.program()
    if output:
        build.compile_to(target)
    sys.stdout.write(f"{target}\n")
    return 0


def _test() -> int:
    go = build.toolchain()
    with ControlPlane() as control_plane:
        environment = {**build.go_environment(), KUBECONFIG: str(control_plane.kubeconfig)}
        for arguments in (["vet", "./..."], ["test", "-count=1", "-timeout=300s", "./..."]):
            run = subprocess.run(go.command(*arguments), cwd=build.MODULE, env=environment, check=False)
            if run.returncode:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
