"""The go.mod files that builds start from."""

from __future__ import annotations

from genreconcile.testing.building import gomodule

KUBERNETES = {
    "Go": "1.26.0",
    "Godebug": [{"Key": "default", "Value": "go1.26"}],
    "Require": [
        {"Path": "go.etcd.io/etcd/client/v3", "Version": "v3.6.8"},
        {"Path": "k8s.io/api", "Version": "v0.0.0"},
    ],
    "Replace": [
        {"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}},
        {"Old": {"Path": "example.com/fork"}, "New": {"Path": "example.com/other", "Version": "v1.0.0"}},
    ],
}


def test_kubernetes_module():
    assert gomodule.kubernetes("1.37.2", KUBERNETES).splitlines() == [
        "module controlplane",
        "go 1.26.0",
        "godebug default=go1.26",
        "tool go.etcd.io/etcd/server/v3",
        "tool k8s.io/kubernetes/cmd/kube-apiserver",
        "tool k8s.io/kubernetes/cmd/kube-controller-manager",
        "tool k8s.io/kubernetes/cmd/kube-scheduler",
        "tool k8s.io/kubernetes/cmd/kubectl",
        "require k8s.io/kubernetes v1.37.2",
        "require go.etcd.io/etcd/server/v3 v3.6.8",
        "replace k8s.io/api => k8s.io/api v0.37.2",
    ]


def test_kwok_module():
    assert gomodule.kwok("0.8.0", {"Go": "1.26.0", "Godebug": None}).splitlines() == [
        "module controlplane",
        "go 1.26.0",
        "tool sigs.k8s.io/kwok/cmd/kwok",
        "require sigs.k8s.io/kwok v0.8.0",
    ]


def test_version_is_linked_in():
    assert gomodule.ldflags("1.37.2").endswith("gitVersion=v1.37.2")
