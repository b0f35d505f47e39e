"""The Go modules that the control plane is built from.

They name the programs as tools and take every version from Kubernetes' own go.mod, so that a build has the versions
that the release was tested with. The functions are pure: their input is the output of ``go mod edit -json``.
"""

from __future__ import annotations

from typing import Any

PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
}
"""Go package of each program."""

KWOK_MODULE = "sigs.k8s.io/kwok"

_ETCD_CLIENT = "go.etcd.io/etcd/client/v3"


def kubernetes(version: str, its_own: dict[str, Any]) -> str:
    """Return the go.mod for Kubernetes ``version``, given its own go.mod as ``go mod edit -json`` prints it.

    Kubernetes replaces its libraries by folders of its repository; outside of the repository they are modules, whose
    v0.37.2 belongs to Kubernetes v1.37.2.
    """
    libraries = [r["Old"]["Path"] for r in its_own["Replace"] if r["New"]["Path"].startswith("./staging/")]
    requirements = {r["Path"]: r["Version"] for r in its_own["Require"]}
    lines = _head(its_own)
    lines += [f"tool {package}" for program, package in PACKAGES.items() if program != "kwok"]
    lines += [
        f"require k8s.io/kubernetes v{version}",
        f"require {PACKAGES['etcd']} {requirements[_ETCD_CLIENT]}",
    ]
    lines += [f"replace {library} => {library} v0.{version.partition('.')[2]}" for library in libraries]
    return "\n".join(lines) + "\n"


def kwok(version: str, its_own: dict[str, Any]) -> str:
    """Return the go.mod for kwok ``version``, given its own go.mod as ``go mod edit -json`` prints it."""
    return "\n".join([*_head(its_own), f"tool {PACKAGES['kwok']}", f"require {KWOK_MODULE} v{version}"]) + "\n"


def ldflags(version: str) -> str:
    """Return the linker flags: no debug tables, and the version that ``/version`` reports."""
    return f"-s -w -X k8s.io/component-base/version.gitVersion=v{version}"


def _head(its_own: dict[str, Any]) -> list[str]:
    settings = its_own.get("Godebug") or []
    return [
        "module controlplane",
        f"go {its_own['Go']}",
        *(f"godebug {setting['Key']}={setting['Value']}" for setting in settings),
    ]
