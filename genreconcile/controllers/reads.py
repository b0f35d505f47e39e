"""What a run of a controller has read: one object, or one list.

Invariant: equal reads are equal values, whoever makes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from collections.abc import Set as AbstractSet

import msgspec

from genreconcile.arguments import refused
from genreconcile.controllers.news import is_heartbeat
from genreconcile.objects import GVK
from genreconcile.selector import ParsedSelector


class Read(msgspec.Struct, frozen=True, gc=False):
    """The object of a ``name``, whether or not it exists; without one, the list of all objects that match ``selector``.

    ``namespace`` "" is that of cluster-scoped objects, and of a list in all namespaces. ``fields``, as JSON pointers,
    alone wake where there are any, besides that an object appears or goes.
    """

    kind: GVK
    namespace: str = ""
    name: str = ""
    selector: ParsedSelector = ParsedSelector()
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f" in {self.namespace}" if self.namespace else ""
        selected = f" with {self.selector}" if self.selector.requirements else ""
        return f"{self.kind} {self.name}{place}" if self.name else f"all {self.kind}{place}{selected}"


def checked_fields(kind: GVK, fields: Collection[str]) -> tuple[str, ...]:
    """The fields of a read, sorted. Raises InputError where one is no JSON pointer, or never wakes."""
    for field in fields:
        if not isinstance(field, str) or not field.startswith("/"):
            raise refused("fields", field, "is no JSON pointer; write it as '/status/phase'")
        if is_heartbeat(kind, field):
            raise refused("fields", field, f"never wakes: it is a heartbeat of {kind}; leave it out")
    return tuple(sorted(set(fields)))


def bounded(reads: AbstractSet[Read], most: int) -> AbstractSet[Read]:
    """The reads, if they are more than ``most``, with all of a kind in the place of its many ones: that wakes more
    often, and never less.
    """
    for kind, _ in Counter(read.kind for read in reads).most_common():
        if len(reads) <= most:
            break
        reads = {Read(kind), *(read for read in reads if read.kind != kind)}
    return reads
