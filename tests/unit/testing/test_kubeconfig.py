"""Kubeconfig files."""

from __future__ import annotations

import json
import stat

import pytest

from genreconcile.testing import kubeconfig
from genreconcile.testing.errors import ControlPlaneError


def test_written_file_is_private_and_stands_alone(tmp_path):
    cluster = kubeconfig.cluster_entry("https://127.0.0.1:1", b"CA")
    path = kubeconfig.write(tmp_path / "config", cluster, b"CERT", b"KEY")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kubeconfig.current_cluster(path) == {"server": "https://127.0.0.1:1", "certificate-authority-data": "Q0E="}
    assert json.loads(path.read_text())["users"][0]["user"] == {
        "client-certificate-data": "Q0VSVA==",
        "client-key-data": "S0VZ",
    }


def test_current_cluster_of_several_with_a_relative_file(tmp_path):
    path = tmp_path / "config"
    path.write_text(
        """
        current-context: b
        contexts: [{name: a, context: {cluster: one}}, {name: b, context: {cluster: two}}]
        clusters:
        - {name: one, cluster: {server: "https://one"}}
        - {name: two, cluster: {server: "https://two", certificate-authority: ca.crt}}
        """
    )

    assert kubeconfig.current_cluster(path) == {
        "server": "https://two",
        "certificate-authority": str(tmp_path / "ca.crt"),
    }


@pytest.mark.parametrize("text", ["", "{", "current-context: a\ncontexts: []\nclusters: []"])
def test_unusable_file_is_named(tmp_path, text):
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(ControlPlaneError, match=f"{path}: not a usable kubeconfig"):
        kubeconfig.current_cluster(path)
