"""A control plane of processes on this machine: etcd, kube-apiserver, and more on request."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from genreconcile.errors import ClusterError
from genreconcile.testing import kubeconfig, servers, templates
from genreconcile.testing.certificates import Authority, Credential, new_key, private_pem, public_pem
from genreconcile.testing.client import Client, ensure
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.options import PlaneOptions
from genreconcile.testing.supervision import Supervision

START_TIMEOUT = 90.0
"""Seconds until the API server must be ready: it takes 3 on an idle machine."""

_PORT_ATTEMPTS = 5
_PORT_TAKEN = "address already in use"
_ADMINISTRATORS = "system:masters"


class LocalPlane:
    """Servers started from ``programs`` (a path for each name); ready when constructed."""

    def __init__(self, programs: dict[str, Path], options: PlaneOptions) -> None:
        self._programs = programs
        self._options = options
        self._authority = Authority()
        self._snapshots = itertools.count()
        self.namespaces: list[str] = []
        self.has_controllers = options.controller_manager
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            try:
                self._start()
                break
            except ControlPlaneError as error:
                # Between the choice of a free port and its use, another process can take it.
                if _PORT_TAKEN not in str(error) or attempt == _PORT_ATTEMPTS:
                    raise
                shutil.rmtree(self._supervision.kept)

    def user_kubeconfig(self, user: str, groups: tuple[str, ...]) -> Path:
        """Write and return the kubeconfig of another user."""
        folder = self.state / "users"
        folder.mkdir(exist_ok=True)
        path = folder / f"{len(list(folder.iterdir()))}.kubeconfig"
        return self._kubeconfig(path, self._authority.user(user, groups))

    @contextlib.contextmanager
    def down(self, names: Sequence[str]) -> Iterator[None]:
        """Kill these servers for the time of the block; at its end, start them again and wait until they are ready."""
        with self._supervision.down(names):
            yield
        self._wait_ready()

    def snapshot(self) -> Path:
        """Return the path of a new copy of etcd's data."""
        copy = self.state / f"snapshot-{next(self._snapshots)}"
        with self.down(["etcd"]):
            shutil.copytree(self.state / "etcd", copy)
        return copy

    def restore(self, snapshot: Path) -> None:
        """Put a copy of ``snapshot`` in the place of etcd's data."""
        with self.down(["kube-apiserver", "etcd"]):
            shutil.rmtree(self.state / "etcd")
            shutil.copytree(snapshot, self.state / "etcd")

    def stop(self, *, keep_logs: bool) -> Path | None:
        """End the servers; return the folder of the kept logs, None where they are not kept."""
        self._supervision.stop(keep_logs=keep_logs)
        return self._supervision.kept if keep_logs else None

    def _start(self) -> None:
        port = _free_port()
        self.server = f"https://{servers.HOST}:{port}"
        self._supervision = Supervision()
        self.state, self.logs = self._supervision.state, self._supervision.logs
        try:
            self.kubeconfig = self._write_credentials()
            self._start_api(port)
            self.client = Client(self.server, self.state)
            self._wait_ready()
            self._start_others()
        except ClusterError as error:
            raise self._supervision.failure("control plane: set-up failed", str(error)) from error
        except BaseException:
            self._supervision.stop()
            raise

    def _write_credentials(self) -> Path:
        self._write("ca", self._authority.credential)
        self._write("apiserver", self._authority.server(["localhost"], [servers.HOST]))
        admin = self._authority.user("admin", [_ADMINISTRATORS])
        self._write("admin", admin)
        service_accounts = new_key()
        (self.state / "sa.key").write_bytes(private_pem(service_accounts))
        (self.state / "sa.pub").write_bytes(public_pem(service_accounts))
        return self._kubeconfig(self.state / "kubeconfig", admin)

    def _write(self, name: str, credential: Credential) -> None:
        (self.state / f"{name}.crt").write_bytes(credential.certificate)
        (self.state / f"{name}.key").write_bytes(credential.key)

    def _kubeconfig(self, path: Path, user: Credential) -> Path:
        cluster = kubeconfig.cluster_entry(self.server, self._authority.credential.certificate)
        return kubeconfig.write(path, cluster, user.certificate, user.key)

    def _start_api(self, port: int) -> None:
        options = self._options
        self._supervision.start("etcd", servers.etcd(self._programs["etcd"], self.state))
        program = self._programs["kube-apiserver"]
        arguments = servers.apiserver(program, self.state, port, options.runtime_config, options.extra_apiserver_args)
        self._supervision.start("kube-apiserver", arguments)

    def _start_others(self) -> None:
        start, programs, state = self._supervision.start, self._programs, self.state
        if self._options.controller_manager:
            manager = programs["kube-controller-manager"]
            start("kube-controller-manager", servers.controller_manager(manager, state))
        if self._options.scheduler:
            start("kube-scheduler", servers.scheduler(programs["kube-scheduler"], state))
        if self._options.kwok:
            ensure(self.client, "/api/v1/nodes", templates.load("node", name="node-0"))
            start("kwok", servers.kwok(programs["kwok"].parent, state))

    def _wait_ready(self) -> None:
        """Wait until the API server is ready and has made the namespace ``default``."""
        deadline = time.monotonic() + START_TIMEOUT
        paths = ["/readyz", "/api/v1/namespaces/default"]
        while paths:
            try:
                self.client.request("GET", paths[0])
                paths.pop(0)
            except ClusterError as error:
                if not self._supervision.alive():
                    raise self._supervision.failure("control plane: start failed", "a server ended") from error
                if time.monotonic() > deadline:
                    cause = f"not ready after {START_TIMEOUT:.0f} s ({error})"
                    raise self._supervision.failure("control plane: start failed", cause) from error
                time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((servers.HOST, 0))
        port: int = probe.getsockname()[1]
        return port
