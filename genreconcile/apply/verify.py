"""Patches, tried by dry run: a reader is never shown a difference that the server does not see.

Invariant: sends no write.
"""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from genreconcile.apply.answers import Answers
from genreconcile.apply.foresight import Foresight
from genreconcile.cache.transform import read
from genreconcile.engine import Engine
from genreconcile.errors import ClusterError
from genreconcile.kinds.discovery import Resource
from genreconcile.memory.learned import RULE_GAP
from genreconcile.objects import without_volatile
from genreconcile.plan import Change, Plan
from genreconcile.plan.change import NO_PATCH


class Verifier:
    """Dry-runs patches; thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._catalog = engine.catalog
        self._concurrency = engine.options.concurrency
        self._foresight = Foresight(engine, Answers(engine))

    def verified(self, plan: Plan) -> Plan:
        """The plan without the patches that would change nothing: such a difference is a rule gap, and no drift."""
        updates = [change for change in plan.changes if change.operation == "update"]
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="genreconcile-verify") as pool:
            verified = {change.key: change for change in pool.map(self._verified, updates)}
        changes = [verified.get(change.key, change) for change in plan.changes]
        return dataclasses.replace(
            plan,
            changes=tuple(change for change in changes if not change.is_quiet),
            unchanged=(*plan.unchanged, *(change for change in changes if change.is_quiet)),
        )

    def _verified(self, change: Change) -> Change:
        resource = self._catalog.resource(change.gvk)
        foreseen = self._foresight.of(change, resource)
        return self._tried(foreseen, resource) if foreseen.operation == "update" else foreseen

    def _tried(self, change: Change, resource: Resource) -> Change:
        """The change; its operation is none where the server would keep the object as it is."""
        try:
            data = self._foresight.tried(change, resource)
        except ClusterError as error:
            # A webhook that allows no dry run, or a refusal: the difference stands, and is not verified.
            return replace(change, reason=change.told(f"not verified: {error}"))
        if without_volatile(read(data, change.gvk).decode()) != without_volatile(change.live or {}):
            return change
        reason = f"{RULE_GAP}: the server would keep the object as it is"
        return replace(change, operation="none", patch=NO_PATCH, reason=reason)
