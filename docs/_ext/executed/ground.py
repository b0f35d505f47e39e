"""The control plane on which the examples of all pages run, each page in a namespace of its own.

Invariant: no page finds what another one has left in a namespace.
"""

from __future__ import annotations

import atexit
import json
import shutil
from pathlib import Path

from genreconcile.testing import ControlPlane, versions
from genreconcile.testing.building import build


def kubectl_folder() -> Path | None:
    """The folder with kubectl where none is installed: it is built from Go modules once, as the control plane is."""
    if shutil.which("kubectl"):
        return None
    return build.ensure(versions.DEFAULT, ["kubectl"])


class SharedPlane:
    """One control plane for the whole build, started by the first page that asks for it."""

    def __init__(self) -> None:
        self._plane: ControlPlane | None = None
        self._namespaces: dict[str, str] = {}

    def kubeconfig(self, page: str, namespace: str, others: list[str], path: Path) -> None:
        """Write a kubeconfig whose context has ``namespace``, which is new, as are ``others``."""
        for name in (namespace, *others):
            if (owner := self._namespaces.setdefault(name, page)) != page:
                raise ValueError(f"the namespace {name} is that of {owner}; take another one")
            self._running.create_namespace(name)
        config = json.loads(self._running.kubeconfig.read_text("utf-8"))
        (context,) = config["contexts"]
        context["context"]["namespace"] = namespace
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(config), "utf-8")

    @property
    def _running(self) -> ControlPlane:
        if self._plane is None:
            self._plane = ControlPlane(controller_manager=True, scheduler=True, kwok=True)
            self._plane.start()
            atexit.register(self.close)
        return self._plane

    def close(self) -> None:
        """Stop it, if it was started."""
        plane, self._plane = self._plane, None
        if plane is not None:
            plane.stop()
