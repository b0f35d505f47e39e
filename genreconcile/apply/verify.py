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
from genreconcile.gojson import dumps
from genreconcile.kinds.discovery import Resource
from genreconcile.memory.learned import RULE_GAP
from genreconcile.objects import Object, metadata_of
from genreconcile.plan import Change, Plan
from genreconcile.plan.change import JSON_PATCH, NO_PATCH

_VOLATILE = frozenset({"resourceVersion", "generation", "managedFields"})


class Verifier:
    """Dry-runs patches; thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._cluster = engine.cluster
        self._catalog = engine.catalog
        self._concurrency = engine.options.concurrency
        self._query = engine.options.query(dry_run=True)
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
        path = resource.path(change.key.namespace, change.key.name)
        body = dumps(change.patch.patch)
        try:
            data = self._cluster.request("PATCH", path, query=self._query, body=body, content_type=JSON_PATCH)
        except ClusterError as error:
            # A webhook that allows no dry run, or a refusal: the difference stands, and is not verified.
            return replace(change, reason=change.told(f"not verified: {error}"))
        if _content(read(data, change.gvk).decode()) != _content(change.live or {}):
            return change
        reason = f"{RULE_GAP}: the server would keep the object as it is"
        return replace(change, operation="none", patch=NO_PATCH, reason=reason)


def _content(obj: Object) -> Object:
    """An object without the metadata that each write changes."""
    return {**obj, "metadata": {key: value for key, value in metadata_of(obj).items() if key not in _VOLATILE}}
