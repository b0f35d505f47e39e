"""``python -m genreconcile.testing``: fetch or build the control plane now, so that tests start at once; or run it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from genreconcile.testing.control_plane import ControlPlane, needing_the_extra
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.options import PlaneOptions


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or 1 after an error."""
    parser = argparse.ArgumentParser(prog="python -m genreconcile.testing", description=__doc__)
    parser.add_argument("--version", help="Kubernetes version (default: K8S_VERSION, or the package's own)")
    for name in ("controller-manager", "scheduler", "kwok"):
        parser.add_argument(f"--{name}", action="store_true", help=f"also {name}")
    parser.add_argument("--start", action="store_true", help="run it until Ctrl-C, and say where its kubeconfig is")
    chosen = vars(parser.parse_args(arguments))
    starts = chosen.pop("start")
    try:
        with needing_the_extra():
            from genreconcile.testing.planes import prepare_ahead
        prepare_ahead(PlaneOptions(**chosen))
        if starts:
            _run_until_interrupted(ControlPlane(**chosen))
    except ControlPlaneError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run_until_interrupted(control_plane: ControlPlane) -> None:
    is_over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: is_over.set())
    with control_plane as running:
        sys.stdout.write(f"export KUBECONFIG={running.kubeconfig}\n")
        sys.stdout.flush()
        is_over.wait()


if __name__ == "__main__":
    sys.exit(main())
