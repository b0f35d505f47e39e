"""The sources of a control plane, in this order; the first available one is taken.

1. The cluster of the file that ``GENRECONCILE_TEST_KUBECONFIG`` names. Never ``KUBECONFIG`` or the home folder's file:
   the tests delete objects.
2. The programs in the folder that ``KUBEBUILDER_ASSETS`` names, unless another version is asked for.
3. The programs in the user's cache folder.
4. A new ``kind`` cluster, where ``kind`` is installed and a Docker engine runs.
5. The programs built from Go modules into the cache folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from genreconcile.testing import versions
from genreconcile.testing.building import build
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.options import PlaneOptions
from genreconcile.testing.progress import say

GIVEN_VARIABLE = "GENRECONCILE_TEST_KUBECONFIG"
ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"

_REQUIRED = ("etcd", "kube-apiserver")
_ENGINE_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Given:
    """An existing cluster, by its kubeconfig."""

    kubeconfig: Path


@dataclass(frozen=True, slots=True)
class Kind:
    """A ``kind`` cluster to be made."""

    program: str
    docker: str
    version: str


@dataclass(frozen=True, slots=True)
class Programs:
    """Programs of Kubernetes ``version``: those in ``folder``, the others from the cache folder."""

    folder: Path
    version: str


def find(options: PlaneOptions) -> Given | Kind | Programs:
    """Return the first available source; changes nothing. Raises ControlPlaneError where a variable is wrong."""
    return _given() or _assets(options) or _cached(options) or _kind(options) or built(options)


def built(options: PlaneOptions) -> Programs:
    """Return the last source, which is always available."""
    return Programs(build.folder(options.kubernetes), options.kubernetes)


def prepare(source: Programs, options: PlaneOptions) -> dict[str, Path]:
    """Return the path of every program that is needed; builds those that are missing."""
    others = [name for name in options.programs if build.missing(source.folder, [name])]
    elsewhere = build.ensure(source.version, others)
    paths = {name: (elsewhere if name in others else source.folder) / name for name in options.programs}
    if options.kwok:
        paths["kwok"] = build.ensure_kwok() / "kwok"
    return paths


def _given() -> Given | None:
    name = os.environ.get(GIVEN_VARIABLE)
    if not name:
        return None
    if not Path(name).is_file():
        raise ControlPlaneError(
            f"{GIVEN_VARIABLE}={name}: cannot be read: no such file; correct or unset it", code="GR951"
        )
    return Given(Path(name).absolute())


def _assets(options: PlaneOptions) -> Programs | None:
    name = os.environ.get(ASSETS_VARIABLE)
    if not name:
        return None
    folder = Path(name).absolute()
    if absent := build.missing(folder, _REQUIRED):
        raise ControlPlaneError(
            f"{ASSETS_VARIABLE}={name}: not usable: no {' and no '.join(absent)}; correct or unset it", code="GR951"
        )
    version = _version_of(folder / "kube-apiserver")
    asked = versions.requested(options.version)
    if asked not in (None, version):
        say(f"{ASSETS_VARIABLE} holds Kubernetes {version}, not {asked}: not used")
        return None
    return Programs(folder, version)


def _version_of(apiserver: Path) -> str:
    run = subprocess.run(  # noqa: S603 - the user's own program
        [apiserver, "--version"], capture_output=True, text=True, check=False
    )
    match = re.search(r"v(\d+\.\d+\.\d+)", run.stdout)
    if match is None:
        raise ControlPlaneError(
            f"{apiserver}: not usable: --version says {(run.stdout + run.stderr)[-500:]!r}; correct {ASSETS_VARIABLE}",
            code="GR951",
        )
    return match[1]


def _cached(options: PlaneOptions) -> Programs | None:
    source = built(options)
    return None if build.missing(source.folder, _REQUIRED) else source


def _kind(options: PlaneOptions) -> Kind | None:
    """A ``kind`` cluster; None with ``extra_apiserver_args``, for ``kind`` takes no command line of the API server."""
    kind, docker = shutil.which("kind"), shutil.which("docker")
    if kind and docker and not options.extra_apiserver_args and _engine_runs(docker):
        return Kind(kind, docker, options.kubernetes)
    return None


def _engine_runs(docker: str) -> bool:
    try:
        run = subprocess.run(  # noqa: S603 - the docker on the PATH
            [docker, "info"], capture_output=True, check=False, timeout=_ENGINE_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0
