"""The live objects in the cache that are not expected, under one selector or in one owner set.

Invariant: a kind that cannot be read, or whose cache may be behind, is unknown, never empty; expected objects are not
decoded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from genreconcile.cache import Cache, Record
from genreconcile.errors import CacheError, NotSynced, code_of
from genreconcile.kinds.discovery import Resource
from genreconcile.notice import Notice
from genreconcile.objects import GVK, ObjectKey
from genreconcile.ownership import GroupKind, Membership
from genreconcile.plan import Change, Prune, deletions_among


class Deletions(NamedTuple):
    """The objects to delete, and those left alone with a report, in ``changes``; ``spared``: left alone without one.

    ``warnings`` name the kinds and objects that cannot be read, and ``unknown`` holds these kinds. ``matches`` counts
    the live objects that the selector or the set holds, less those being deleted. ``looked_at`` are the readable kinds.
    """

    changes: list[Change]
    spared: list[Change]
    warnings: list[Notice]
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
    """The objects of these kinds that ``prune`` selects, or that are ``members``, and that are not expected."""
    found: list[Change] = []
    warnings: list[Notice] = []
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
                warnings.append(Notice(f"{key}: not deleted: {error}", error.code))
        found += deletions_among(live, expected, prune, members)
    quiet = [change for change in found if change.is_quiet]
    loud = [change for change in found if not change.is_quiet]
    return Deletions(loud, quiet, warnings, unknown, matches, tuple(looked_at))


def _records(cache: Cache, resource: Resource, prune: Prune) -> Sequence[Record]:
    return cache.records(resource, namespace=prune.namespace, selector=prune.selector or "")


def _labelled(cache: Cache, resource: Resource, members: Membership) -> Sequence[Record]:
    """The records with the set's label; of a namespaced kind, in each namespace of the set that the cache watches."""
    if not resource.namespaced or members.namespaces is None:
        return cache.records(resource, selector=members.selector)
    watched = [name for name in sorted(members.namespaces) if cache.watches(resource, name)]
    return [record for name in watched for record in cache.records(resource, namespace=name, selector=members.selector)]


def _doubt(cache: Cache, resource: Resource, namespace: str) -> Notice | None:
    """Why the cache may not have all objects of a kind (in a namespace); None where it has them."""
    error = cache.error(resource, namespace)
    if not cache.has_synced(resource, namespace):
        why = f"the kind cannot be read: {error or 'its list has not arrived'}"
    elif error is not None:
        why = f"what is known of the kind may be old: {error}"
    else:
        return None
    return Notice(f"{resource}: nothing deleted: {why}", code_of(error, NotSynced.code))


def _one_version_each(resources: Iterable[Resource]) -> Iterator[Resource]:
    """One resource per (group, kind): two versions show the same objects."""
    return iter({(resource.gvk.group, resource.gvk.kind): resource for resource in resources}.values())
