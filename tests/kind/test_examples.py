"""The examples run as their users run them."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def run(control_plane):
    def run(name, *options):
        command = [sys.executable, EXAMPLES / name, *options, "--kubeconfig", str(control_plane.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done

    return run


def test_deployments(run):
    done = run("deployments.py", "--v=4")
    assert "Deployment.apps example/queue created" in done.stdout
    assert "4 created\n" in done.stdout
    assert "4 unchanged\n" in done.stdout
    assert "Deployment.apps example/queue deleted" in done.stdout
    assert done.stdout.rstrip().endswith("1 configured, 2 unchanged, 1 deleted")
    assert "genreconcile.apply: Deployment.apps example/web configured" in done.stderr, "--v=4 logs what is done"


def test_custom_resource(run):
    lines = run("custom_resource.py").stdout.splitlines()
    assert "3 created" in lines
    assert "3 unchanged" in lines
    assert lines[-2] == "1 configured, 1 unchanged, 1 deleted"


def test_drift(run):
    lines = run("drift.py").stdout.splitlines()
    assert lines[0] == "0 to create, 1 to update, 0 to delete, 0 unchanged"
    assert sum('"op"' in line for line in lines) == 4
    assert lines[-2:] == ["1 configured", "1 unchanged"]


def test_owner_set(run):
    assert run("owner_set.py").stdout.splitlines() == [
        "2 to create, 0 to update, 0 to delete, 0 unchanged",
        "  ConfigMap default/settings created",
        "  Service default/web created",
        "0 to create, 0 to update, 1 to delete, 1 unchanged",
        "  ConfigMap default/settings unchanged",
        "  Service default/web deleted",
    ]


def test_r5_leader(run):
    lines = run("leader.py").stdout.splitlines()
    assert lines[0] == "as the leader: 1 unchanged"
    assert lines[1].startswith("without the lease: ConfigMap default/led failed: ")
    assert "another replica leads" in lines[1]
