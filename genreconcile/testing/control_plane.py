"""The public control plane: a context manager around one real API server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from genreconcile.testing.client import ensure, exists, running_version, wait
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.options import PlaneOptions
from genreconcile.testing.templates import load as template

if TYPE_CHECKING:
    from genreconcile.testing.planes import Plane

_CONTROLLER_TIMEOUT = 30.0
"""Seconds for the controller manager to start and to make a ServiceAccount."""


class ControlPlane:
    """A Kubernetes control plane for tests and demos, gone without a trace when the block, or this process, ends.

    ``version`` (else ``K8S_VERSION``, else 1.37.2) is that of Kubernetes. ``controller_manager`` and ``scheduler`` add
    these two servers, ``kwok`` a node whose Pods "run" without containers. ``runtime_config`` holds API server
    settings such as ``api/all=true``; ``extra_apiserver_args`` is appended to the API server's command line.

    While it runs, ``kubeconfig`` is the path of an administrator's kubeconfig, ``server`` the API server's URL,
    ``version`` that of the running API server, ``logs`` the folder of the servers' logs. Raises ControlPlaneError.
    """

    def __init__(  # noqa: PLR0913 - all but one are by name only
        self,
        version: str | None = None,
        *,
        controller_manager: bool = False,
        scheduler: bool = False,
        kwok: bool = False,
        runtime_config: Sequence[str] = (),
        extra_apiserver_args: Sequence[str] = (),
    ) -> None:
        self._options = PlaneOptions(
            version, controller_manager, scheduler, kwok, tuple(runtime_config), tuple(extra_apiserver_args)
        )
        self._plane: Plane | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kept = self.stop(keep_logs=isinstance(error, Exception))
        if error and kept:
            error.add_note(f"The logs of the control plane are kept in {kept}")

    @property
    def kubeconfig(self) -> Path:
        """Path of the kubeconfig of an administrator."""
        return self._running.kubeconfig

    @property
    def server(self) -> str:
        """URL of the API server."""
        return self._running.server

    @property
    def logs(self) -> Path:
        """Folder of the logs, one file for each server."""
        return self._running.logs

    def start(self) -> None:
        """Start, or find, the control plane; returns when the API server is ready, after about 3 seconds."""
        if self._plane is not None:
            raise ControlPlaneError(
                "control plane: cannot start: it runs already; make a second ControlPlane", code="GR005"
            )
        self._plane = _open(self._options)
        try:
            self.version = running_version(self._plane.client)
            self._complete_namespace("default")
        except BaseException:
            self.stop()
            raise

    def stop(self, *, keep_logs: bool = False) -> Path | None:
        """End the control plane; returns when its files are gone. ``keep_logs``: return the folder of the kept logs."""
        plane, self._plane = self._plane, None
        return plane.stop(keep_logs=keep_logs) if plane else None

    def user_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """Return the path of a new kubeconfig for ``user`` in ``groups``, who has only the rights that RBAC grants."""
        return self._running.user_kubeconfig(user, tuple(groups))

    def down(self, *servers: str) -> AbstractContextManager[None]:
        """Kill ``etcd``, ``kube-apiserver`` or others for the time of a ``with`` block, which ends when they are ready.

        Raises ControlPlaneError for a cluster that was not started here.
        """
        return self._running.down(servers)

    def snapshot(self) -> Path:
        """Return the path of a copy of etcd's data; etcd is killed and started again for it. Raises as ``down``."""
        return self._running.snapshot()

    def restore(self, snapshot: Path) -> None:
        """Go back to a snapshot, as an administrator restores a backup: resourceVersions go back too.

        Raises as ``down``.
        """
        self._running.restore(snapshot)

    def create_namespace(self, name: str) -> str:
        """Create a namespace in which Pods can be created, and return its name."""
        ensure(self._running.client, "/api/v1/namespaces", template("namespace", name=name))
        self._running.namespaces.append(name)
        self._complete_namespace(name)
        return name

    def _complete_namespace(self, name: str) -> None:
        """Give the namespace the ServiceAccount ``default``, without which Pods are refused."""
        client, collection = self._running.client, f"/api/v1/namespaces/{name}/serviceaccounts"
        if self._running.has_controllers:
            wait(f"{collection}/default", lambda: exists(client, f"{collection}/default"), _CONTROLLER_TIMEOUT)
        else:
            ensure(client, collection, template("service_account"))

    @property
    def _running(self) -> Plane:
        if self._plane is None:
            raise ControlPlaneError("control plane: not running; use it in a with block, or call start()", code="GR005")
        return self._plane


def _open(options: PlaneOptions) -> Plane:
    with needing_the_extra():
        from genreconcile.testing.planes import open_plane
    return open_plane(options)


@contextlib.contextmanager
def needing_the_extra() -> Iterator[None]:
    """Raise ControlPlaneError where a package cannot be imported that the extra brings."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ControlPlaneError(
            f"control plane: cannot start: {error}; run pip install 'genreconcile[testing]'", code="GR006"
        ) from error
