"""``python -m genreconcile.testing``: fetch or build the control plane now, so that tests start at once."""

from __future__ import annotations

import argparse
import sys

from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.options import PlaneOptions
from genreconcile.testing.planes import prepare_ahead


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or 1 after an error."""
    parser = argparse.ArgumentParser(prog="python -m genreconcile.testing", description=__doc__)
    parser.add_argument("--version", help="Kubernetes version (default: K8S_VERSION, or the package's own)")
    for name in ("controller-manager", "scheduler", "kwok"):
        parser.add_argument(f"--{name}", action="store_true", help=f"also {name}")
    try:
        prepare_ahead(PlaneOptions(**vars(parser.parse_args(arguments))))
    except ControlPlaneError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
