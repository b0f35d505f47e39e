"""Checks of what serves and what asks: versions of the server and of the packages here, and schemas of kinds.

Invariant: a version that nobody has tried is a warning, and one that lacks what is needed a problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from genreconcile.catalog import Schema
from genreconcile.cluster import Cluster
from genreconcile.cluster.answer import readable
from genreconcile.data import Doctor, shipped
from genreconcile.doctor.finding import PROBLEM, WARNING, Finding
from genreconcile.gojson import loads
from genreconcile.installed import here, misfits, numbers
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.kinds.openapi import OpenAPIDocuments
from genreconcile.kinds.types import document_path
from genreconcile.wording import first_of

_SHOWN: Final = 5


def server_version(cluster: Cluster) -> Finding:
    """Whether the server is one of those that are tested. Raises ClusterError."""
    data = cluster.request("GET", "/version")
    with readable(f"GET {cluster.server}/version"):
        told = str(loads(data)["gitVersion"])
    known = shipped(Doctor).kubernetes
    version, span = numbers(told.removeprefix("v"))[:2], f"tested: {known.tested[0]} to {known.tested[-1]}"
    if version < numbers(known.oldest):
        return Finding("server", PROBLEM, f"Kubernetes {told}: older than {known.oldest}; {span}", "GR504")
    if version not in map(numbers, known.tested):
        return Finding("server", WARNING, f"Kubernetes {told}: not tested; {span}", "GR505")
    return Finding.ok("server", f"Kubernetes {told}; {span}")


def packages() -> Iterator[Finding]:
    """The versions here, or the packages that do not fit."""
    wrong = [Finding("client", PROBLEM, text, "GR008") for text in misfits()]
    yield from wrong or [Finding.ok("client", "; ".join(here()))]


def schemas(cluster: Cluster, discovery: Discovery, kinds: Sequence[Resource]) -> Iterator[Finding]:
    """Whether the server describes these kinds, or where there are none its API groups. Raises ClusterError."""
    documents = OpenAPIDocuments(cluster)
    known = documents.hashes()
    for group, version in sorted(discovery.unavailable):
        yield Finding("schema", WARNING, f"{group}/{version}: the API does not answer", "GR503")
    if kinds:
        schema = Schema(documents)
        without = [str(kind) for kind in kinds if schema.root(kind.gvk) is None]
    else:
        of_groups = {document_path(one.gvk.group, one.gvk.version) for one in discovery.resources()}
        without = sorted(path for path in of_groups if path not in known)
    if without:
        yield Finding("schema", WARNING, f"no schema for {first_of(without, _SHOWN)}", "GR506")
    else:
        yield Finding.ok("schema", f"kinds described: {len(kinds)}" if kinds else f"documents: {len(known)}")
