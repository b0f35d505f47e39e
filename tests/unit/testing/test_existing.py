"""Which clusters of a user the tests may use."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from genreconcile.testing import existing
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.options import PlaneOptions


def namespaces(*names, labels=None):
    return [{"metadata": {"name": name} | ({"labels": labels} if labels else {})} for name in names]


def test_empty_cluster_is_accepted():
    ordinary = namespaces("default", "kube-system", "kube-public", "kube-node-lease", "local-path-storage")
    ours = namespaces("test-1", labels={"genreconcile.testing/owned": "true", "other": "x"})

    assert existing._refuse_foreign("https://x", ordinary + ours) is None


@pytest.mark.parametrize("name", ["production", "kubernetes", "default-2", "my-kube-x"])
def test_foreign_namespaces_are_refused(name):
    with pytest.raises(ControlPlaneError, match=f"https://x: refused: .*namespaces {name}, which .*owned=true; give"):
        existing._refuse_foreign("https://x", namespaces("default", name))


def test_labels_of_others_do_not_help():
    with pytest.raises(ControlPlaneError, match="production"):
        existing._refuse_foreign("https://x", namespaces("production", labels={"genreconcile.testing/owned": "no"}))


def plane(*, has_controllers=False):
    client = SimpleNamespace(request=lambda *_: b'{"gitVersion": "v1.36.3"}')
    return SimpleNamespace(server="https://x", client=client, has_controllers=has_controllers)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (PlaneOptions("1.37.2"), "version 1.37.2"),
        (PlaneOptions(runtime_config=("api/all=true",)), "runtime_config"),
        (PlaneOptions(extra_apiserver_args=("--v=4",)), "extra_apiserver_args"),
        (PlaneOptions(controller_manager=True), "controller_manager"),
    ],
)
def test_wishes_that_a_running_cluster_cannot_grant(monkeypatch, options, what):
    monkeypatch.delenv("K8S_VERSION", raising=False)

    with pytest.raises(ControlPlaneError, match=f"it runs already, without {what}; give another"):
        existing._refuse_unfit(plane(), options)


def test_wishes_that_it_grants(monkeypatch):
    monkeypatch.delenv("K8S_VERSION", raising=False)

    assert existing._refuse_unfit(plane(), PlaneOptions()) is None
    wish = PlaneOptions("1.36.3", controller_manager=True)
    assert existing._refuse_unfit(plane(has_controllers=True), wish) is None


def test_servers_of_others_are_neither_killed_nor_restored(tmp_path):
    given = object.__new__(existing.ExistingPlane)
    given.server = "https://x"

    with pytest.raises(ControlPlaneError, match="https://x: etcd not killed: not started here"):
        given.down(["etcd"])
    with pytest.raises(ControlPlaneError, match="https://x: no snapshot of etcd: not started here"):
        given.snapshot()
    with pytest.raises(ControlPlaneError, match=f"https://x: {tmp_path} not restored: etcd was not started here"):
        given.restore(tmp_path)
