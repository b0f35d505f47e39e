"""The statuses of the parents of one controller, and which changes of a parent are nothing but that.

Invariant: a status that cannot be written stops nothing: it is told in the log, and tried again where that may help.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from genreconcile.controllers.judging import Judgement
from genreconcile.controllers.status import Run, StatusWriter
from genreconcile.errors import ClusterError, Forbidden, Invalid, NotFound, TooLarge, code_of
from genreconcile.log import logger
from genreconcile.objects import Object, ObjectKey, metadata_of, uid_of

_log = logger("genreconcile.controllers")
_LASTING: Final = (Forbidden, Invalid, NotFound, TooLarge)
"""Errors that no repetition ends: somebody has to change something, which runs the parent, or the resync does."""


class Told(NamedTuple):
    """What became of a status: the seconds until it may be tried again, and whether it failed by what may pass."""

    retry_after: float | None = None
    has_failed: bool = False


class StatusKeys(NamedTuple):
    """The keys that a run gives a status. ``keeps``: keys of earlier runs that are not among them stay."""

    keys: Mapping[str, Any]
    keeps: bool = False


class Statuses:
    """Thread-safe for different parents. ``name`` is that of the controller."""

    def __init__(self, name: str, writer: StatusWriter) -> None:
        self._name = name
        self._writer = writer
        self._uids: dict[ObjectKey, str] = {}
        self._has_looked = False

    def begin(self, parent: Object) -> None:
        """Note the parent that a run sees."""
        self.look()
        self._uids[ObjectKey.of(parent)] = uid_of(parent)
        self._writer.news.saw(parent)

    def write(
        self,
        parent: Object,
        judgement: Judgement,
        keys: StatusKeys | None,
        *,
        live: Object | None = None,
        equal_reads: bool = False,
    ) -> Told:
        """Write the status of a run for the parent that it saw, and has left as ``live``."""
        generation = metadata_of(parent).get("generation")
        run = Run(verdict=judgement.verdict, generation=generation)
        if keys is not None:
            run = replace(run, keys=keys.keys, keeps=keys.keeps)
        written = self._writer.write(parent, run, live=live, equal_reads=equal_reads)
        key = ObjectKey.of(parent)
        for warning in written.warnings:
            _log.warning("%s: %s: %s", self._name, key, warning, extra={"code": warning.code})
        if written.error is not None and written.status != "gone":
            _log.warning(
                "%s: %s: its status was not written: %s",
                self._name,
                key,
                written.error,
                extra={"code": code_of(written.error)},
            )
        is_passing = isinstance(written.error, ClusterError) and not isinstance(written.error, _LASTING)
        return Told(written.retry_after, written.status == "failed" and is_passing)

    def has_news(self, parent: Object) -> bool:
        """Whether a changed parent is more than the status that the last run gave it."""
        return self._writer.news.has_news(parent)

    def forget(self, key: ObjectKey) -> None:
        """Drop what is known of a parent that is gone."""
        uid = self._uids.pop(key, None)
        if uid is not None:
            self._writer.forget(uid)

    def look(self) -> None:
        """Tell what of a status the kind of the parents has no room for, once."""
        if self._has_looked:
            return
        try:
            room = self._writer.room()
        except ClusterError as error:
            _log.warning("%s: the room for a status is not known: %s", self._name, error)
            return
        self._has_looked = True
        if room.warning:  # Where only a part has no room, the rest is written.
            level = logging.DEBUG if room.members else logging.WARNING
            _log.log(level, "%s: %s", self._name, room.warning, extra={"code": room.warning.code})
