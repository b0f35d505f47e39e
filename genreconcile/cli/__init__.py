"""The command ``genreconcile``.

Invariant: importing this package loads nothing but the standard library, so that ``--help`` is fast and a missing extra
has a message of its own. Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (``sys.argv`` by default); returns the exit code of ``genreconcile.cli.exits``."""
    try:
        from genreconcile.cli.app import run
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write(
            "genreconcile: cannot start: click is not installed; install the extra: pip install 'genreconcile[cli]'\n"
        )
        return 2
    return run(arguments)
