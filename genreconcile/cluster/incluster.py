"""The service account of the Pod that this program runs in.

Invariant: the Pod's account counts only where no kubeconfig names a context.
Source: ``k8s.io/client-go/rest.InClusterConfig``.
"""

from __future__ import annotations

import os
from pathlib import Path

from genreconcile.cluster.entries import ClusterEntry, UserEntry
from genreconcile.cluster.kubeconfig import Chosen, default_places, unusable

FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def in_cluster(problem: str = "") -> Chosen:
    """The API server and the token that the kubelet gives to a Pod. Raises Unreachable; its message names ``problem``,
    the lack of the kubeconfig, if there is one.
    """
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    token = FOLDER / "token"
    if not host or not port or not token.is_file():
        if problem:
            raise unusable("kubeconfig", problem, "name one with --context")
        missing = "Service host/port is not set" if not host or not port else f"{token} is not there"
        raise unusable("kubeconfig", f"{missing}: this is no Pod, and there is no {default_places()}")
    authority = FOLDER / "ca.crt"
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return Chosen(
        "the Pod's account",
        "",
        ClusterEntry(server=server, certificate_authority=str(authority) if authority.is_file() else ""),
        UserEntry(token_file=str(token)),
        _namespace(),
    )


def _namespace() -> str:
    file = FOLDER / "namespace"
    return os.environ.get("POD_NAMESPACE") or (file.read_text("utf-8").strip() if file.is_file() else "")
