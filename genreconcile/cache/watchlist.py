"""A list that comes as the beginning of a watch (KEP-3157, WatchList): one object at a time, and never a whole page.

Invariant: only a stream that the server has marked as whole counts as a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from genreconcile.cache.store import DELETED
from genreconcile.cache.transform import Name, Record
from genreconcile.cache.wire import WatchEvent, read_bookmark

QUERY: Mapping[str, str] = {
    "watch": "true",
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",  # With no resourceVersion: all that was written before the request.
    "allowWatchBookmarks": "true",
}


class StreamedList(NamedTuple):
    """A whole list, made at ``resource_version``."""

    records: list[Record]
    resource_version: str


def read_list(
    events: Iterable[WatchEvent], records: Callable[[Iterable[msgspec.Raw]], Iterator[Record]]
) -> StreamedList | None:
    """The list that ``events`` begin with; None where they end without saying that it is whole.

    ``records`` reads objects. An object may change before the others have come: its last event counts.
    """
    found: dict[Name, Record] = {}
    for event in events:
        if event.type == "BOOKMARK":
            bookmark = read_bookmark(event)
            if bookmark.ends_initial_events:
                return StreamedList(list(found.values()), bookmark.resource_version)
            continue
        for record in records((event.object,)):
            name = (record.namespace, record.name)
            if event.type == DELETED:
                found.pop(name, None)
            else:
                found[name] = record
    return None
