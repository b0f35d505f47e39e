"""All checks, in the order in which one needs the other.

Invariant: what is checked is what a run would use: the same kubeconfig, credentials and transport.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from genreconcile.access import Right
from genreconcile.cluster import Cluster, DynamicCluster
from genreconcile.cluster.kubeconfig import Chosen
from genreconcile.doctor.connection import clock, identity, now, way
from genreconcile.doctor.finding import Cost, Finding, Health
from genreconcile.doctor.needs import costs, of_kinds, rights, total
from genreconcile.doctor.server import packages, schemas, server_version
from genreconcile.errors import ClusterError
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.objects import GVK


@dataclass(frozen=True, slots=True)
class Connecting:
    """How to connect: ``chosen`` reads the kubeconfig, ``cluster`` connects. Both raise ClusterError."""

    chosen: Callable[[], Chosen]
    cluster: Callable[[], Cluster]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be reconciled: ``kinds`` in ``namespace``, "" for all, and what ``rights`` returns, if it is there;
    that raises ReconcileError.
    """

    kinds: Sequence[GVK] = ()
    namespace: str = ""
    rights: Callable[[], frozenset[Right]] | None = None


@dataclass(slots=True)
class _Examination:
    asked: Asked
    costs: list[Cost] = field(default_factory=list)

    def run(self, connecting: Connecting) -> Iterator[Finding]:
        try:
            chosen = connecting.chosen()
            yield Finding.ok("kubeconfig", f"{chosen.place}{f', context {chosen.context}' if chosen.context else ''}")
        except ClusterError as error:
            yield Finding.of_error("kubeconfig", error)
            return
        yield from way(chosen)
        try:
            cluster = connecting.cluster()
        except ClusterError as error:
            yield Finding.of_error("identity", error)
            return
        try:
            yield from self._at(cluster)
        finally:
            cluster.close()

    def _at(self, cluster: Cluster) -> Iterator[Finding]:
        try:
            before = now()
            headers = cluster.headers("/version") if isinstance(cluster, DynamicCluster) else {}
            yield Finding.ok("connection", f"{cluster.server} answers")
            yield clock(headers, before, now())
        except ClusterError as error:
            yield Finding.of_error("connection", error)
            return
        try:
            yield identity(cluster)
        except ClusterError as error:
            yield Finding.of_error("identity", error)
            return
        yield from _guarded("server", lambda: iter([server_version(cluster)]))
        yield from packages()
        yield from self._of_kinds(cluster)

    def _of_kinds(self, cluster: Cluster) -> Iterator[Finding]:
        discovery = Discovery(cluster)
        try:
            discovery.resources()
        except ClusterError as error:
            yield Finding.of_error("schema", error)
            return
        kinds: list[Resource] = []
        for gvk in self.asked.kinds:
            found = discovery.get(gvk)
            if found is None:
                nearest = discovery.nearest(gvk)
                hint = f"; did you mean {nearest}?" if nearest else ""
                yield Finding("kinds", "problem", f"{gvk}: no such kind on the server{hint}", "GR211")
            else:
                kinds.append(found)
        yield from _guarded("schema", lambda: schemas(cluster, discovery, kinds))
        yield from _guarded("rights", lambda: self._of_rights(cluster, discovery, kinds))

    def _of_rights(self, cluster: Cluster, discovery: Discovery, kinds: Sequence[Resource]) -> Iterator[Finding]:
        wanted = of_kinds(kinds, self.asked.namespace)
        if self.asked.rights is not None:
            wanted |= self.asked.rights()
        if not wanted:
            return
        yield rights(cluster, wanted)
        for found in costs(cluster, discovery, wanted):
            if isinstance(found, Cost):
                self.costs.append(found)
            else:
                yield found
        if self.costs:
            yield total(self.costs)


def examine(connecting: Connecting, asked: Asked) -> Health:
    """All that is found. Raises ReconcileError where ``asked.rights`` does, ClusterErrors excepted."""
    examination = _Examination(asked)
    findings = tuple(examination.run(connecting))
    return Health(findings, tuple(examination.costs))


def _guarded(check: str, found: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings, and one more where the server refuses what the check asks for."""
    try:
        yield from found()
    except ClusterError as error:
        yield Finding.of_error(check, error)
