"""What is dropped on the way into the cache, and the compact record of what stays.

Invariant: values are never decoded and encoded again, so the bytes of a field are the server's, save for those two
that are dropped: ``metadata.managedFields`` and the last-applied annotation. Both can be larger than the rest.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from genreconcile.objects import GVK, Object

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NUMBER = re.compile(r"\d+", re.ASCII)

Name = tuple[str, str]
"""(namespace, name) of an object, the namespace "" where the kind has none."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """An object as the cache keeps it. ``data`` is its JSON; ``resource_version`` is 0 where it is no number."""

    namespace: str
    name: str
    uid: str
    resource_version: int
    labels: dict[str, str]
    owners: tuple[str, ...]
    deleting: bool
    data: bytes

    def decode(self) -> Object:
        """The object as a dict of the caller's own."""
        obj: Object = msgspec.json.decode(self.data)
        return obj

    def __repr__(self) -> str:
        return f"<Record {self.namespace}/{self.name} at {self.resource_version}>"  # Never the data: it may be secret.


class _Owner(msgspec.Struct):
    uid: str = ""


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    owner_references: list[_Owner] | None = None
    deletion_timestamp: str | None = None


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_optional_fields = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_metadata = msgspec.json.Decoder(_Metadata)


def number(resource_version: str) -> int:
    """A resourceVersion for comparison (KEP-5504); 0 where it is no number, as with some aggregated APIs."""
    return int(resource_version) if _NUMBER.fullmatch(resource_version) else 0


def read(data: bytes | msgspec.Raw, gvk: GVK, *, keep_managers: bool = False) -> Record:
    """The record of one object's JSON; ``gvk`` fills in what the items of a list lack.

    ``keep_managers``: managedFields stay.

    Raises msgspec.MsgspecError where it is no object with a name.
    """
    fields = _fields.decode(data)
    metadata = _fields.decode(fields["metadata"]) if "metadata" in fields else {}
    if not keep_managers:
        metadata.pop("managedFields", None)
    annotations = metadata.get("annotations")
    if annotations is not None:
        metadata["annotations"] = _without_last_applied(annotations)
    kept = msgspec.json.encode(metadata)
    head: dict[str, Any] = {"apiVersion": gvk.api_version, "kind": gvk.kind}
    encoded = msgspec.json.encode({**head, **fields, "metadata": msgspec.Raw(kept)})
    found = _metadata.decode(kept)
    return Record(
        namespace=found.namespace,
        name=found.name,
        uid=found.uid,
        resource_version=number(found.resource_version),
        labels=found.labels or {},
        owners=tuple(owner.uid for owner in found.owner_references or ()),
        deleting=found.deletion_timestamp is not None,
        data=encoded,
    )


def _without_last_applied(annotations: msgspec.Raw) -> msgspec.Raw:
    kept = _optional_fields.decode(annotations)
    if not kept or kept.pop(_LAST_APPLIED, None) is None:
        return annotations
    return msgspec.Raw(msgspec.json.encode(kept))
