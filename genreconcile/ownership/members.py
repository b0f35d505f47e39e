"""The members of a set: the label by which they are found, and the annotation that proves that the label is no copy.

Invariant: the proof names the object that it annotates, so that a copy on another object proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from genreconcile.errors import InputError
from genreconcile.kinds.order import kind_name
from genreconcile.objects import Object, ObjectKey, annotations_of, labels_of, members_of_lists, metadata_of
from genreconcile.ownership.tools import is_of_tool, is_shared_tool
from genreconcile.selector import ParsedSelector, parse

PART_OF: Final = "applyset.kubernetes.io/part-of"
MEMBER: Final = "genreconcile.dev/member"
_ADDED: Final = " with "


@dataclass(frozen=True, slots=True)
class Membership:
    """Membership of the set with this id, which ``tool`` manages; ``parent`` is the key of the set's parent,
    ``parent_uid`` "" while there is no parent. Members with a namespace are in one of ``namespaces``.
    """

    id: str
    parent: ObjectKey
    tool: str
    parent_uid: str = ""
    namespaces: frozenset[str] = frozenset()

    @property
    def selector(self) -> ParsedSelector:
        """The selector of the members, and of other objects with a copy of their label."""
        return parse({PART_OF: self.id})

    def may_hold(self, live: Object, key: ObjectKey) -> bool:
        """Whether an object has the set's label and a namespace of the set, or none; the parent is never a member."""
        is_there = not key.namespace or key.namespace in self.namespaces
        return is_there and labels_of(live).get(PART_OF) == self.id and key != self.parent

    def proof(self, key: ObjectKey) -> str:
        """The value of the annotation MEMBER that proves the membership of the object with this key."""
        return f"{self.id}:{kind_name(key.group, key.kind)}:{key.namespace}/{key.name}"

    def proves(self, live: Object, key: ObjectKey) -> bool:
        """Whether the object's annotation proves the membership of this object, not of another."""
        return str(annotations_of(live).get(MEMBER)).partition(_ADDED)[0] == self.proof(key)

    def has_added(self, live: Mapping[str, Any]) -> frozenset[str]:
        """The finalizers, and the uids of owners, that the set has added to a member: the proof lists them as well.

        Others, which other programs may add under the same field manager, are not the set's.
        """
        obj = dict(live)
        if labels_of(obj).get(PART_OF) != self.id or not self.proves(obj, ObjectKey.of(obj)):
            return frozenset()
        return frozenset(filter(None, annotations_of(obj)[MEMBER].partition(_ADDED)[2].split(",")))

    def marked(self, obj: Object, key: ObjectKey) -> Object:
        """A copy of an expected object with the set's label and the proof. Raises InputError where it cannot be one.

        Malformed labels and annotations stay as they are: the later check of the object reports them.
        """
        if key == self.parent:
            raise InputError("it is the parent of its own set; leave it out, or choose another parent")
        if PART_OF in labels_of(obj):
            where = "/metadata/labels/applyset.kubernetes.io~1part-of"
            raise InputError(f"its label {PART_OF} is set already; leave that to the owner set", where)
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
