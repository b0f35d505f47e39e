"""Whether a live object does what it is for, as far as its status says.

Invariant: knowledge of kinds is ``readiness.yaml``. A new object of a custom kind whose controller would tell, and has
not told yet, is not ready.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from genreconcile.catalog import Catalog
from genreconcile.controllers.status.room import CONDITIONS, OBSERVED, Room
from genreconcile.data import Readiness, shipped
from genreconcile.data.shapes import Ready
from genreconcile.errors import ClusterError
from genreconcile.kinds.order import kind_name
from genreconcile.objects import GVK, metadata_of
from genreconcile.pointer import split_pointer

_REPLICAS: Final = "/spec/replicas"
_GRACE: Final = 30.0
"""Seconds that a controller has to tell something of a new object; after that, nobody is expected to."""


@dataclass(frozen=True, slots=True)
class ReadyCheck:
    """Whether objects are ready; ``now`` is the time of day."""

    catalog: Catalog
    now: Callable[[], dt.datetime]

    def is_ready(self, live: Mapping[str, Any]) -> bool:
        """Whether an object is ready, as ``is_ready`` of this module, and nobody is about to say that it is not."""
        return is_ready(live) and self.silence(live) is None

    def silence(self, live: Mapping[str, Any]) -> float | None:
        """The seconds for which an object is not ready because its controller has not told anything yet, None for one
        that is not waited for.
        """
        status = _at(live, "/status")
        if isinstance(status, Mapping) and not {CONDITIONS, OBSERVED}.isdisjoint(status):
            return None
        left = _GRACE - (self.now() - _created(live)).total_seconds()
        return min(left, _GRACE) if left > 0 and self._tells(GVK.of(live)) else None

    def _tells(self, gvk: GVK) -> bool:
        """Whether a kind is a custom one whose schema says that its controller tells how an object is."""
        try:
            resource = self.catalog.discovery.get(gvk)
            if resource is None or not self.catalog.is_custom(resource):
                return False
            room = Room.of(resource, self.catalog.kind_type(resource))
        except ClusterError:  # Nobody can say; the grace ends.
            return True
        return bool(room.members) or room.observed


def is_ready(live: Mapping[str, Any]) -> bool:
    """Whether an object is ready; one that is being deleted is not, nor one whose status is about an older spec."""
    metadata = metadata_of(dict(live))
    if "deletionTimestamp" in metadata:
        return False
    observed = _at(live, "/status/observedGeneration")
    if observed is not None and observed != metadata.get("generation", observed):
        return False
    gvk = GVK.of(live)
    ready = _kinds().get(kind_name(gvk.group, gvk.kind))
    conditions = _conditions(live)
    if ready is None:
        first = next((name for name in shipped(Readiness).conditions if name in conditions), None)
        return first is None or conditions[first] == "True"
    return (
        all(conditions.get(name) == "True" for name in ready.are_true)
        and all(_number(live, one) == _number(live, other) for one, other in ready.equal)
        and all(_at(live, pointer) is not None for pointer in ready.needs)
        and all(_at(live, pointer) == text for pointer, text in ready.values)
    )


@functools.cache
def _kinds() -> Mapping[str, Ready]:
    return {entry.kind: entry for entry in shipped(Readiness).kinds}


def _conditions(live: Mapping[str, Any]) -> dict[str, Any]:
    found = _at(live, "/status/conditions")
    conditions = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    return {str(one.get("type")): one.get("status") for one in conditions}


def _created(live: Mapping[str, Any]) -> dt.datetime:
    """When an object was created; long ago where it does not say so."""
    try:
        return dt.datetime.fromisoformat(str(_at(live, "/metadata/creationTimestamp")))
    except ValueError:
        return dt.datetime.min.replace(tzinfo=dt.UTC)


def _number(live: Mapping[str, Any], pointer: str) -> Any:
    found = _at(live, pointer)
    if found is None:
        return 1 if pointer == _REPLICAS else 0
    return found


def _at(live: Mapping[str, Any], pointer: str) -> Any:
    value: Any = live
    for token in split_pointer(pointer):
        value = value.get(token) if isinstance(value, Mapping) else None
    return value
