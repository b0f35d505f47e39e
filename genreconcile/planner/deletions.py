"""What should not be there, among the objects in the cache.

Invariant: a kind that cannot be read, or whose cache may be behind, is unknown, never empty; only what may be deleted
is decoded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from genreconcile.cache import Cache
from genreconcile.discovery import Resource
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change, Prune, prune


class Deletions(NamedTuple):
    """What goes or is left alone and told; ``spared`` is what is left alone and nobody need be told.

    ``warnings`` name kinds that cannot be read. ``matches`` is how many live objects the selector matches, those left
    out that are being deleted.
    """

    changes: list[Change]
    spared: list[Change]
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
        if doubt := _doubt(cache, resource):
            warnings.append(doubt)
            continue
        records = cache.records(resource, namespace=wanted.namespace, selector=wanted.selector or "")
        matches += sum(not record.deleting for record in records)
        group, kind = resource.gvk.group, resource.gvk.kind
        live = [
            (resource.gvk, record.decode())
            for record in records
            if ObjectKey(group, kind, record.namespace, record.name) not in expected
        ]
        found += prune(live, expected, wanted)
    quiet = [change for change in found if change.is_quiet]
    return Deletions([change for change in found if not change.is_quiet], quiet, warnings, matches)


def _doubt(cache: Cache, resource: Resource) -> str:
    """Why it cannot be told which objects of a kind there are; "" where it can."""
    error = cache.error(resource)
    if not cache.has_synced(resource):
        return f"{resource}: nothing deleted: the kind cannot be read: {error or 'its list has not arrived'}"
    return f"{resource}: nothing deleted: what is known of the kind may be old: {error}" if error else ""


def _one_version_each(resources: Iterable[Resource]) -> Iterator[Resource]:
    """One resource per (group, kind): two versions show the same objects."""
    return iter({(resource.gvk.group, resource.gvk.kind): resource for resource in resources}.values())
