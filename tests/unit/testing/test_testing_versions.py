"""Which version is taken."""

from __future__ import annotations

import pytest

from genreconcile.testing import versions
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.options import PlaneOptions


def test_default_where_none_is_asked_for(monkeypatch):
    monkeypatch.delenv("K8S_VERSION", raising=False)

    assert versions.requested() is None
    assert PlaneOptions().kubernetes == "1.37.2"


@pytest.mark.parametrize("text", ["1.36.3", "v1.36.3"])
def test_environment_picks_the_version(monkeypatch, text):
    monkeypatch.setenv("K8S_VERSION", text)

    assert PlaneOptions().kubernetes == "1.36.3"


def test_argument_beats_environment(monkeypatch):
    monkeypatch.setenv("K8S_VERSION", "1.36.3")

    assert PlaneOptions("1.35.4").kubernetes == "1.35.4"


@pytest.mark.parametrize("text", ["1.37", "latest", "1.37.2-rc.1", "../1.37.2"])
def test_other_spellings_are_refused(monkeypatch, text):
    monkeypatch.setenv("K8S_VERSION", text)

    with pytest.raises(ControlPlaneError, match="K8S_VERSION"):
        versions.requested()


def test_programs_grow_with_the_wishes():
    assert PlaneOptions().programs == ["etcd", "kube-apiserver"]
    assert PlaneOptions(controller_manager=True, scheduler=True).programs == [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
    ]
