"""Checks of rights, and of what a cache would cost, for kinds that somebody wants to reconcile.

Invariant: of each kind one page is read, and nothing of it is kept but its size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from genreconcile.access import Access, Right
from genreconcile.access.review import told
from genreconcile.cluster import Cluster
from genreconcile.cluster.answer import readable
from genreconcile.data import Doctor, shipped
from genreconcile.doctor.finding import OK, PROBLEM, WARNING, Cost, Finding, Level
from genreconcile.errors import ClusterError
from genreconcile.gojson import loads
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.sizes import in_words

_VERBS: Final = ("list", "watch", "get", "create", "patch", "delete")


def of_kinds(kinds: Iterable[Resource], namespace: str) -> frozenset[Right]:
    """The rights to keep objects of these kinds, in a namespace or in all."""
    return frozenset(
        Right(verb, kind.gvk.group, kind.plural, namespace if kind.namespaced else "")
        for kind in kinds
        for verb in _VERBS
        if verb in kind.verbs
    )


def rights(cluster: Cluster, wanted: Collection[Right]) -> Finding:
    """Whether the account has these rights. Raises ClusterError."""
    missing = Access(cluster).missing(wanted)
    if missing:
        return Finding("rights", PROBLEM, f"{len(missing)} of {len(wanted)} missing: {told(missing)}", "GR403")
    return Finding.ok("rights", f"all {len(wanted)} granted")


def costs(cluster: Cluster, discovery: Discovery, wanted: Iterable[Right]) -> Iterator[Cost | Finding]:
    """The Cost of each kind and place that these rights list, or a Finding where it cannot be listed."""
    served = {(one.gvk.group, one.plural): one for one in reversed(discovery.resources())}
    for right in sorted(right for right in wanted if right.verb == "list"):
        resource = served.get((right.group, right.plural))
        if resource is None:
            continue
        try:
            yield cost(cluster, resource, right.namespace)
        except ClusterError as error:
            yield Finding.of_error("cache", error)


def cost(cluster: Cluster, resource: Resource, namespace: str) -> Cost:
    """What the objects of a kind in a namespace, "" for all, would cost. Raises ClusterError."""
    limits, path = shipped(Doctor), resource.path(namespace)
    data = cluster.request("GET", path, query={"limit": str(limits.cache.sample)})
    with readable(f"GET {cluster.server}{path}"):
        page = loads(data)
        read, about = len(page.get("items") or ()), page.get("metadata") or {}
        rest = int(about.get("remainingItemCount") or 0)
    objects = read + rest
    size = len(data) * objects // read if read else 0
    memory = size * limits.memory.cached // limits.memory.served
    is_least = bool(about.get("continue")) and not rest
    return Cost(resource.gvk, namespace, objects, size, memory, is_least)


def total(found: Collection[Cost]) -> Finding:
    """What all together would cost."""
    sums = zip(*((one.objects, one.bytes, one.memory) for one in found), strict=True)
    objects, size, memory = map(sum, sums)
    least = "at least " if any(one.is_least for one in found) else ""
    text = f"{least}{objects:,} objects, {in_words(size)} to read, about {in_words(memory)} of memory"
    is_large = memory > shipped(Doctor).cache.large
    level: Level = WARNING if is_large else OK
    return Finding("cache", level, text, "GR710" if is_large else "")
