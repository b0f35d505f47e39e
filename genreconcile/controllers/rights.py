"""The least rights of operators and sets, from a dry run: what they read, and what they may write.

Invariant: nothing is written to find them. They are those of what the dry run has seen: a function that states other
kinds for other parents needs more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genreconcile.access import Right, recording
from genreconcile.cache import Cache
from genreconcile.cluster import Cluster
from genreconcile.controllers.controller import Controller
from genreconcile.controllers.planning import planning
from genreconcile.controllers.program import Source
from genreconcile.kinds.discovery import Resource
from genreconcile.report.operators import Planned

_OF_CHILDREN = ("get", "create", "patch", "delete")


def rights_of(
    sources: Sequence[Source], cluster: Cluster, namespaces: Sequence[str] | None = None
) -> tuple[frozenset[Right], list[Planned]]:
    """The rights to run the sources, and the parents of which nobody can tell. Arguments and errors as ``planning``."""
    rights: set[Right] = set()
    with planning(sources, cluster, namespaces, accept_changes=True) as (found, cache):
        rights.update(_reading(cache))
        for source in sources:
            if isinstance(source, Controller):
                rights.update(_of_parents(cache.discovery.get(source.settings.kind), namespaces))
        for one in found:
            rights.update(_of_children(one, cache, namespaces))
    return frozenset(rights).union(recording(namespaces or [""])), [one for one in found if not one.is_judged]


def _reading(cache: Cache) -> Iterator[Right]:
    for gvk in cache.watched_kinds():
        resource = cache.discovery.get(gvk)
        for scope in cache.scopes(gvk) if resource is not None else ():
            for verb in ("list", "watch"):
                yield Right(verb, gvk.group, resource.plural if resource else "", scope.namespace, scope.name)


def _places(resource: Resource, namespaces: Sequence[str] | None) -> Sequence[str]:
    return namespaces if namespaces and resource.namespaced else [""]


def _of_parents(resource: Resource | None, namespaces: Sequence[str] | None) -> Iterator[Right]:
    for place in _places(resource, namespaces) if resource is not None else ():
        group, plural = (resource.gvk.group, resource.plural) if resource is not None else ("", "")
        yield Right("get", group, plural, place)
        yield Right("patch", group, plural, place)
        yield Right("update", group, f"{plural}/finalizers", place)
        if resource is not None and "status" in resource.subresources:
            yield Right("patch", group, f"{plural}/status", place)


def _of_children(one: Planned, cache: Cache, namespaces: Sequence[str] | None) -> Iterator[Right]:
    """Of all children, those too that are as they should be: they may drift."""
    plan = one.plan
    kinds = {change.gvk for change in (*plan.changes, *plan.unchanged)} if plan is not None else set()
    for resource in filter(None, map(cache.discovery.get, kinds)):
        for place in _places(resource, namespaces):
            for verb in _OF_CHILDREN:
                yield Right(verb, resource.gvk.group, resource.plural, place)
