"""A server's JSON of one resource → records and events.

Invariant: an object that cannot be read, malformed or nested too deeply, does not keep the others from being read. It
is named in the log, and never taken for absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from genreconcile.cache.feed import Feed
from genreconcile.cache.store import ADDED, DELETED, MODIFIED
from genreconcile.cache.transform import Record, read_name
from genreconcile.cache.wire import WatchEvent, read_events
from genreconcile.cluster import status_error
from genreconcile.gojson import loads
from genreconcile.log import logger

BOOKMARK = "BOOKMARK"
_KNOWN = frozenset({ADDED, MODIFIED, DELETED, BOOKMARK})

_log = logger("genreconcile.cache")


class Reading:
    """Reads the objects of a feed."""

    def __init__(self, feed: Feed) -> None:
        self._resource = feed.resource
        self._url = feed.url
        self._read = feed.reader

    def records(self, items: Iterable[msgspec.Raw]) -> Iterator[Record]:
        """The records of the objects of a list, or of an event."""
        for item in items:
            try:
                yield self._read(item)
            except (msgspec.MsgspecError, RecursionError) as error:
                # The object is known to exist, so it is neither created nor deleted; decoding it raises CacheError.
                found = read_name(item)
                cause = error if isinstance(error, msgspec.MsgspecError) else "nested too deeply"
                _log.error(
                    "%s %s: not readable: %s; it is left alone",
                    self._resource,
                    _name_of(item),
                    cause,
                    extra={"code": "GR705"},
                )
                if found:
                    yield found

    def events(self, chunks: Iterable[bytes]) -> Iterator[WatchEvent]:
        """The events of known types. Raises the ClusterError of an ERROR event, and msgspec.MsgspecError."""
        for event in read_events(chunks):
            if event.type == "ERROR":
                raise status_error(f"watch {self._url}", loads(bytes(event.object)))
            if event.type in _KNOWN:
                yield event
            else:
                name = _name_of(event.object)
                _log.warning(
                    "%s %s: an event of the unknown type %s is passed over",
                    self._resource,
                    name,
                    event.type,
                    extra={"code": "GR713"},
                )


def _name_of(item: msgspec.Raw) -> str:
    found = read_name(item)
    return found.full_name if found else "an object without a name"
