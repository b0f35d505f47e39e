"""The members of a set: the label by which they are found, and the annotation that proves that the label is no copy.

Invariant: the proof names the very object that carries it, so that a copy on another object proves nothing.
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
    """Of the set with this id, which ``tool`` manages; ``parent`` is the key of its parent, ``parent_uid`` "" while
    there is none. Members with a namespace are in one of ``namespaces``.
    """

    id: str
    parent: ObjectKey
    tool: str
    parent_uid: str = ""
    namespaces: frozenset[str] = frozenset()

    @property
    def selector(self) -> ParsedSelector:
        """Finds the members, and what else has their label."""
        return parse({PART_OF: self.id})

    def may_hold(self, live: Object, key: ObjectKey) -> bool:
        """Whether an object is where members are, and has their label; the parent is no member of its own set."""
        is_there = not key.namespace or key.namespace in self.namespaces
        return is_there and labels_of(live).get(PART_OF) == self.id and key != self.parent

    def proof(self, key: ObjectKey) -> str:
        """The value of the annotation on this object."""
        return f"{self.id}:{kind_name(key.group, key.kind)}:{key.namespace}/{key.name}"

    def proves(self, live: Object, key: ObjectKey) -> bool:
        """Whether the object says of itself, and of no other, that it is a member."""
        return str(annotations_of(live).get(MEMBER)).partition(_ADDED)[0] == self.proof(key)

    def has_added(self, live: Mapping[str, Any]) -> frozenset[str]:
        """The finalizers, and the uids of owners, that the set has brought to a member: the proof names them as well.

        Other programs may add some under the same field manager, and then they are not the set's.
        """
        obj = dict(live)
        if labels_of(obj).get(PART_OF) != self.id or not self.proves(obj, ObjectKey.of(obj)):
            return frozenset()
        return frozenset(filter(None, annotations_of(obj)[MEMBER].partition(_ADDED)[2].split(",")))

    def marked(self, obj: Object, key: ObjectKey) -> Object:
        """A copy of an expected object as a member. Raises InputError where it cannot be one.

        What is malformed stays as it is: whoever checks the object will say so.
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
        """Whether labels say that a live object is a member of another set."""
        return labels.get(PART_OF, self.id) != self.id

    def can_be_attested(self, live: Object) -> bool:
        """Whether the managers of its label may show that the tool with which the set is shared made it a member.

        What has an owner was made by that owner.
        """
        return is_shared_tool(self.tool) and not metadata_of(live).get("ownerReferences")

    def is_attested(self, live: Object, managers: frozenset[str] | None) -> bool:
        """Whether these managers of its label, None where they are not known, show it."""
        return self.can_be_attested(live) and is_of_tool(self.tool, managers or frozenset())


def _with(values: Any, key: str, value: str) -> Any:
    if values is not None and not isinstance(values, Mapping):
        return values
    return {**(values or {}), key: value}
