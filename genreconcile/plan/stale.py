"""Warnings about kinds whose cached objects may be old: without a watch, a kind is known by lists at best.

Invariant: no warning without a watch that fails; after ``Pace.tell`` seconds, one for each kind, in every plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from genreconcile.cache import Cache
from genreconcile.errors import ClusterError, code_of
from genreconcile.kinds.discovery import Resource
from genreconcile.notice import Notice


def stale(cache: Cache, places: Mapping[Resource, Collection[str]]) -> Iterator[Notice]:
    """A warning for each resource whose watch has failed for ``Pace.tell`` seconds in one of its namespaces."""
    for resource in sorted(places, key=lambda resource: resource.gvk):
        found = [_stalest(cache, resource, namespace) for namespace in (sorted(places[resource]) or [""])]
        seconds, error = max(found, key=lambda since: since[0])
        if seconds >= cache.pace.tell:
            yield Notice(
                f"{resource}: what is known of the kind may be old: for {seconds:.0f} s no watch has worked, "
                f"only lists show changes: {error or 'it is listed now and then'}; see to the cause",
                code_of(error, "GR711"),
            )


def _stalest(cache: Cache, resource: Resource, namespace: str) -> tuple[float, ClusterError | None]:
    """The seconds that a kind has been without a watch in a namespace, and the error."""
    seconds = cache.stale_for(resource, namespace)
    return (0.0, None) if seconds is None else (seconds, cache.error(resource, namespace))
