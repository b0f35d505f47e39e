"""GVKs and keys of objects, and readers of an object's metadata.

Invariant: no function changes an object that is passed, and none knows a kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from genreconcile.arguments import shown
from genreconcile.errors import InputError

_VOLATILE: Final = frozenset({"resourceVersion", "generation", "managedFields"})

Object = dict[str, Any]
"""A Kubernetes object as parsed JSON: ``{"apiVersion": …, "kind": …, "metadata": {…}, …}``."""


class GVK(NamedTuple):
    """Group ("" for the core group), version and kind."""

    group: str
    version: str
    kind: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``v1/Kind`` or ``group/version/Kind``; ValueError for anything else."""
        parts = text.split("/") if isinstance(text, str) else []
        if len(parts) == 2:
            parts = ["", *parts]
        if len(parts) != 3 or not all(parts[1:]):
            raise ValueError(f"{shown(text)} is no kind: write version/Kind or group/version/Kind")
        return cls(*parts)

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Self:
        """The GVK of an object; "" for a part that it lacks."""
        group, _, version = str(obj.get("apiVersion") or "").rpartition("/")
        return cls(group, version, str(obj.get("kind") or ""))

    @property
    def api_version(self) -> str:
        """The ``apiVersion``: ``version`` in the core group, else ``group/version``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.api_version}/{self.kind}"


def require_kind(name: str, value: Any) -> GVK:
    """The kind that an argument of this name gives, a GVK or a text. Raises InputError for what is none."""
    try:
        gvk = value if isinstance(value, GVK) else GVK.parse(value)
    except ValueError as error:
        raise InputError(f"{name}: not usable: {error}", code="GR113") from None
    if "." in gvk.version:  # A group: a version is a DNS label.
        raise InputError(
            f"{name}: not usable: {shown(value)} has no version; write {gvk.version}/v1/{gvk.kind}", code="GR113"
        )
    return gvk


class ObjectKey(NamedTuple):
    """The identity of an object in a cluster, whatever its version. ``namespace`` is "" for a cluster-scoped one."""

    group: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Self:
        """The key of an object as written, "" for a part that it lacks."""
        gvk, metadata = GVK.of(obj), metadata_of(obj)
        return cls(gvk.group, gvk.kind, str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind} {self.namespace}/{self.name}" if self.namespace else f"{kind} {self.name}"


def metadata_of(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ``metadata`` mapping; empty where it is missing or no mapping."""
    metadata = obj.get("metadata")
    # A check against an abstract class costs ten times as much as this one.
    return metadata if metadata.__class__ is dict or isinstance(metadata, Mapping) else {}


def name_of(obj: Mapping[str, Any]) -> str:
    """``metadata.name`` or ""."""
    return str(metadata_of(obj).get("name") or "")


def namespace_of(obj: Mapping[str, Any]) -> str:
    """``metadata.namespace`` or ""."""
    return str(metadata_of(obj).get("namespace") or "")


def labels_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """``metadata.labels``; empty where they are missing or no mapping."""
    labels = metadata_of(obj).get("labels")
    return labels if labels.__class__ is dict or isinstance(labels, Mapping) else {}


def annotations_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """``metadata.annotations``; empty where they are missing or no mapping."""
    annotations = metadata_of(obj).get("annotations")
    if annotations is None:
        return {}
    return annotations if annotations.__class__ is dict or isinstance(annotations, Mapping) else {}


def uid_of(obj: Mapping[str, Any]) -> str:
    """``metadata.uid`` or ""."""
    return str(metadata_of(obj).get("uid") or "")


def resource_version_of(obj: Mapping[str, Any]) -> str:
    """``metadata.resourceVersion`` or ""."""
    return str(metadata_of(obj).get("resourceVersion") or "")


def owners_of(obj: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The ownerReferences of an object; what is malformed is left out."""
    owners = metadata_of(obj).get("ownerReferences")
    return [owner for owner in owners if isinstance(owner, Mapping)] if isinstance(owners, list) else []


def controller_of(obj: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The ownerReference of the object's controller, None where there is none."""
    return next((owner for owner in owners_of(obj) if owner.get("controller")), None)


def name_of_member(member: Any) -> str:
    """The name that identifies a member of a shared metadata list: the uid of an owner, the text of a finalizer."""
    return str(member.get("uid") if isinstance(member, Mapping) else member)


def members_of_lists(obj: Mapping[str, Any]) -> set[str]:
    """The names (``name_of_member``) of an object's finalizers and owners, lists that several writers share."""
    found = (metadata_of(obj).get(key) for key in ("finalizers", "ownerReferences"))
    return {name_of_member(member) for members in found if isinstance(members, list) for member in members}


def without_volatile(obj: Object) -> Object:
    """An object without the metadata that each write changes."""
    return {**obj, "metadata": {key: value for key, value in metadata_of(obj).items() if key not in _VOLATILE}}
