"""The transform on the way into the cache: an object's JSON → a compact record without two large fields.

Invariant: values are never decoded and encoded again, so the bytes of a field are the server's. Dropped are
``metadata.managedFields`` and the last-applied annotation; both can be larger than the rest. The managedFields that a
question asks for stay, beside the object (``interest.py``).
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from genreconcile.cache.codec import Codec
from genreconcile.cache.interest import NO_INTEREST, Interest
from genreconcile.cache.shallow import value_of
from genreconcile.depth import require_flat
from genreconcile.errors import CacheError
from genreconcile.gojson import loads, mended
from genreconcile.objects import GVK, Object

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NUMBER = re.compile(r"\d+", re.ASCII)

Name = tuple[str, str]
"""(namespace, name) of an object, the namespace "" where the kind has none."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """An object as the cache keeps it. ``data`` is its JSON, packed if there is a ``codec``; ``resource_version`` is 0
    where it is no number. ``managers`` is the kept part of managedFields, b"" for most objects; ``earlier`` is the
    record from before there was such a part, None where it was not seen.
    """

    namespace: str
    name: str
    uid: str
    resource_version: int
    labels: dict[str, str]
    owners: tuple[str, ...]
    deleting: bool
    data: bytes
    codec: Codec | None = None
    managers: bytes = b""
    earlier: Record | None = None

    def decode(self) -> Object:
        """The object as a new dict, owned by the caller. Raises CacheError where it is nested too deeply."""
        obj: Object = self._loaded(self.data if self.codec is None else self.codec.unpack(self.data))
        return obj

    def decode_with_managers(self) -> Object:
        """As ``decode``, with the kept part of ``metadata.managedFields``. Raises as ``decode``."""
        obj = self.decode()
        if self.managers:
            obj["metadata"]["managedFields"] = self._loaded(self.managers)
        return obj

    def _loaded(self, data: bytes) -> Any:
        try:
            return loads(data)
        except RecursionError:
            raise CacheError(f"{self.namespace}/{self.name}: not readable: nested too deeply", code="GR705") from None

    def __repr__(self) -> str:
        return f"<Record {self.namespace}/{self.name} at {self.resource_version}>"  # Never the data: it may be secret.


class Unreadable(Record, frozen=True, gc=False):
    """An object of which only the name could be read: it is there, and nothing else is known of it."""

    @property
    def full_name(self) -> str:
        """``namespace/name``, or ``name``."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def decode(self) -> Object:
        """Raise CacheError, always."""
        raise CacheError(
            f"{self.full_name}: not readable: the server's JSON is malformed, or nested too deeply; see the log",
            code="GR705",
        )


class _Owner(msgspec.Struct):
    uid: str = ""


_ABSENT = msgspec.Raw(b"")


class _Metadata(msgspec.Struct, rename="camel", gc=False):
    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    owner_references: list[_Owner] | None = None
    deletion_timestamp: str | None = None
    annotations: dict[str, msgspec.Raw] | None = None
    managed_fields: msgspec.Raw = _ABSENT


_EMPTY = msgspec.Raw(b'""')


