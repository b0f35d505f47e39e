"""What a list and watch reads, and from where.

Invariant: nothing here changes while a reflector runs: reflector, list and watch share one Feed, and never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from genreconcile.cache.lately import Lately
from genreconcile.cache.pace import Pace
from genreconcile.cache.pager import AHEAD
from genreconcile.cache.scope import Scope
from genreconcile.cache.transform import Record
from genreconcile.cluster import Cluster, partial
from genreconcile.kinds.discovery import Resource

Reader = Callable[[bytes | msgspec.Raw], Record]
"""Makes a record of an object's JSON, or raises MsgspecError."""


class Accept(NamedTuple):
    """The media types that are asked for; ``of_watches`` is also that of single objects."""

    of_lists: str
    of_watches: str


WHOLE: Final = Accept("application/json", "application/json")
METADATA: Final = Accept(partial.METADATA_OF_LISTS, partial.METADATA)


class Upstream(NamedTuple):
    """The cluster from which all kinds of a cache are read, and the time-outs and pauses of its readers.

    ``watch_list``: the first list comes as a stream, where the server can send one. ``lately`` takes what watches
    bring.
    """

    cluster: Cluster
    pace: Pace = Pace()
    watch_list: bool = False
    lately: Lately | None = None


class Feed(NamedTuple):
    """The objects of one resource in a scope, as one list and watch brings them.

    ``ahead``: the pages of a list that may be on their way at a time.
    """

    upstream: Upstream
    resource: Resource
    scope: Scope
    reader: Reader
    accept: Accept = WHOLE
    ahead: int = AHEAD

    @property
    def path(self) -> str:
        """The path of the list and of the watch."""
        return self.resource.path(self.scope.namespace)

    @property
    def url(self) -> str:
        """The same with the server, for messages, and with the name of a single object."""
        return "?".join((f"{self.upstream.cluster.server}{self.path}", *map("=".join, self.query.items())))

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of each request."""
        return self.scope.query
