"""Writes the parents of owner sets.

Invariant: before any other write the parent records all kinds and namespaces that may have members, so that a crash
loses none; what somebody else has recorded meanwhile is never overwritten.
"""

from __future__ import annotations

from typing import Final

from genreconcile.engine import Engine
from genreconcile.errors import ClusterError, Conflict, Invalid, NotFound, ParentChanged, PlanRefused
from genreconcile.gojson import dumps, loads
from genreconcile.kinds.discovery import Resource
from genreconcile.log import logger
from genreconcile.notice import Notice
from genreconcile.objects import Object, uid_of
from genreconcile.ownership import Inventory, Parent, require_same
from genreconcile.plan import OwnerPlan
from genreconcile.plan.change import JSON_PATCH

_ATTEMPTS: Final = 3
_APPLY: Final = "application/apply-patch+yaml"  # JSON is YAML.

_log = logger("genreconcile.apply")


class Parents:
    """Writes the records of owner sets; thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._cluster = engine.cluster
        self._catalog = engine.catalog
        self._cache = engine.cache
        self._options = engine.options

    def widen(self, owner: OwnerPlan) -> None:
        """Add the plan's inventory to the record of the parent. Raises PlanRefused and ClusterError, ParentChanged
        among them.
        """
        parent, resource = owner.parent, self._catalog.resource(owner.parent.gvk)
        live = self._cache.get(resource, parent.key.name, namespace=parent.key.namespace)
        for attempt in range(_ATTEMPTS):
            require_same(parent, uid_of(live or {}))
            found = parent.inventory(live, self._catalog.kind_named)
            if found.covers(owner.inventory) and parent.is_written(live, found):
                return
            try:
                self._write(parent, resource, found | owner.inventory, live)
            except (Conflict, NotFound, Invalid) as error:
                # A changed uid gives 422.
                if attempt + 1 == _ATTEMPTS:
                    raise self._told(error, parent, "nothing was written") from error
                live = self._read(parent, resource, live)
            except ClusterError as error:
                raise self._told(error, parent, "nothing was written") from error
            else:
                return

    def narrow(self, owner: OwnerPlan, members: Inventory) -> Notice | None:
        """Let the parent record only what still has ``members``; returns a warning where that fails.

        An error does no harm: the next call looks at more kinds than have members, and tries again.
        """
        parent, resource = owner.parent, self._catalog.resource(owner.parent.gvk)
        live = self._cache.get(resource, parent.key.name, namespace=parent.key.namespace)
        if live is None or (parent.uid and uid_of(live) != parent.uid):
            return None
        try:
            # What is recorded beside the plan's, somebody else has recorded meanwhile.
            beside = parent.inventory(live, self._catalog.kind_named) - owner.inventory
            wanted = (members & owner.inventory) | owner.kept | beside
            if not parent.is_written(live, wanted):
                self._write(parent, resource, wanted, live)
        except ClusterError as error:
            told = self._told(error, parent, "the next reconcile tries again")
            return Notice(str(told), told.code)
        except PlanRefused as error:
            return Notice(str(error), error.code)
        return None

    def require_there(self, parent: Parent, *, for_new: bool) -> None:
        """Raise ParentChanged where the cache does not have the parent that was meant, or, for a new object, where that
        is being deleted.
        """
        if not parent.uid:
            return
        key, resource = parent.key, self._catalog.resource(parent.gvk)
        record = self._cache.record(resource, key.name, namespace=key.namespace)
        require_same(parent, record.uid if record is not None else "")
        if for_new and record is not None and record.deleting:
            raise ParentChanged(f"the parent {key} is being deleted", status=409, reason="Conflict")

    def _write(self, parent: Parent, resource: Resource, inventory: Inventory, live: Object | None) -> None:
        query = {"fieldManager": parent.field_manager, "fieldValidation": "Strict"}
        query |= {"dryRun": "All"} if self._options.dry_run else {}
        path = resource.path(parent.key.namespace, parent.key.name)
        if live is None:
            body = dumps(parent.body(inventory, live))
            data = self._cluster.request("POST", resource.path(parent.key.namespace), query=query, body=body)
        elif parent.is_applied:
            query["force"] = "true"
            body = dumps(parent.body(inventory, live))
            data = self._cluster.request("PATCH", path, query=query, body=body, content_type=_APPLY)
        else:
            body = dumps(parent.patch(inventory, live))
            data = self._cluster.request("PATCH", path, query=query, body=body, content_type=JSON_PATCH)
        _log.info("%s: the owner set records %s", parent.key, inventory)
        if not self._options.dry_run:
            self._cache.record_write(resource, data)

    def _read(self, parent: Parent, resource: Resource, before: Object | None) -> Object | None:
        try:
            data = self._cluster.request("GET", resource.path(parent.key.namespace, parent.key.name))
        except NotFound:
            if before is not None:
                self._cache.record_delete(resource, parent.key, uid_of(before))
            return None
        self._cache.record_write(resource, data)
        live: Object = loads(data)
        return live

    @staticmethod
    def _told(error: ClusterError, parent: Parent, consequence: str) -> ClusterError:
        if isinstance(error, NotFound) and error.details.get("kind") == "namespaces":
            consequence += "; create its namespace first, for the set cannot bring that itself"
        text = f"{parent.key}: the owner set is not recorded: {error}; {consequence}"
        return type(error)(text, status=error.status, reason=error.reason, details=error.details)
