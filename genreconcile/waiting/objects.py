"""Expected objects, waited for; what a Reconciler asks of this room.

Invariant: nothing is written, and whether fields are as expected is not looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from genreconcile.arguments import require_namespace, require_seconds
from genreconcile.engine import Engine
from genreconcile.errors import CacheError
from genreconcile.kinds.discovery import Resource
from genreconcile.manifests import validate_set
from genreconcile.objects import ObjectKey
from genreconcile.plan import Plan
from genreconcile.plan.fresh import Fresh
from genreconcile.plan.kinds import Kinds
from genreconcile.plan.locate import locate
from genreconcile.readiness import Status
from genreconcile.waiting.blocked import Reader, Waited, explained
from genreconcile.waiting.gate import WaveGate
from genreconcile.waiting.waiting import Place, Waiting


class Readying:
    """Waits for the objects of one Engine; ``kinds`` brings their kinds into the cache."""

    def __init__(self, engine: Engine, kinds: Kinds) -> None:
        self._engine = engine
        self._kinds = kinds
        self._waiting = Waiting(engine)

    def wait(self, expected: Iterable[Mapping[str, Any]], namespace: str, timeout: float) -> tuple[Waited, ...]:
        """As ``Reconciler.wait``. Raises InputError for an argument that cannot be used."""
        require_seconds("timeout", timeout)
        require_namespace("namespace", namespace)
        deadline = time.monotonic() + timeout
        entries = [Fresh(obj, "", b"", is_copy=True) for obj in validate_set(expected, namespace)]
        locate(entries, namespace, self._engine.catalog)
        places = [Place(entry.resource, entry.key) for entry in entries if isinstance(entry.resource, Resource)]
        needed: dict[Resource, set[str]] = {}
        for place in places:
            needed.setdefault(place.resource, set()).add(place.key.namespace)
        self._kinds.sync(needed)
        found = self._waiting.until_settled(places, deadline)
        return tuple(self._waited(entry, found) for entry in entries)

    def gate(self, seconds: float) -> Callable[[Plan], WaveGate] | None:
        """What makes the gate between the waves of a plan, which may wait so long in all; None for no time at all.

        Raises InputError.
        """
        require_seconds("wait_waves", seconds)
        if not seconds:
            return None

        def made(plan: Plan) -> WaveGate:
            own = (*(change for change in plan.changes if change.operation != "delete"), *plan.unchanged)
            resource = self._engine.catalog.resource
            places = [Place(resource(change.gvk), change.key) for change in own if change.error is None]
            return WaveGate(self._waiting, places, time.monotonic() + seconds)

        return made

    def _waited(self, entry: Fresh, found: Mapping[ObjectKey, Status]) -> Waited:
        key, resource = entry.key, entry.resource
        if not isinstance(resource, Resource):
            return Waited(key, Status("Unknown", "NotServed", str(resource)))
        try:
            live = self._waiting.live(Place(resource, key))
        except CacheError:
            live = None
        reader = Reader(self._engine.cluster, self._engine.catalog)
        return explained(key, live, found[key], reader, self._waiting.status)
