"""What holds an object up: the object that its controllers made and that is not ready, and what was last said of it.

Invariant: pure reads of the API, none of which fails a wait; what may not be read is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.data import Readiness, shipped
from genreconcile.errors import ReconcileError, shown
from genreconcile.gojson import loads
from genreconcile.kinds.order import kind_name
from genreconcile.objects import GVK, Object, ObjectKey, metadata_of, namespace_of, owners_of, uid_of
from genreconcile.readiness import Status

_EVENTS: Final = "events.k8s.io/v1/Event"
_MOST: Final = "500"
"""Objects and Events of one list; of more, the first."""
_DEEPEST: Final = 3
_DEFAULT: Final = "default"
"""The namespace of Events about what has none."""


@dataclass(frozen=True, slots=True)
class Waited:
    """An object that was waited for, and how it is. Where it is not Current: ``blocker`` is the object that holds it
    up, None where that is itself, ``blocker_status`` how that is, and ``event`` the last Event about it, "" where there
    is none or it may not be read.
    """

    key: ObjectKey
    status: Status
    blocker: ObjectKey | None = None
    blocker_status: Status | None = None
    event: str = ""

    @property
    def is_current(self) -> bool:
        """Whether nothing more is waited for."""
        return self.status.is_current

    def __str__(self) -> str:
        parts = [f"{self.key}: {self.status}"]
        parts += [f"held up by {self.blocker}: {self.blocker_status}"] if self.blocker is not None else []
        parts += [f"last Event: {self.event}"] if self.event else []
        parts += [shown(self.status.warning)] if self.status.warning else []
        return "; ".join(parts)


def explained(
    key: ObjectKey, live: Object | None, status: Status, reader: Reader, judge: Callable[[Object], Status]
) -> Waited:
    """What is known of an object that was waited for; ``judge`` says how an object is."""
    if live is None or status.is_current:
        return Waited(key, status)
    blocker, found = live, status
    for _ in range(_DEEPEST):
        parts = [(part, judge(part)) for part in reader.made_by(blocker)]
        waiting = sorted((one for one in parts if not one[1].is_current), key=lambda one: one[1].state != "Failed")
        if not waiting:
            break
        blocker, found = waiting[0]
    event = reader.last_event(blocker)
    if blocker is live:
        return Waited(key, status, event=event)
    return Waited(key, status, ObjectKey.of(blocker), found, event)


class Reader:
    """Reads the API itself: what is asked once, when a wait is over, needs no watch."""

    def __init__(self, cluster: Cluster, catalog: Catalog) -> None:
        self._cluster = cluster
        self._catalog = catalog

    def made_by(self, live: Object) -> Iterator[Object]:
        """The objects that the controllers of a kind make for an object of it."""
        gvk = GVK.of(live)
        name, uid = kind_name(gvk.group, gvk.kind), uid_of(live)
        made = {kind for entry in shipped(Readiness).kinds if name in entry.kinds for kind in entry.makes}
        for kind in sorted(made):
            found = self._list(kind, namespace_of(live), {})
            yield from (part for part in found if uid and any(owner.get("uid") == uid for owner in owners_of(part)))

    def last_event(self, live: Object) -> str:
        """The reason and the note of the last Event about an object."""
        query = {"fieldSelector": f"regarding.uid={uid_of(live)}"} if uid_of(live) else {}
        found = list(self._list(_EVENTS, namespace_of(live) or _DEFAULT, query)) if query else []
        if not found:
            return ""
        last = max(found, key=_time)
        return " ".join(f"{last.get('reason') or ''}: {last.get('note') or ''}".split())[:1100]

    def _list(self, kind: str, namespace: str, query: Mapping[str, str]) -> Iterator[Object]:
        try:
            gvk = GVK.parse(kind)
            path = self._catalog.resource(gvk).path(namespace)
            answer = loads(self._cluster.request("GET", path, query={**query, "limit": _MOST}))
        except (ReconcileError, msgspec.MsgspecError):
            return
        items = answer.get("items") if isinstance(answer, dict) else None
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                yield {"apiVersion": gvk.api_version, "kind": gvk.kind, **item}


def _time(event: Mapping[str, Any]) -> str:
    """When an Event was last seen: times of one API sort as texts."""
    series = event.get("series")
    seen = series.get("lastObservedTime") if isinstance(series, Mapping) else None
    times = (seen, event.get("deprecatedLastTimestamp"), event.get("eventTime"))
    return str(max(filter(None, map(_text, times)), default="") or _text(metadata_of(event).get("creationTimestamp")))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