class _Name(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = ""
    uid: msgspec.Raw = _EMPTY
    resource_version: msgspec.Raw = _EMPTY


class _Named(msgspec.Struct):
    metadata: _Name


class _Item(msgspec.Struct, rename="camel", gc=False):
    metadata: _Metadata


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_item = msgspec.json.Decoder(_Item)
_named = msgspec.json.Decoder(_Named)

_NOTHING: dict[str, str] = {}
_MANAGERS = b'"managedFields":'
_METADATA = b'"metadata":'
_NAMING = (b"name", b"namespace", b"uid", b"resourceVersion")


def number(resource_version: str) -> int:
    """A resourceVersion for comparison (KEP-5504); 0 where it is no number, as with some aggregated APIs."""
    return int(resource_version) if _NUMBER.fullmatch(resource_version) else 0


def read(
    data: bytes | msgspec.Raw,
    gvk: GVK,
    *,
    keep_managers: bool = False,
    codec: Codec | None = None,
    interest: Interest = NO_INTEREST,
) -> Record:
    """The record of one object's JSON; ``gvk`` gives apiVersion and kind, which the items of a list lack.

    ``keep_managers``: managedFields stay in the object. ``codec`` packs the kept JSON. ``interest`` selects the
    managedFields that stay beside the object.

    Raises msgspec.MsgspecError where ``data`` is no object with a name, RecursionError where it is nested too deeply.
    """
    whole = bytes(data)
    require_flat(whole, is_decoded=False)
    try:
        found = _item.decode(whole).metadata
    except msgspec.DecodeError:
        whole = mended(whole)
        found = _item.decode(whole).metadata
    kept = _cut(whole, found, _heads(gvk), keep_managers) or _rebuilt(whole, gvk, keep_managers=keep_managers)
    return Record(
        namespace=sys.intern(found.namespace),
        name=found.name,
        uid=found.uid,
        resource_version=number(found.resource_version),
        labels=found.labels or _NOTHING,
        owners=tuple([owner.uid for owner in found.owner_references]) if found.owner_references else (),
        deleting=found.deletion_timestamp is not None,
        data=kept if codec is None else codec.pack(kept),
        codec=codec,
        managers=interest.of(bytes(found.managed_fields)),
    )


def read_name(data: bytes | msgspec.Raw) -> Unreadable | None:
    """The record of an object that ``read`` cannot read, with no labels; None where it has no name."""
    try:
        try:
            require_flat(bytes(data), is_decoded=False)
            found = _named.decode(data).metadata
        except RecursionError:
            found = _named.decode(_shallow(bytes(data))).metadata
    except msgspec.MsgspecError:
        return None
    version = number(_text(found.resource_version))
    return Unreadable(
        found.namespace, found.name, _text(found.uid), version, _NOTHING, (), deleting=False, data=bytes(data)
    )


def _text(value: msgspec.Raw) -> str:
    """A text; of anything else its JSON."""
    data = bytes(value)
    return str(loads(data)) if data.startswith(b'"') else data.decode("utf-8", "replace")


def _shallow(data: bytes) -> bytes:
    """The object with the fields of its metadata that name it alone: managedFields are as deep as the object."""
    metadata = value_of(data, b"metadata")
    fields = ((name, value_of(metadata, name)) for name in _NAMING)
    plain = (b'"%b":%b' % (name, value) for name, value in fields if value and value[:1] not in {b"{", b"["})
    return b'{"metadata":{%b}}' % b",".join(plain)


def read_at_least_the_name(reader: Callable[[bytes], Record], data: bytes) -> Record:
    """The record that ``reader`` makes, or that of the name alone where the object is nested too deeply.

    Raises as ``read``.
    """
    try:
        return reader(data)
    except RecursionError:
        found = read_name(data)
        if found is None:
            raise msgspec.DecodeError("nested too deeply, and without a name") from None
        return found


def read_metadata(data: bytes | msgspec.Raw, gvk: GVK, *, codec: Codec | None = None) -> Record:
    """The record of one object, with its metadata alone. Raises as ``read``."""
    whole = bytes(data)
    require_flat(whole, is_decoded=False)
    metadata = _fields.decode(whole).get("metadata")
    return read(b"{}" if metadata is None else b'{"metadata":%b}' % bytes(metadata), gvk, codec=codec)


class _Heads(NamedTuple):
    """The beginnings of a kind's JSON: ``own`` with apiVersion and kind, ``added`` is put before objects without."""

    own: tuple[bytes, ...]
    added: bytes


@functools.lru_cache(maxsize=1024)
def _heads(gvk: GVK) -> _Heads:
    """The heads in Go's order of a typed object's fields, and in the sorted order of an untyped one's."""
    version, kind = (msgspec.json.encode(text) for text in (gvk.api_version, gvk.kind))
    typed = b'{"kind":%b,"apiVersion":%b,' % (kind, version)
    untyped = b'{"apiVersion":%b,"kind":%b,' % (version, kind)
    return _Heads((typed, untyped), untyped)


def _cut(whole: bytes, found: _Metadata, heads: _Heads, keep_managers: bool) -> bytes:
    """The kept JSON of the object, by cutting bytes out; b"" where cutting is not enough."""
    if found.annotations and _LAST_APPLIED in found.annotations:
        return b""
    head = next((head for head in heads.own if whole.startswith(head)), None)
    start = len(head) if head else 1
    if not whole.startswith(_METADATA, start):
        return b""
    added = b"" if head else heads.added
    value = bytes(found.managed_fields)
    if not value or keep_managers:
        return added + whole[1:] if added else whole
    # In metadata only strings stand before managedFields, and in a string the quotes of the name would be escaped.
    begin = whole.find(_MANAGERS, start)
    end = begin + len(_MANAGERS) + len(value)
    if begin < 0 or whole[begin - 1 : begin] not in {b",", b"{"} or whole[end - len(value) : end] != value:
        return b""
    if whole[end : end + 1] == b",":
        end += 1
    elif whole[begin - 1 : begin] == b",":
        begin -= 1
    return b"".join((added or b"{", memoryview(whole)[1:begin], memoryview(whole)[end:]))


def _rebuilt(whole: bytes, gvk: GVK, *, keep_managers: bool) -> bytes:
    """The kept JSON of the object, put together anew from its fields."""
    fields = _fields.decode(whole)
    metadata = _fields.decode(fields["metadata"])
    if not keep_managers:
        metadata.pop("managedFields", None)
    annotations = _optional_fields.decode(metadata.get("annotations", b"null"))
    if annotations and annotations.pop(_LAST_APPLIED, None) is not None:
        metadata["annotations"] = msgspec.Raw(msgspec.json.encode(annotations))
    head: dict[str, Any] = {"apiVersion": gvk.api_version, "kind": gvk.kind}
    return msgspec.json.encode({**head, **fields, "metadata": msgspec.Raw(msgspec.json.encode(metadata))})


_optional_fields = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
