"""A cluster made by ``kind``, where a Docker engine runs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from genreconcile.testing import templates
from genreconcile.testing.existing import ExistingPlane
from genreconcile.testing.options import PlaneOptions
from genreconcile.testing.progress import Progress, say
from genreconcile.testing.sources import Kind
from genreconcile.testing.supervision import Supervision

_READY = "180s"


def image(version: str) -> str:
    """Return the name of the node image for Kubernetes ``version``."""
    return f"kindest/node:v{version}"


def pull(source: Kind) -> bool:
    """Fetch the node image; return whether the release has one, for a new patch release may have none."""
    with Progress(f"kind: fetching {image(source.version)}", 1, 60):
        run = subprocess.run(  # noqa: S603 - the docker on the PATH
            [source.docker, "pull", "--quiet", image(source.version)], capture_output=True, text=True, check=False
        )
    if run.returncode:
        say(f"kind: no image {image(source.version)}: {run.stderr.strip()[-500:]}; building from Go modules instead")
    return run.returncode == 0


def create(source: Kind, options: PlaneOptions) -> ExistingPlane:
    """Make a cluster with a name of its own, which is deleted when this process ends, however that happens."""
    supervision = Supervision()
    try:
        return ExistingPlane(_create(source, options, supervision), supervision)
    except BaseException:
        supervision.stop()
        raise


def _create(source: Kind, options: PlaneOptions, supervision: Supervision) -> Path:
    """Return the kubeconfig of a new cluster."""
    name, path = supervision.state.name.replace("_", "-"), supervision.state / "kubeconfig"
    # Before the cluster is made, for the process may be killed meanwhile.
    supervision.at_end([source.program, "delete", "cluster", "--name", name])
    arguments = ["--name", name, "--kubeconfig", str(path), "--image", image(source.version), "--wait", _READY]
    with Progress(f"kind: making cluster {name}", 1, 60), (supervision.logs / "kind.log").open("wb") as log:
        run = subprocess.run(  # noqa: S603 - the kind on the PATH
            [source.program, "create", "cluster", "--config", "-", *arguments],
            input=_config(options).encode(),
            stdout=log,
            stderr=log,
            check=False,
        )
    if run.returncode:
        raise supervision.failure(f"kind: cluster {name} not made", f"exit code {run.returncode}")
    return path


def _config(options: PlaneOptions) -> str:
    settings = dict(setting.split("=", 1) for setting in options.runtime_config)
    return json.dumps(templates.load("kind") | {"runtimeConfig": settings})
