"""The rights that the objects of one draft need, and the errors of objects that lack one.

Invariant: a missing right is the error of the objects that need it; the other objects go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from genreconcile.access import READ, Access, Right, Use, deleting, reading, told, writing
from genreconcile.errors import Forbidden
from genreconcile.kinds.discovery import Resource
from genreconcile.notice import Notice
from genreconcile.objects import GVK, ObjectKey
from genreconcile.ownership import Parent, may_be_parent
from genreconcile.plan import Prune
from genreconcile.plan.draft import Draft
from genreconcile.plan.fresh import Fresh
from genreconcile.plan.protection import maker_of, may_be_deleted

_ADVICE = "have it granted: genreconcile rbac prints the least Role that suffices"

Consulted = Callable[[Resource], Iterable[Resource]]
"""From a resource to those that are read beside it."""


class Needs:
    """The rights to read and to write objects, kind by kind."""

    def __init__(self, consulted: Consulted, namespaces: Sequence[str] | None, use: Use) -> None:
        self._consulted = consulted
        self._namespaces = namespaces
        self._use = use
        self._places: dict[tuple[GVK, str], frozenset[Right]] = {}

    def of(self, resource: Resource, key: ObjectKey) -> Iterator[Right]:
        """The rights to read and to write one object."""
        return chain(self._of_place(resource, key.namespace), writing(resource, key, self._use))

    def _of_place(self, resource: Resource, namespace: str) -> frozenset[Right]:
        """The rights to look an object of a kind up in this namespace, and the objects that rules consult."""
        known = self._places.get((resource.gvk, namespace))
        if known is None:
            kinds = (resource, *self._consulted(resource))
            found = chain.from_iterable(self._reading(kind, namespace) for kind in kinds)
            known = self._places[resource.gvk, namespace] = frozenset(found)
        return known

    def _reading(self, resource: Resource, namespace: str) -> Iterator[Right]:
        return reading(resource, None if self._namespaces is None else [namespace])

    def of_deletion(self, resources: Iterable[Resource], prune: Prune, namespaces: Iterable[str]) -> Iterator[Right]:
        """The rights to find and to delete what is not expected; cluster-scoped objects only with an owner set.

        ``get`` is there to learn who made an object, where that decides.
        """
        places = sorted(namespaces)
        for resource in resources:
            gvk, owned = resource.gvk, prune.owner is not None
            if not (resource.namespaced or owned) or not may_be_deleted(gvk.group, gvk.kind, prune.kinds):
                continue
            is_made = maker_of(ObjectKey(gvk.group, gvk.kind, "", "")) is not None
            for place in places if resource.namespaced else [""]:
                yield from self._reading(resource, place)
                yield from deleting(resource, place, asks=owned or is_made, use=self._use)

    def of_parent(self, resource: Resource, parent: Parent, definers: Iterable[Resource]) -> Iterator[Right]:
        """The rights to read and to write the parent of an owner set."""
        key = parent.key
        yield from self._reading(resource, key.namespace)
        yield from writing(resource, key, Use(self._use.level))
        if self._use.level == READ:
            yield Right("get", key.group, resource.plural, key.namespace, key.name)
        for definer in () if may_be_parent(key) or not parent.is_applied else definers:
            yield Right("get", definer.gvk.group, definer.plural, "", f"{resource.plural}.{key.group}")


def permit(draft: Draft, needs: Needs, access: Access, further: Iterable[Right]) -> list[Notice]:
    """Give each object that lacks a right its error. Returns one warning that names all missing rights, those of
    ``further`` among them, or no warning.
    """
    fresh = {id(entry): entry for entry in draft.entries if isinstance(entry, Fresh)}
    rights = {place: frozenset(_rights(entry, needs)) for place, entry in fresh.items()}
    missing = access.missing(frozenset(chain(further, *rights.values())))
    if not missing:
        return []
    for place, entry in fresh.items():
        if lacking := rights[place] & missing:
            entry.resource = _refused(entry.key, lacking)
    return [Notice(f"missing rights: {told(missing)}; {_ADVICE}", Forbidden.code)]


def _rights(entry: Fresh, needs: Needs) -> Iterable[Right]:
    return needs.of(entry.resource, entry.key) if isinstance(entry.resource, Resource) else ()


def _refused(key: ObjectKey, lacking: Iterable[Right]) -> Forbidden:
    return Forbidden(f"{key}: not compared: may not {told(lacking)}; {_ADVICE}", status=403, reason="Forbidden")


def every(draft: Draft, needs: Needs, further: Iterable[Right]) -> frozenset[Right]:
    """All rights that the draft needs, and ``further``. Raises the first error of an object that cannot be located."""
    found = set(further)
    for entry in draft.entries:
        if isinstance(entry, Fresh):
            if not isinstance(entry.resource, Resource):
                raise entry.resource
            found.update(needs.of(entry.resource, entry.key))
    return frozenset(found)
