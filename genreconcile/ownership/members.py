"""The members of a set: the label by which they are found, and the annotation that proves that the label is no copy.

Invariant: the proof names the object that it annotates, so that a copy on another object proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from genreconcile.errors import NoMember
from genreconcile.kinds.order import kind_name
from genreconcile.objects import (
    GVK,
    Object,
    ObjectKey,
    annotations_of,
    labels_of,
    members_of_lists,
    metadata_of,
    namespace_of,
    owners_of,
)
from genreconcile.ownership.parentref import Adopt
from genreconcile.ownership.place import ANYWHERE, Place
from genreconcile.ownership.tools import is_of_tool, is_shared_tool
from genreconcile.selector import ParsedSelector, parse

PART_OF: Final = "applyset.kubernetes.io/part-of"
MEMBER: Final = "genreconcile.dev/member"
_ADDED: Final = " with "


@dataclass(frozen=True, slots=True)
class Membership:
    """Membership of the set with this id, which ``tool`` manages; ``parent`` is the key of the set's parent,
    ``parent_uid`` "" while there is no parent. Members with a namespace are in one of ``namespaces`` (None: in any),
    all are in ``place``. ``adopt``: which live objects become members; ``is_leaving``: the parent is being deleted.
    """

    id: str
    parent: ObjectKey
    tool: str
    parent_uid: str = ""
    namespaces: frozenset[str] | None = frozenset()
    place: Place = ANYWHERE
    adopt: Adopt = "any"
    is_leaving: bool = False

    @property
    def selector(self) -> ParsedSelector:
        """The selector of the members, and of other objects with a copy of their label."""
        return parse({PART_OF: self.id})

    def may_hold(self, live: Object, key: ObjectKey) -> bool:
        """Whether an object has the set's label and a namespace of the set, or none; the parent is never a member."""
        is_there = self.place.allows(key.namespace)
        is_there &= not key.namespace or self.namespaces is None or key.namespace in self.namespaces
        return is_there and labels_of(live).get(PART_OF) == self.id and key != self.parent

    def proof(self, key: ObjectKey) -> str:
        """The value of the annotation MEMBER that proves the membership of the object with this key."""
        return f"{self.id}:{kind_name(key.group, key.kind)}:{key.namespace}/{key.name}"

    def proves(self, live: Object, key: ObjectKey) -> bool:
        """Whether the object's annotation proves the membership of this object, not of another."""
        return str(annotations_of(live).get(MEMBER)).partition(_ADDED)[0] == self.proof(key)

    def holds(self, live: Object, key: ObjectKey) -> bool:
        """Whether the object is a member for sure: it has the label, and the proof that the label is no copy."""
        return labels_of(live).get(PART_OF) == self.id and self.proves(live, key)

    def is_parent(self, reference: Mapping[str, Any], namespace: str) -> bool:
        """Whether an ownerReference of an object in this namespace names the parent, or an earlier one of its name."""
        is_now = bool(self.parent_uid) and reference.get("uid") == self.parent_uid
        return is_now or self.is_earlier(reference, namespace)

    def is_earlier(self, reference: Mapping[str, Any], namespace: str) -> bool:
        """Whether an ownerReference names an earlier object of the parent's kind and name, which has another uid."""
        group, _, kind = GVK.of(reference)
        same = ObjectKey(group, kind, self.parent.namespace, str(reference.get("name") or "")) == self.parent
        is_there = self.parent.namespace in {"", namespace}
        uid = reference.get("uid")
        return same and is_there and bool(self.parent_uid) and bool(uid) and uid != self.parent_uid

    def is_left_to_collector(self, live: Object, key: ObjectKey) -> bool:
        """Whether the garbage collector sees to the object, as the parent is being deleted.

        It also does where the set has added a reference that is gone: then it was told to orphan the object.
        """
        refers = any(owner.get("uid") == self.parent_uid for owner in owners_of(live))
        return self.is_leaving and (refers or self.parent_uid in self._added(live, key))

    def outlived(self, live: Mapping[str, Any]) -> frozenset[str]:
        """The uids of earlier parents in the object's ownerReferences, which go when the object is taken over."""
        namespace = namespace_of(live)
        return frozenset(str(owner["uid"]) for owner in owners_of(live) if self.is_earlier(owner, namespace))

    def require_place(self, key: ObjectKey, *, namespaced: bool) -> None:
        """Raise NoMember for an expected object of a kind (``namespaced`` or not) that may not be where it says."""
        if namespaced and not key.namespace:
            raise NoMember("it names no namespace, and its parent has none", "/metadata/namespace")
        if self.place.allows(key.namespace):
            return
        if not key.namespace:
            raise NoMember(f"it has no namespace, and {self.parent} has one; allow it by namespaces='*'", "/kind")
        raise NoMember(
            f"the children of {self.parent} may not be in namespace {key.namespace}; allow it by namespaces",
            "/metadata/namespace",
        )

    def has_added(self, live: Mapping[str, Any]) -> frozenset[str]:
        """The finalizers, and the uids of owners, that the set has added to a member: the proof lists them as well.

        Others, which other programs may add under the same field manager, are not the set's.
        """
        return self._added(dict(live), ObjectKey.of(live))

    def _added(self, live: Object, key: ObjectKey) -> frozenset[str]:
        if not self.holds(live, key):
            return frozenset()
        return frozenset(filter(None, annotations_of(live)[MEMBER].partition(_ADDED)[2].split(",")))

    def marked(self, obj: Object, key: ObjectKey) -> Object:
        """A copy of an expected object with the set's label and the proof. Raises NoMember where it cannot be one.

        Malformed labels and annotations stay as they are: the later check of the object reports them.
        """
        if key == self.parent:
            raise NoMember("it is the parent of its own set; leave it out, or choose another parent")
        if PART_OF in labels_of(obj) and not self.holds(obj, key):  # A member itself may be stated as it is.
            where = "/metadata/labels/applyset.kubernetes.io~1part-of"
            raise NoMember(f"its label {PART_OF} is set already; leave that to the owner set", where)
        metadata = obj["metadata"]
        labels = _with(metadata.get("labels"), PART_OF, self.id)
        added = ",".join(sorted(members_of_lists(obj)))
        proof = f"{self.proof(key)}{_ADDED}{added}" if added else self.proof(key)
        annotations = _with(metadata.get("annotations"), MEMBER, proof)
        return {**obj, "metadata": {**metadata, "labels": labels, "annotations": annotations}}

    def is_other(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels of a live object name another set."""
        return labels.get(PART_OF, self.id) != self.id

    def can_be_attested(self, live: Object) -> bool:
        """Whether the field managers of an object's label may prove that the tool that shares the set made it a member.

        They may not for an object with an owner, which has made the object.
        """
        return is_shared_tool(self.tool) and not metadata_of(live).get("ownerReferences")

    def is_attested(self, live: Object, managers: frozenset[str] | None) -> bool:
        """Whether these field managers of the object's label (None: not known) prove that the tool made it a member."""
        return self.can_be_attested(live) and is_of_tool(self.tool, managers or frozenset())


def _with(values: Any, key: str, value: str) -> Any:
    if values is not None and not isinstance(values, Mapping):
        return values
    return {**(values or {}), key: value}
