"""The folder that is kept: what its author tests before it goes into the cluster."""

import shutil

import pytest

from unit.examples import examples

DEPLOYMENT, MAP = "apps/v1/Deployment", "v1/ConfigMap"


@pytest.fixture
def manifests(tmp_path, monkeypatch):
    folder = tmp_path / "manifests"
    shutil.copytree(examples.FOLDER / "kept_folder/manifests", folder)
    monkeypatch.setenv("MANIFESTS", str(folder))
    return folder


@pytest.fixture
def fake():
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    with examples.FakeCluster([namespace], namespace="shop") as fake:
        yield fake


@pytest.fixture
def run(fake, manifests):
    with fake.run(examples.module("kept_folder/kept.py").kept) as run:
        run.advance(seconds=2)
        yield run


def test_the_folder_is_valid_and_converges(fake, run):
    assert fake.get(DEPLOYMENT, "web")["spec"]["replicas"] == 2
    assert fake.get("v1/Service", "web")
    run.writes.clear()
    run.advance(seconds=100_000)
    assert run.writes == []


def test_what_leaves_the_folder_goes(fake, run, manifests):
    (manifests / "settings.yaml").unlink()
    run.advance(seconds=2)
    assert [obj["metadata"]["name"] for obj in fake.find(MAP, namespace="shop")] == ["shop"], "the parent of the set"


def test_drift_is_repaired(fake, run):
    fake.patch(DEPLOYMENT, "web", {"op": "replace", "path": "/spec/replicas", "value": 9})
    run.advance(seconds=2)
    assert fake.get(DEPLOYMENT, "web")["spec"]["replicas"] == 2


def test_a_broken_file_changes_nothing(fake, run, manifests):
    run.writes.clear()
    (manifests / "web.yaml").write_text("kind: [")
    (manifests / "settings.yaml").unlink()
    run.advance(seconds=60)
    assert run.writes == []
