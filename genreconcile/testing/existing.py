"""A cluster that somebody else made: given by the user, or made by ``kind``.

A given cluster is refused when it holds foreign namespaces, for the tests delete objects.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from genreconcile.errors import ClusterError
from genreconcile.testing import kubeconfig, templates, versions
from genreconcile.testing.certificates import new_key, private_pem, signing_request
from genreconcile.testing.client import exists, get, running_version, send, wait
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.options import PlaneOptions
from genreconcile.testing.supervision import Supervision

_ORDINARY = re.compile(r"default|kube-.*|local-path-storage")
_NAMESPACES = "/api/v1/namespaces"
_REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_SIGNING_TIMEOUT = 30.0


class ExistingPlane:
    """The cluster of the kubeconfig ``path``; ``supervision``, which ``stop`` ends, holds the files made for it."""

    def __init__(self, path: Path, supervision: Supervision) -> None:
        from genreconcile.cluster import connect

        self.kubeconfig = path
        self.client = connect(kubeconfig=str(path))
        self.server = self.client.server
        self.logs = supervision.logs
        self.namespaces: list[str] = []
        self._supervision = supervision
        # A controller manager puts this ConfigMap into each namespace.
        self.has_controllers = exists(self.client, f"{_NAMESPACES}/default/configmaps/kube-root-ca.crt")

    def user_kubeconfig(self, user: str, groups: tuple[str, ...]) -> Path:
        """Let the cluster sign a certificate for another user; write and return the kubeconfig."""
        if not self.has_controllers:
            raise ControlPlaneError(
                f"user {user}: no certificate: {self.server} runs no controller that signs it; give another cluster",
                code="GR953",
            )
        key = new_key()
        name, certificate = self._sign(user, signing_request(key, user, groups))
        path = self._supervision.state / f"{name}.kubeconfig"
        return kubeconfig.write(path, kubeconfig.current_cluster(self.kubeconfig), certificate, private_pem(key))

    def down(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """Raise ControlPlaneError: a server that was not started here is not killed."""
        raise ControlPlaneError(
            f"{self.server}: {', '.join(names)} not killed: not started here; give no cluster", code="GR953"
        )

    def snapshot(self) -> Path:
        """Raise ControlPlaneError: etcd was not started here."""
        raise ControlPlaneError(f"{self.server}: no snapshot of etcd: not started here; give no cluster", code="GR953")

    def restore(self, snapshot: Path) -> None:
        """Raise ControlPlaneError: etcd was not started here."""
        raise ControlPlaneError(
            f"{self.server}: {snapshot} not restored: etcd was not started here; give no cluster", code="GR953"
        )

    def stop(self, *, keep_logs: bool) -> Path | None:
        """Delete the namespaces and files made here; return the folder of the kept logs, None where none are kept."""
        try:
            for name in self.namespaces:
                self.client.request("DELETE", f"{_NAMESPACES}/{name}")
        finally:
            self.client.close()
            self._supervision.stop(keep_logs=keep_logs)
        return self._supervision.kept if keep_logs else None

    def _sign(self, user: str, request: bytes) -> tuple[str, bytes]:
        obj = templates.load("signing_request")
        approval = obj.pop("status")
        obj["spec"]["request"] = base64.b64encode(request).decode()
        made = send(self.client, "POST", _REQUESTS, obj)
        path = f"{_REQUESTS}/{made['metadata']['name']}"
        send(self.client, "PUT", f"{path}/approval", made | {"status": approval})
        wait(f"user {user}: certificate", lambda: "certificate" in get(self.client, path)["status"], _SIGNING_TIMEOUT)
        signed = get(self.client, path)
        return signed["metadata"]["name"], base64.b64decode(signed["status"]["certificate"])


def given(path: Path, options: PlaneOptions) -> ExistingPlane:
    """Return the cluster of a kubeconfig named by the user. Raises ControlPlaneError for a foreign or unfit one."""
    supervision = Supervision()
    try:
        plane = ExistingPlane(path, supervision)
        _refuse_foreign(plane.server, get(plane.client, _NAMESPACES)["items"])
        _refuse_unfit(plane, options)
    except ClusterError as error:
        supervision.stop()
        raise ControlPlaneError(f"{path}: cluster not usable: {error}", code="GR953") from error
    except BaseException:
        supervision.stop()
        raise
    return plane


def _refuse_foreign(server: str, namespaces: list[dict[str, Any]]) -> None:
    """Raise ControlPlaneError unless all namespaces are Kubernetes' own or made by earlier tests."""
    ours = templates.load("namespace")["metadata"]["labels"].items()
    foreign = [
        obj["metadata"]["name"]
        for obj in namespaces
        if not _ORDINARY.fullmatch(obj["metadata"]["name"]) and not ours <= obj["metadata"].get("labels", {}).items()
    ]
    if foreign:
        label = ",".join("=".join(pair) for pair in ours)
        raise ControlPlaneError(
            f"{server}: refused: the tests delete things, and it holds the namespaces {', '.join(foreign)}, which are "
            f"neither Kubernetes' own nor labelled {label}; give an empty cluster, delete them, or label them",
            code="GR953",
        )


def _refuse_unfit(plane: ExistingPlane, options: PlaneOptions) -> None:
    """Raise ControlPlaneError where an option is not met: a running cluster cannot be set up anew."""
    asked = versions.requested(options.version)
    wishes = {
        f"version {asked}": asked not in (None, running_version(plane.client)),
        "runtime_config": options.runtime_config,
        "extra_apiserver_args": options.extra_apiserver_args,
        "controller_manager": options.controller_manager and not plane.has_controllers,
    }
    if unmet := [name for name, wish in wishes.items() if wish]:
        raise ControlPlaneError(
            f"{plane.server}: not usable: it runs already, without {', '.join(unmet)}; give another cluster, or none",
            code="GR953",
        )
