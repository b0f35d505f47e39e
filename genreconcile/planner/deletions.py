"""What should not be there, among the objects in the cache.

Invariant: a kind that cannot be read is unknown, never empty; only what may be deleted is decoded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from genreconcile.cache import Cache, Record
from genreconcile.discovery import Resource
from genreconcile.errors import CacheError
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change, Prune, prune


class Deletions(NamedTuple):
    """The changes, warnings of kinds that cannot be read, and how many live objects the selector matches."""

    changes: list[Change]
    warnings: list[str]
    matches: int


def deletions(cache: Cache, resources: Iterable[Resource], expected: Collection[ObjectKey], wanted: Prune) -> Deletions:
    """Of the objects of these kinds that ``wanted`` selects, those that are not expected."""
    found: list[Change] = []
    warnings: list[str] = []
    matches = 0
    for resource in sorted(_one_version_each(resources), key=lambda resource: resource.gvk):
        if not resource.namespaced:
            continue
        if not cache.has_synced(resource, wanted.namespace):
            warnings.append(f"{resource}: nothing deleted: the kind cannot be read")
            continue
        records = cache.records(resource, namespace=wanted.namespace, selector=wanted.selector or "")
        matches += len(records)
        for record in records:
            key = ObjectKey(resource.gvk.group, resource.gvk.kind, record.namespace, record.name)
            if key not in expected:
                found += _deletion(resource, key, record, expected, wanted, warnings)
    return Deletions(found, warnings, matches)


def _deletion(  # noqa: PLR0913, PLR0917 - the sets it stands between
    resource: Resource,
    key: ObjectKey,
    record: Record,
    expected: Collection[ObjectKey],
    wanted: Prune,
    warnings: list[str],
) -> list[Change]:
    try:
        return prune([(resource.gvk, record.decode())], expected, wanted)
    except CacheError as error:
        warnings.append(f"{key}: not deleted: {error}")
        return []


def _one_version_each(resources: Iterable[Resource]) -> Iterator[Resource]:
    """One resource per (group, kind): two versions show the same objects."""
    return iter({(resource.gvk.group, resource.gvk.kind): resource for resource in resources}.values())
