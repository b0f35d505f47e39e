"""Programs of Go modules that tests call, built once into the cache folder."""

import shutil
import subprocess
from pathlib import Path

import platformdirs
import pytest

from genreconcile.testing.building.build import locked, missing
from genreconcile.testing.building.toolchain import Go, environment


def program(name, package, version, *flags):
    """Its path. Skips the test where there is no Go; raises CalledProcessError where it cannot be built."""
    folder = platformdirs.user_cache_path("genreconcile") / name / version
    if missing(folder, [name]):
        go = shutil.which("go")
        if go is None:
            pytest.skip(f"there is no go on the PATH to build {name} with")
        with locked(folder, f"{name} {version}"):
            if missing(folder, [name]):
                _build(Go(Path(go)), folder, name, [*flags, f"{package}@v{version}"])
    return folder / name


def _build(go, folder, name, arguments):
    command = go.command("install", "-trimpath", "-ldflags", "-s -w", *arguments)
    place = {**environment(), "GOBIN": str(folder / "build")}
    subprocess.run(command, env=place, cwd=folder, check=True)
    (folder / "build" / name).replace(folder / name)
    (folder / "build").rmdir()
