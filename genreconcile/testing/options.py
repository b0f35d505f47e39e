"""What a control plane shall be."""

from __future__ import annotations

from dataclasses import dataclass

from genreconcile.testing.versions import DEFAULT, requested


@dataclass(frozen=True, slots=True)
class PlaneOptions:
    """The wishes of the user of a control plane; see ControlPlane for their meaning."""

    version: str | None = None
    controller_manager: bool = False
    scheduler: bool = False
    kwok: bool = False
    runtime_config: tuple[str, ...] = ()
    extra_apiserver_args: tuple[str, ...] = ()

    @property
    def programs(self) -> list[str]:
        """Names of the programs of Kubernetes that are needed."""
        optional = {"kube-controller-manager": self.controller_manager, "kube-scheduler": self.scheduler}
        return ["etcd", "kube-apiserver", *(name for name, wanted in optional.items() if wanted)]

    @property
    def kubernetes(self) -> str:
        """The version to run where any can be chosen."""
        return requested(self.version) or DEFAULT
