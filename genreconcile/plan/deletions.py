"""What should not be there, among the objects in the cache.

Invariant: a kind that cannot be read, or whose cache may be behind, is unknown, never empty; only what may be deleted
is decoded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from genreconcile.cache import Cache, Record
from genreconcile.errors import CacheError
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, ObjectKey
from genreconcile.ownership import GroupKind, Membership
from genreconcile.plan import Change, Prune, deletions_among


class Deletions(NamedTuple):
    """What goes or is left alone and told; ``spared`` is what is left alone and nobody need be told.

    ``warnings`` name kinds that cannot be read, and ``unknown`` holds them. ``matches`` is how many live objects the
    selector matches, those left out that are being deleted. ``looked_at`` are the kinds that could be looked at.
    """

    changes: list[Change]
    spared: list[Change]
    warnings: list[str]
    unknown: list[GroupKind]
    matches: int
    looked_at: tuple[GVK, ...] = ()


NO_DELETIONS: Final = Deletions([], [], [], [], 0)


def deletions(
    cache: Cache,
    resources: Iterable[Resource],
    expected: Collection[ObjectKey],
    prune: Prune,
    members: Membership | None = None,
) -> Deletions:
    """Of the objects of these kinds that ``prune`` selects, or that are ``members``, those that are not expected."""
    found: list[Change] = []
    warnings: list[str] = []
    unknown: list[GroupKind] = []
    looked_at: list[GVK] = []
    matches = 0
    for resource in sorted(_one_version_each(resources), key=lambda resource: resource.gvk):
        group, kind = resource.gvk.group, resource.gvk.kind
        if not resource.namespaced and members is None:
            continue
        if doubt := _doubt(cache, resource, prune.namespace if members is None else ""):
            warnings.append(doubt)
            unknown.append((group, kind))
            continue
        looked_at.append(resource.gvk)
        records = _records(cache, resource, prune) if members is None else _labelled(cache, resource, members)
        matches += sum(not record.deleting for record in records)
        live = []
        for record in records:
            key = ObjectKey(group, kind, record.namespace, record.name)
            try:
                live += [] if key in expected else [(resource.gvk, record.decode())]
            except CacheError as error:
                warnings.append(f"{key}: not deleted: {error}")
        found += deletions_among(live, expected, prune, members)
    quiet = [change for change in found if change.is_quiet]
    loud = [change for change in found if not change.is_quiet]
    return Deletions(loud, quiet, warnings, unknown, matches, tuple(looked_at))


def _records(cache: Cache, resource: Resource, prune: Prune) -> Sequence[Record]:
    return cache.records(resource, namespace=prune.namespace, selector=prune.selector or "")


def _labelled(cache: Cache, resource: Resource, members: Membership) -> Sequence[Record]:
    """Those of a kind with namespaces in each that the set has and the cache knows."""
    if not resource.namespaced:
        return cache.records(resource, selector=members.selector)
    watched = [name for name in sorted(members.namespaces) if cache.watches(resource, name)]
    return [record for name in watched for record in cache.records(resource, namespace=name, selector=members.selector)]


def _doubt(cache: Cache, resource: Resource, namespace: str) -> str:
    """Why it cannot be told which objects of a kind there are (in a namespace); "" where it can."""
    error = cache.error(resource, namespace)
    if not cache.has_synced(resource, namespace):
        return f"{resource}: nothing deleted: the kind cannot be read: {error or 'its list has not arrived'}"
    return f"{resource}: nothing deleted: what is known of the kind may be old: {error}" if error else ""


def _one_version_each(resources: Iterable[Resource]) -> Iterator[Resource]:
    """One resource per (group, kind): two versions show the same objects."""
    return iter({(resource.gvk.group, resource.gvk.kind): resource for resource in resources}.values())
