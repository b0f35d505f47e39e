"""What should not be there, among the objects in the cache.

Invariant: a kind that cannot be read is unknown, never empty; only what may be deleted is decoded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from genreconcile.cache import Cache
from genreconcile.discovery import Resource
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
        group, kind = resource.gvk.group, resource.gvk.kind
        live = [
            (resource.gvk, record.decode())
            for record in records
            if ObjectKey(group, kind, record.namespace, record.name) not in expected
        ]
        found += prune(live, expected, wanted)
    return Deletions(found, warnings, matches)


def _one_version_each(resources: Iterable[Resource]) -> Iterator[Resource]:
    """One resource per (group, kind): two versions show the same objects."""
    return iter({(resource.gvk.group, resource.gvk.kind): resource for resource in resources}.values())
