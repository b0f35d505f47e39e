"""Splits lists and watch streams into raw objects, without decoding these.

Invariant: time is linear in the bytes, however they are cut into chunks, and a line that was cut off is no event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from genreconcile.cache.shallow import members, value_of
from genreconcile.depth import require_flat
from genreconcile.gojson import mended

LONGEST_LINE = 64 * 1024 * 1024  # etcd takes 1.5 MB per object; aggregated APIs have no such limit.


_HEAD: Final = re.compile(rb'\{(?:"(?:kind|apiVersion)":"[^"\\]*",)*"metadata":(\{[^{}]*\}),')


class ListMeta(msgspec.Struct, rename={"continue_": "continue", "resource_version": "resourceVersion"}):
    """The metadata of a list: its resourceVersion, and the token of the next page, "" on the last."""

    resource_version: str = ""
    continue_: str = ""


class Page(msgspec.Struct):
    """A list, or one page of it. ``items`` point into the answer's bytes."""

    metadata: ListMeta
    items: list[msgspec.Raw] | None = None


class Bookmark(msgspec.Struct, rename="camel"):
    """The metadata of a bookmark's object: its resourceVersion, and sometimes an annotation."""

    resource_version: str = ""
    annotations: dict[str, str] | None = None

    @property
    def ends_initial_events(self) -> bool:
        """Whether the initial objects of a watch have all been sent (KEP-3157)."""
        return (self.annotations or {}).get("k8s.io/initial-events-end") == "true"


class _Bookmarked(msgspec.Struct):
    metadata: Bookmark


class WatchEvent(msgspec.Struct):
    """One line of a watch; ``type`` is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR (then the object is a Status)."""

    type: str
    object: msgspec.Raw


_metadata = msgspec.json.Decoder(ListMeta)
_page = msgspec.json.Decoder(Page)
_bookmark = msgspec.json.Decoder(_Bookmarked)
_event = msgspec.json.Decoder(WatchEvent)


def read_page(data: bytes) -> Page:
    """One page of a list. Raises msgspec.MsgspecError for data that are no list."""
    try:
        require_flat(data, is_decoded=False)
        return _page.decode(data)
    except msgspec.DecodeError:  # Halves of surrogate pairs, which any client that writes raw JSON can store.
        return _page.decode(mended(data))
    except RecursionError:  # One object is nested too deeply to be passed over; the others are read all the same.
        items = value_of(data, b"items")
        page = _page.decode(data.replace(items, b"[]", 1)) if items else Page(ListMeta())
        page.items = [msgspec.Raw(member) for member in members(items)]
        return page


def token_ahead(beginning: bytes) -> str:
    """The token of the next page, from the first bytes of a page; "" where there is none, or they do not tell.

    Go writes the metadata of a typed list before its items, that of an untyped one (custom resources) behind them.
    """
    found = _HEAD.match(beginning)
    try:
        return _metadata.decode(found[1]).continue_ if found else ""
    except msgspec.MsgspecError:
        return ""


def read_events(chunks: Iterable[bytes]) -> Iterator[WatchEvent]:
    """The events of a watch. Raises msgspec.MsgspecError for a line that is no event or is too long."""
    for line in _lines(chunks):
        try:
            require_flat(line, is_decoded=False)
            yield _event.decode(line)
        except msgspec.DecodeError:
            yield _event.decode(mended(line))
        except RecursionError:
            obj = value_of(line, b"object")
            event = _event.decode(line.replace(obj, b"{}", 1))
            event.object = msgspec.Raw(obj)
            yield event


def read_bookmark(event: WatchEvent) -> Bookmark:
    """The metadata in a BOOKMARK event."""
    return _bookmark.decode(event.object).metadata


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line = b"".join((*parts, end))
            parts.clear()
            size = 0
            if line.strip():
                yield line
        parts.append(rest)
        size += len(rest)
        if size > LONGEST_LINE:
            raise msgspec.DecodeError(f"a line is longer than {LONGEST_LINE} bytes")
