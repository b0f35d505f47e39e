"""Writes the statuses of the parents of one kind.

Invariants: only the object that the function saw is written, and nothing where nothing differs; what another writer
does meanwhile is read and respected, a bounded number of times; a refusal is an outcome, nothing is raised.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from cachetools import LRUCache

from genreconcile.apply.leading import LeadingCluster
from genreconcile.cache import Cache, Interest, Question
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.cluster.refusal import ADMISSION, REFUSED_BY
from genreconcile.controllers.status.draft import Draft, Run, draft
from genreconcile.controllers.status.news import News
from genreconcile.controllers.status.operations import STATUS
from genreconcile.controllers.status.restless import Restless, Turn
from genreconcile.controllers.status.room import NO_ROOM, Room
from genreconcile.errors import ClusterError, Conflict, InputError, Invalid, NotFound, Throttled
from genreconcile.gojson import dumps, loads
from genreconcile.kinds.discovery import Resource
from genreconcile.managers import has_managers
from genreconcile.notice import Notice
from genreconcile.objects import Object, ObjectKey, name_of, namespace_of, uid_of
from genreconcile.plan.change import JSON_PATCH
from genreconcile.settings import Options
from genreconcile.sizes import TOO_LARGE

INTEREST: Final = Interest([Question("status")])
"""What a cache has to know of the owners of fields in the parents, so that no parent is read once more."""

_ATTEMPTS: Final = 8
_MOST_WARNINGS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """``status``: written, unchanged, held (for ``retry_after`` seconds, by Restless), gone (the parent) or failed.

    ``draft`` is the last one, None where the server could not be asked. ``error`` is why it failed, or the refusal of
    the function's values, after which only conditions were written. ``warnings`` were not told before.
    """

    status: Literal["written", "unchanged", "held", "gone", "failed"]
    draft: Draft | None = None
    error: ClusterError | InputError | None = None
    retry_after: float | None = None
    warnings: tuple[Notice, ...] = ()
    answer: Object | None = field(default=None, repr=False)


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
        self._told: LRUCache[str, bool] = LRUCache(_MOST_WARNINGS)

    def room(self) -> Room:
        """The room for a status now; its ``warning`` is to be told at the start. Raises ClusterError."""
        resource = self._catalog.discovery.get(self._resource.gvk) or self._resource
        return Room.of(resource, self._catalog.kind_type(resource))

    def write(self, parent: Object, run: Run, *, live: Object | None = None, equal_reads: bool = False) -> Written:
        """Write the status of a run for ``parent``, the object that the function saw.

        ``live`` is a later state of it, where one is known. ``equal_reads``: all that this run read was as in the
        last one, its parent but for the status included.
        """
        try:
            return self._written(parent, run, live or parent, equal_reads=equal_reads)
        except ClusterError as error:
            is_gone = isinstance(error, NotFound) and error.names(name_of(parent))
            pause = error.retry_after if isinstance(error, Throttled) else None
            return Written(status="gone" if is_gone else "failed", error=error, retry_after=pause)

    def forget(self, uid: str) -> None:
        """Drop what is known of a parent that is gone."""
        self.news.forget(uid)
        self.restless.forget(uid)

    def _written(self, parent: Object, run: Run, live: Object, *, equal_reads: bool) -> Written:
        room = self.room()
        is_fresh = room.status is not None and bool(live.get(STATUS)) and not has_managers(live)
        if is_fresh:  # The cache keeps no managedFields.
            live = self._read(parent)
        found = self._draft(live, run, room)
        turn = self.restless.turn(uid_of(parent), _paths(found), equal_reads=equal_reads)
        known = Written(
            status="unchanged", draft=found, error=found.refused, warnings=self._warnings(parent, found, turn)
        )
        if turn.wait:
            return replace(known, status="held", retry_after=turn.wait)
        for _ in range(_ATTEMPTS):
            if uid_of(live) != uid_of(parent):
                return replace(known, status="gone")
            if not found.operations:
                return known
            answer, error = self._tried(live, found, room)
            if error is None:
                return replace(known, status="written", answer=answer)
            if is_fresh and _is_refused(error):
                if run.keys is None:
                    raise error
                known, run = replace(known, error=error), run.without_keys(error)
            else:
                live, is_fresh = self._read(parent), True
            found = self._draft(live, run, room)
            known = replace(known, draft=found)
        raise Conflict(
            f"{ObjectKey.of(parent)}: its status is not written: others changed it during each of {_ATTEMPTS} tries; "
            "the next run tries again",
            status=409,
            reason="Conflict",
        )

    def _draft(self, live: Object, run: Run, room: Room) -> Draft:
        return draft(live, run, room, self._field_manager, self._now())

    def _tried(self, live: Object, found: Draft, room: Room) -> tuple[Object | None, ClusterError | None]:
        """The answer to a patch, or the error of one that is refused. Raises ClusterError for any other one."""
        self.news.writes(live, found.operations, room.completed)
        path, body = f"{self._path(live)}/{STATUS}", dumps(found.operations)
        try:
            data = self._cluster.request("PATCH", path, query=self._query, body=body, content_type=JSON_PATCH)
        except ClusterError as error:
            if isinstance(error, Conflict) or _is_failed_test(error) or _is_refused(error):
                return None, error
            raise
        return self._recorded(data), None

    def _read(self, parent: Object) -> Object:
        return self._recorded(self._cluster.request("GET", self._path(parent)))

    def _recorded(self, data: bytes) -> Object:
        self._cache.record_write(self._resource, data)
        found: Object = loads(data)
        return found

    def _path(self, parent: Object) -> str:
        return self._resource.path(namespace_of(parent), name_of(parent))

    def _warnings(self, parent: Object, found: Draft, turn: Turn) -> tuple[Notice, ...]:
        """The texts about the kind that were not told before, and the one about this parent."""
        texts = [
            Notice(f"{path}: left out: the schema has no such field; declare it there", NO_ROOM)
            for path in found.left_out
        ]
        texts += [Notice(f"{path}: stays as it is: another field manager wrote it", "GR913") for path in found.foreign]
        new = [text for text in texts if text not in self._told]
        self._told.update(dict.fromkeys(new, True))
        about_kind = [Notice(f"{self._resource}: {text}", text.code) for text in new]
        if turn.report:
            about_kind.append(Notice(f"{ObjectKey.of(parent)}: {turn.report}", "GR914"))
        return tuple(about_kind)


def _paths(found: Draft) -> list[str]:
    """The places that a draft changes."""
    return [operation["path"] for operation in found.operations if operation["op"] in {"add", "remove"}]


def _is_failed_test(error: ClusterError) -> bool:
    return error.status == 422 and not error.details.get("causes") and REFUSED_BY not in error.details


def _is_refused(error: ClusterError) -> bool:
    """Whether the values of a patch are refused, so that others may be taken."""
    by_server = isinstance(error, Invalid) and not _is_failed_test(error)
    return by_server or TOO_LARGE in error.details or error.details.get(REFUSED_BY) == ADMISSION
