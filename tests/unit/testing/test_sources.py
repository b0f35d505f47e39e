"""The order in which a control plane is looked for."""

from __future__ import annotations

import os

import pytest

from genreconcile.testing import sources
from genreconcile.testing.building import build
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.options import PlaneOptions
from genreconcile.testing.sources import Given, Kind, Programs, find


def script(path, text="exit 0"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def programs(folder, version):
    script(folder / "etcd")
    script(folder / "kube-apiserver", f"echo Kubernetes v{version}")
    return folder


@pytest.fixture(autouse=True)
def bare_machine(tmp_path, monkeypatch):
    """A machine on which nothing is there; each test adds what it needs."""
    for name in ("GENRECONCILE_TEST_KUBECONFIG", "KUBEBUILDER_ASSETS", "K8S_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(build, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.setattr(
        sources.shutil, "which", lambda name: str(p) if (p := tmp_path / "bin" / name).exists() else None
    )


def everything(tmp_path, monkeypatch):
    """All sources, named by how to take each away."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch()
    monkeypatch.setenv("GENRECONCILE_TEST_KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(programs(tmp_path / "assets", "1.34.1")))
    programs(build.folder("1.37.2"), "1.37.2")
    script(tmp_path / "bin/kind")
    script(tmp_path / "bin/docker")


def test_the_order(tmp_path, monkeypatch):
    everything(tmp_path, monkeypatch)

    assert find(PlaneOptions()) == Given(tmp_path / "kubeconfig")
    monkeypatch.delenv("GENRECONCILE_TEST_KUBECONFIG")
    assert find(PlaneOptions()) == Programs(tmp_path / "assets", "1.34.1")
    monkeypatch.delenv("KUBEBUILDER_ASSETS")
    assert find(PlaneOptions()) == Programs(build.folder("1.37.2"), "1.37.2")
    (build.folder("1.37.2") / "etcd").unlink()
    assert find(PlaneOptions()) == Kind(str(tmp_path / "bin/kind"), str(tmp_path / "bin/docker"), "1.37.2")
    (tmp_path / "bin/kind").unlink()
    assert find(PlaneOptions()) == Programs(build.folder("1.37.2"), "1.37.2")


@pytest.mark.parametrize("home", [True, False])
def test_the_users_own_cluster_is_never_taken(tmp_path, monkeypatch, home):
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/config").touch()
    monkeypatch.setenv(*(("HOME", str(tmp_path)) if home else ("KUBECONFIG", str(tmp_path / ".kube/config"))))

    assert find(PlaneOptions()) == Programs(build.folder("1.37.2"), "1.37.2")


def test_missing_given_file_is_an_error_and_no_reason_to_look_on(monkeypatch):
    monkeypatch.setenv("GENRECONCILE_TEST_KUBECONFIG", "/nowhere/config")

    with pytest.raises(ControlPlaneError, match="GENRECONCILE_TEST_KUBECONFIG=/nowhere/config: cannot be read"):
        find(PlaneOptions())


def test_assets_without_a_program_are_an_error(tmp_path, monkeypatch):
    script(tmp_path / "assets/etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))

    with pytest.raises(ControlPlaneError, match="not usable: no kube-apiserver"):
        find(PlaneOptions())


def test_assets_that_tell_no_version_are_an_error(tmp_path, monkeypatch):
    script(programs(tmp_path / "assets", "1.34.1") / "kube-apiserver", "echo broken >&2")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))

    with pytest.raises(ControlPlaneError, match="broken"):
        find(PlaneOptions())


def test_assets_of_another_version_are_passed_by(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(programs(tmp_path / "assets", "1.34.1")))

    assert find(PlaneOptions("1.34.1")) == Programs(tmp_path / "assets", "1.34.1")
    assert find(PlaneOptions("1.36.3")) == Programs(build.folder("1.36.3"), "1.36.3")
    assert "KUBEBUILDER_ASSETS holds Kubernetes 1.34.1, not 1.36.3: not used" in capsys.readouterr().err


def test_kind_needs_a_running_engine(tmp_path):
    script(tmp_path / "bin/kind")
    script(tmp_path / "bin/docker", "exit 1")

    assert find(PlaneOptions()) == Programs(build.folder("1.37.2"), "1.37.2")


def test_kind_takes_no_arguments_of_the_api_server(tmp_path):
    script(tmp_path / "bin/kind")
    script(tmp_path / "bin/docker")

    assert isinstance(find(PlaneOptions()), Kind)
    assert isinstance(find(PlaneOptions(extra_apiserver_args=("--v=4",))), Programs)


def test_hanging_engine_counts_as_none(tmp_path, monkeypatch):
    script(tmp_path / "bin/kind")
    script(tmp_path / "bin/docker", "exec sleep 60")
    monkeypatch.setattr(sources, "_ENGINE_TIMEOUT", 0.2)

    assert isinstance(find(PlaneOptions()), Programs)


def test_programs_missing_in_the_assets_come_from_the_cache(tmp_path):
    assets = programs(tmp_path / "assets", "1.34.1")
    cached = script(build.folder("1.34.1") / "kube-scheduler")

    paths = sources.prepare(Programs(assets, "1.34.1"), PlaneOptions(scheduler=True))

    assert paths == {
        "etcd": assets / "etcd",
        "kube-apiserver": assets / "kube-apiserver",
        "kube-scheduler": cached,
    }


def test_kwok_has_a_folder_of_its_own():
    script(build.kwok_folder() / "kwok")
    folder = programs(build.folder("1.37.2"), "1.37.2")

    assert sources.prepare(Programs(folder, "1.37.2"), PlaneOptions(kwok=True))["kwok"] == build.kwok_folder() / "kwok"


def test_cache_folder_is_the_users(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")

    assert os.path.commonpath([build.cache_folder(), "/elsewhere/genreconcile"]) == "/elsewhere/genreconcile"
