"""Command lines of the servers. Everything binds to loopback or to a socket in the state directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

HOST = "127.0.0.1"

# etcd 3.6 insists on a port; here the port is only a part of the socket's name.
_ETCD = "unix://etcd.sock:1"
_PEER = "unix://peer.sock:1"


def etcd(program: Path, state: Path) -> list[str]:
    """Return etcd's command line: on sockets in the state directory, which need no port and let nobody else in.

    The names of the sockets are relative to the state directory, in which etcd runs: a socket's path must be short.
    """
    return [
        str(program),
        f"--data-dir={state / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        f"--listen-peer-urls={_PEER}",
        f"--initial-advertise-peer-urls={_PEER}",
        f"--initial-cluster=default={_PEER}",
    ]


def apiserver(
    program: Path, state: Path, port: int, runtime_config: Sequence[str] = (), extra: Sequence[str] = ()
) -> list[str]:
    """Return kube-apiserver's command line. ``extra`` comes last, so that it overrides."""
    return [
        str(program),
        f"--etcd-servers={_ETCD.replace('unix://', f'unix://{state}/')}",
        f"--bind-address={HOST}",
        f"--secure-port={port}",
        # Without these two kube-apiserver looks for an interface with a default route; a machine offline has none.
        f"--advertise-address={HOST}",
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={state / 'apiserver.crt'}",
        f"--tls-private-key-file={state / 'apiserver.key'}",
        f"--client-ca-file={state / 'ca.crt'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={state / 'sa.pub'}",
        f"--service-account-signing-key-file={state / 'sa.key'}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        *([f"--runtime-config={','.join(runtime_config)}"] if runtime_config else []),
        *extra,
    ]


def controller_manager(program: Path, state: Path) -> list[str]:
    """Return kube-controller-manager's command line."""
    return [
        str(program),
        f"--kubeconfig={state / 'kubeconfig'}",
        "--leader-elect=false",
        "--secure-port=0",
        f"--root-ca-file={state / 'ca.crt'}",
        f"--service-account-private-key-file={state / 'sa.key'}",
        f"--cluster-signing-cert-file={state / 'ca.crt'}",
        f"--cluster-signing-key-file={state / 'ca.key'}",
        # No kubelet tells that a node is well, and kwok does once: after 50 s, Pods would never be ready again.
        "--node-monitor-grace-period=24h",
    ]


def scheduler(program: Path, state: Path) -> list[str]:
    """Return kube-scheduler's command line."""
    return [str(program), f"--kubeconfig={state / 'kubeconfig'}", "--leader-elect=false", "--secure-port=0"]


def kwok(folder: Path, state: Path) -> list[str]:
    """Return kwok's command line; ``folder`` holds the program and its stages."""
    stages = sorted((folder / "stages").glob("*.yaml"))
    return [
        str(folder / "kwok"),
        f"--kubeconfig={state / 'kubeconfig'}",
        "--manage-all-nodes=true",
        f"--node-ip={HOST}",
        *(f"--config={stage}" for stage in stages),
    ]
