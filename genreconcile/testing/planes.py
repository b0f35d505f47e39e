"""Opens a control plane from the first available source."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from genreconcile.testing import existing, kind
from genreconcile.testing.client import Requests
from genreconcile.testing.local import LocalPlane
from genreconcile.testing.options import PlaneOptions
from genreconcile.testing.progress import say
from genreconcile.testing.sources import Given, Kind, built, find, prepare


class Plane(Protocol):
    """A control plane that is ready; see ControlPlane for the attributes of the same name.

    ``namespaces`` are those that ``stop`` deletes; ``has_controllers`` says whether a controller manager runs.
    """

    kubeconfig: Path
    server: str
    logs: Path
    namespaces: list[str]
    has_controllers: bool

    @property
    def client(self) -> Requests:
        """A client for set-up."""

    def user_kubeconfig(self, user: str, groups: tuple[str, ...]) -> Path:
        """Return the kubeconfig of another user."""

    def down(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """Kill servers for the time of a block. Raises ControlPlaneError where they were not started here."""

    def snapshot(self) -> Path:
        """Return the path of a copy of etcd's data. Raises as ``down``."""

    def restore(self, snapshot: Path) -> None:
        """Go back to a copy of etcd's data. Raises as ``down``."""

    def stop(self, *, keep_logs: bool) -> Path | None:
        """End the control plane; return the folder of the kept logs, None where they are not kept."""


def open_plane(options: PlaneOptions) -> Plane:
    """Return a control plane, ready. Raises ControlPlaneError."""
    source = find(options)
    if isinstance(source, Given):
        return existing.given(source.kubeconfig, options)
    if isinstance(source, Kind):
        if kind.pull(source):
            return kind.create(source, options)
        source = built(options)
    return LocalPlane(prepare(source, options), options)


def prepare_ahead(options: PlaneOptions) -> None:
    """Fetch or build the programs, so that opening takes seconds; name the source on standard error."""
    source = find(options)
    if isinstance(source, Kind) and not kind.pull(source):
        source = built(options)
    if isinstance(source, Given):
        say(f"control plane: the cluster of {source.kubeconfig}")
    elif isinstance(source, Kind):
        say(f"control plane: a kind cluster, Kubernetes {source.version}")
    else:
        prepare(source, options)
        say(f"control plane: Kubernetes {source.version}, programs in {source.folder}")
