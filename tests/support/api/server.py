"""The API server of this process behind a front: deterministic by its seed, reached over real HTTP.

::

    with ScriptedServer(seed=7) as server:
        server.add_namespace("shop")
        server.faults.add(CommitThenDrop(), "create", resource="configmaps")
        with gr.Reconciler(server.connect()) as reconciler:
            reconciler.reconcile(expected)
        assert server.log.tally() == {("configmaps", "shop", "a"): (1, 0)}

Invariant: ``server.admin`` reads and writes without faults and without a line in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genreconcile.cluster import Cluster
from genreconcile.testing.fake.api import Api
from genreconcile.testing.fake.store import Snapshot
from genreconcile.testing.fake.wire import Answer, Request
from support.api.client import Admin, cluster_of
from support.api.front import Front


class ScriptedServer(Front):
    """``seed`` decides uids and generated names; ``bookmarks`` and ``longest_watch`` are as in ``Api``."""

    def __init__(self, seed: int = 0, *, bookmarks: float | None = 1.0, longest_watch: float = 1800.0) -> None:
        self.seed = seed
        self.api = Api(seed, bookmarks=bookmarks, longest_watch=longest_watch)
        super().__init__(self.api)
        self.admin = Admin(self._ask)

    def connect(self, **settings: Any) -> Cluster:
        """A Cluster that reaches this server over HTTP, with faults; ``settings`` as ``cluster_of``."""
        return cluster_of(self.url, **settings)

    def add_namespace(self, name: str) -> str:
        """Create a namespace; returns its name."""
        self.admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    @property
    def revision(self) -> int:
        """The newest resourceVersion."""
        return self.api.store.revision

    def compact(self) -> None:
        """Forget history: watches and pages from before end in 410."""
        self.api.store.compact()

    def backup(self) -> Snapshot:
        """An etcd snapshot."""
        return self.api.store.backup()

    def restore(self, snapshot: Snapshot) -> None:
        """Restore it and restart: resourceVersions go back, all connections end."""
        self.api.store.restore(snapshot)
        self.cut_connections()

    def state(self, *plurals: str) -> dict[tuple[str, str, str], Mapping[str, Any]]:
        """The objects by (plural, namespace, name), of these plurals or all, without what each write changes.

        Two runs that reached the same state show equal ones.
        """
        found = {}
        for key in self.api.store.names():
            obj = self.api.store.get(key)
            if obj is not None and (not plurals or key.plural in plurals):
                found[key.plural, key.namespace, key.name] = _lasting(obj)
        return found

    def _ask(self, request: Request) -> Answer:
        return self.api.answer(request)


_VOLATILE = frozenset(
    {"uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation", "managedFields"}
)


def _lasting(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = {name: value for name, value in obj["metadata"].items() if name not in _VOLATILE}
    is_going = {"isGoing": True} if "deletionTimestamp" in obj["metadata"] else {}
    return {**obj, "metadata": {**metadata, **is_going}}
