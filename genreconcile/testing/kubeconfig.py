"""Kubeconfig files with one cluster and one user, written as JSON, which is YAML."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from genreconcile.testing import templates
from genreconcile.testing.errors import ControlPlaneError

_FILES = ("certificate-authority",)


def cluster_entry(server: str, authority: bytes) -> dict[str, Any]:
    """Return the ``cluster`` of a kubeconfig for an API server; ``authority`` is its CA's PEM."""
    return {"server": server, "certificate-authority-data": _base64(authority)}


def write(path: Path, cluster: dict[str, Any], certificate: bytes, key: bytes) -> Path:
    """Write, readable by its owner only, a kubeconfig for the user of a client certificate (PEM); return ``path``."""
    config = templates.load("kubeconfig")
    config["clusters"][0]["cluster"] = cluster
    config["users"][0]["user"] = {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")
    return path


def current_cluster(path: Path) -> dict[str, Any]:
    """Return the ``cluster`` of the current context of a kubeconfig, its file names made absolute."""
    import yaml

    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        contexts = {entry["name"]: entry["context"] for entry in config["contexts"]}
        clusters = {entry["name"]: entry["cluster"] for entry in config["clusters"]}
        cluster: dict[str, Any] = clusters[contexts[config["current-context"]]["cluster"]]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ControlPlaneError(
            f"{path}: not a usable kubeconfig: {error!r}; its current-context must exist", code="GR601"
        ) from error
    return cluster | {name: str(path.parent / cluster[name]) for name in _FILES if name in cluster}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
