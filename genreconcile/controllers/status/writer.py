"""Writes the statuses of the parents of one kind.

Invariants: only the object that the function saw is written, and nothing where nothing differs; what another writer
does meanwhile is read and respected, a bounded number of times; a refusal is an outcome, nothing is raised.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from genreconcile.apply.leading import LeadingCluster
from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.cluster.refusal import REFUSED_BY
from genreconcile.controllers.status.draft import Draft, Run, draft
from genreconcile.controllers.status.news import News
from genreconcile.controllers.status.operations import STATUS
from genreconcile.controllers.status.restless import Restless
from genreconcile.controllers.status.room import Room
from genreconcile.controllers.status.verdict import Verdict
from genreconcile.errors import ClusterError, Conflict, InputError, Invalid, NotFound, Throttled
from genreconcile.gojson import dumps, loads
from genreconcile.kinds.discovery import Resource
from genreconcile.managers import has_managers
from genreconcile.objects import Object, name_of, namespace_of, uid_of
from genreconcile.plan.change import JSON_PATCH
from genreconcile.settings import Options

_ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """``status``: written, unchanged, held (for ``retry_after`` seconds, by Restless), gone (the parent) or failed.

    ``draft`` is the last one, None where the server could not be asked. ``error`` is why it failed, or the refusal of
    the function's values, after which only conditions were written. ``report`` is a text of Restless, "" for none.
    """

    status: Literal["written", "unchanged", "held", "gone", "failed"]
    draft: Draft | None = None
    error: ClusterError | InputError | None = None
    retry_after: float | None = None
    report: str = ""
    answer: Object | None = None


class StatusWriter:
    """Writes one status at a time for each parent; thread-safe for different parents.

    ``catalog`` and ``cache`` are those of the kind; ``news`` and ``restless`` are shared with who wakes the function.
    ``may_write`` is asked before each patch.
    """

    def __init__(  # noqa: PLR0913 - keyword-only parts
        self,
        cluster: Cluster,
        resource: Resource,
        field_manager: str,
        may_write: Callable[[], bool] | None = None,
        *,
        catalog: Catalog,
        cache: Cache,
        news: News | None = None,
        restless: Restless | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        options = Options(field_manager=field_manager, may_write=may_write)
        self._cluster = LeadingCluster(cluster, options)
        self._query = options.query()
        self._resource = resource
        self._field_manager = field_manager
        self._catalog = catalog
        self._cache = cache
        self.news = news or News()
        self.restless = restless or Restless()
        self._now = now

    def room(self, parent: Object) -> Room:
        """The room for a status; its ``warning`` is to be told at the start. Raises ClusterError."""
        return Room.of(self._resource, self._catalog.node(self._resource, parent)[0])

    def write(self, parent: Object, run: Run, *, live: Object | None = None, equal_reads: bool = False) -> Written:
        """Write the status of a run for ``parent``, the object that the function saw.

        ``live`` is a later state of it, where one is known. ``equal_reads``: all that this run read was as in the
        last one.
        """
        try:
            return self._written(parent, run, live or parent, equal_reads=equal_reads)
        except ClusterError as error:
            is_gone = isinstance(error, NotFound) and error.names(name_of(parent))
            return Written(status="gone" if is_gone else "failed", error=error, retry_after=_pause(error))

    def forget(self, uid: str) -> None:
        """Drop what is known of a parent that is gone."""
        self.news.forget(uid)
        self.restless.forget(uid)

    def _written(self, parent: Object, run: Run, live: Object, *, equal_reads: bool) -> Written:
        room = self.room(parent)
        is_fresh = room.status is not None and bool(live.get(STATUS)) and not has_managers(live)
        live = self._read(parent) if is_fresh else live  # Of a cache that keeps no managedFields.
        found = self._draft(live, run, room)
        turn = self.restless.turn(uid_of(parent), _paths(found), equal_reads=equal_reads)
        if turn.wait:
            return Written(status="held", draft=found, retry_after=turn.wait, report=turn.report)
        refused: ClusterError | InputError | None = None
        for _ in range(_ATTEMPTS):
            if uid_of(live) != uid_of(parent):
                return Written(status="gone", draft=found)
            refused = refused or found.refused
            if not found.operations:
                return Written(status="unchanged", draft=found, error=refused, report=turn.report)
            self.news.writes(parent, found.operations)
            try:
                answer = self._send(parent, found)
            except (Conflict, Invalid) as error:
                if not is_fresh or isinstance(error, Conflict) or _is_failed_test(error):
                    live, is_fresh = self._read(parent), True
                elif run.keys is None:
                    raise
                else:
                    refused, run = error, replace(run, verdict=Verdict.failed(str(error)), keys=None)
                found = self._draft(live, run, room)
            else:
                return Written(status="written", draft=found, error=refused, report=turn.report, answer=answer)
        raise Conflict(
            f"{self._resource} {name_of(parent)}: its status is not written: others changed it during each of "
            f"{_ATTEMPTS} tries; the next run tries again",
            status=409,
            reason="Conflict",
        )

    def _draft(self, live: Object, run: Run, room: Room) -> Draft:
        return draft(live, run, room, self._field_manager, self._now())

    def _send(self, parent: Object, found: Draft) -> Object:
        path, body = f"{self._path(parent)}/{STATUS}", dumps(found.operations)
        return self._recorded(
            self._cluster.request("PATCH", path, query=self._query, body=body, content_type=JSON_PATCH)
        )

    def _read(self, parent: Object) -> Object:
        return self._recorded(self._cluster.request("GET", self._path(parent)))

    def _recorded(self, data: bytes) -> Object:
        self._cache.record_write(self._resource, data)
        found: Object = loads(data)
        return found

    def _path(self, parent: Object) -> str:
        return self._resource.path(namespace_of(parent), name_of(parent))


def _paths(found: Draft) -> list[str]:
    """The places that a draft changes."""
    return [operation["path"] for operation in found.operations if operation["op"] in {"add", "remove"}]


def _is_failed_test(error: ClusterError) -> bool:
    return error.status == 422 and not error.details.get("causes") and REFUSED_BY not in error.details


def _pause(error: ClusterError) -> float | None:
    return error.retry_after if isinstance(error, Throttled) else None
