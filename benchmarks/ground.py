"""What all metrics stand on: one API server, its objects, the peers, and a folder for files.

Invariant: everything here is gone when the block ends.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.audit import EDITOR, USER, AuditLog
from benchmarks.bare import Server
from benchmarks.gopeers import GoPeers, find, without
from benchmarks.populate import populate
from benchmarks.workload import COLLECTION, deployments, write_lines
from genreconcile.testing import ControlPlane

_PAGE = "500"
_SERIOUS = 1000


@dataclass(slots=True)
class Ground:
    """``size`` is the number of objects, ``peers`` tells which others take part, ``counted`` is the kubeconfig of
    the user whose requests ``audit`` counts, ``editor`` that of the one whose edits it dates.
    """

    plane: ControlPlane
    audit: AuditLog
    counted: Path
    editor: Path
    folder: Path
    size: int
    repetitions: int
    peers: GoPeers
    with_python_peers: bool = True
    with_go_peers: bool = True
    _memo: dict[object, Any] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def kubeconfig(self) -> str:
        """The administrator's."""
        return str(self.plane.kubeconfig)

    @property
    def is_quick(self) -> bool:
        """Whether so few objects are wanted that this can only be a test of the harness."""
        return self.size < _SERIOUS

    @property
    def server(self) -> Server:
        """For bare requests of the harness."""
        return Server(self.plane.kubeconfig)

    @property
    def editing(self) -> Server:
        """For edits whose time matters."""
        return Server(self.editor)

    def once(self, key: object, make: Callable[[], Any]) -> Any:
        """What ``make`` returned the first time: metrics share runs and objects."""
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]

    def namespace(self, name: str) -> str:
        """A new namespace whose name begins with ``name``."""
        return self.plane.create_namespace(f"bench-{name}-{next(self._numbers)}")

    def file(self, name: str) -> Path:
        """A new file's path."""
        return self.folder / f"{next(self._numbers)}-{name}"

    def populated(self, count: int | None = None) -> str:
        """The namespace that holds ``count`` settled objects, by default ``size``."""
        wanted = self.size if count is None else count
        namespace: str = self.once(("populated", wanted), lambda: self._populate(wanted))
        return namespace

    def expected(self, count: int | None = None) -> Path:
        """A file with the expected objects of ``populated(count)``, one on a line."""
        wanted, namespace = self.size if count is None else count, self.populated(count)
        file: Path = self.once(
            ("expected", wanted),
            lambda: write_lines(self.file("expected.jsonl"), deployments(wanted, namespace)),
        )
        return file

    def live(self) -> Path:
        """A file with the live objects of ``populated()``, in the order of ``expected()``."""
        file: Path = self.once("live", lambda: write_lines(self.file("live.jsonl"), self._objects(self.populated())))
        return file

    def _populate(self, count: int) -> str:
        namespace = self.namespace("objects")
        sys.stderr.write(f"creating {count} objects in {namespace}\n")
        populate(self.server, deployments(count, namespace))
        return namespace

    def _objects(self, namespace: str) -> Iterator[dict[str, Any]]:
        """The server lists by name, and names grow with their numbers."""
        connection, more = self.server.connect(), ""
        while True:
            page = connection.get(COLLECTION.format(namespace), {"limit": _PAGE, "continue": more})
            yield from ({"apiVersion": "apps/v1", "kind": "Deployment", **item} for item in page["items"])
            more = page["metadata"].get("continue", "")
            if not more:
                connection.close()
                return


@contextlib.contextmanager
def prepare(
    size: int, repetitions: int, *, with_python_peers: bool = True, with_go_peers: bool = True
) -> Iterator[Ground]:
    """Start the control plane. Raises ControlPlaneError."""
    peers = GoPeers(find) if with_go_peers else without("no peers in Go were wanted")
    with tempfile.TemporaryDirectory(prefix="genreconcile-bench-") as name:
        folder = Path(name)
        audit = AuditLog(folder)
        with ControlPlane(extra_apiserver_args=audit.arguments) as plane:
            counted, editor = (plane.user_kubeconfig(user, ["system:masters"]) for user in (USER, EDITOR))
            yield Ground(
                plane, audit, counted, editor, folder, size, repetitions, peers, with_python_peers, with_go_peers
            )
