"""Children as they are expected: with a reference to their parent, or without one.

Invariant: a child that a deletion guard protects gets no reference, for the garbage collector knows no guards; neither
does one that the collector would not find with its parent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from genreconcile.errors import InputError
from genreconcile.objects import GVK, Object, ObjectKey, controller_of, metadata_of, namespace_of, owners_of, uid_of
from genreconcile.plan.protection import is_kept


class Prepared(NamedTuple):
    """The expected children; ``has_unreferenced``: some have no reference, so that the parent needs a finalizer."""

    children: list[Object]
    has_unreferenced: bool


class Referencing(NamedTuple):
    """How the children of one parent refer to it. ``blocks``: the reference holds up the parent's deletion in the
    foreground, which needs the right to update its finalizers. ``asked``: kinds whose deletion was asked for.
    ``is_namespaced`` tells of a kind, None where it is not known.
    """

    parent: Object
    blocks: bool
    asked: Collection[str]
    is_namespaced: Callable[[GVK], bool | None]

    def prepared(self, stated: Iterable[Object]) -> Prepared:
        """The children with references. Raises InputError for one that names another controller."""
        children, unreferenced = [], False
        for child in stated:
            if self.may_refer(child):
                children.append(self._referring(child))
            else:
                children.append(child)
                unreferenced = True
        return Prepared(children, unreferenced)

    def may_refer(self, child: Object) -> bool:
        """Whether a child, expected or live, is one that gets a reference."""
        namespace = namespace_of(self.parent)
        if namespace and not (namespace_of(child) in {"", namespace} and self.is_namespaced(GVK.of(child))):
            return False
        return not is_kept(ObjectKey.of(child), child, self.asked)

    def _referring(self, child: Object) -> Object:
        own = uid_of(self.parent)
        others = [owner for owner in owners_of(child) if owner.get("uid") != own]  # Of a live object that is stated.
        controller = controller_of(child)
        if controller is not None and controller.get("uid") != own:
            key = ObjectKey.of(child)
            raise InputError(
                f"{key}: it names another controller; leave ownerReferences to the controller that runs", code="GR806"
            )
        metadata = {**metadata_of(child), "ownerReferences": [*others, self._reference()]}
        return {**child, "metadata": metadata}

    def _reference(self) -> dict[str, Any]:
        gvk, name = GVK.of(self.parent), metadata_of(self.parent)["name"]
        reference = {"apiVersion": gvk.api_version, "kind": gvk.kind, "name": name, "uid": uid_of(self.parent)}
        return {**reference, "controller": True} | ({"blockOwnerDeletion": True} if self.blocks else {})
