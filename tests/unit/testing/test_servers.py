"""Command lines of the servers."""

from __future__ import annotations

from pathlib import Path

from genreconcile.testing import servers

STATE = Path("/state")


def test_everything_listens_on_loopback_or_in_the_state_directory():
    etcd = servers.etcd(Path("/bin/etcd"), STATE)
    apiserver = servers.apiserver(Path("/bin/kube-apiserver"), STATE, 1234)

    assert [a for a in etcd if "-urls=" in a and not a.partition("=")[2].startswith("unix://")] == []
    assert "--bind-address=127.0.0.1" in apiserver
    assert "--secure-port=1234" in apiserver
    assert "--etcd-servers=unix:///state/etcd.sock:1" in apiserver
    assert "--secure-port=0" in servers.controller_manager(Path("x"), STATE)
    assert "--secure-port=0" in servers.scheduler(Path("x"), STATE)


def test_wishes_come_last():
    command = servers.apiserver(Path("x"), STATE, 1, ["api/all=true", "a/v1=false"], ["--v=4"])

    assert command[-2:] == ["--runtime-config=api/all=true,a/v1=false", "--v=4"]


def test_kwok_reads_all_its_stages(tmp_path):
    (tmp_path / "stages").mkdir()
    for name in ("b.yaml", "a.yaml", "README.md"):
        (tmp_path / "stages" / name).touch()

    configs = [a for a in servers.kwok(tmp_path, STATE) if a.startswith("--config=")]

    assert configs == [f"--config={tmp_path}/stages/a.yaml", f"--config={tmp_path}/stages/b.yaml"]


def test_a_node_of_which_nobody_tells_stays_ready():
    assert "--node-monitor-grace-period=24h" in servers.controller_manager(Path("x"), STATE)
