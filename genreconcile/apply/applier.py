"""Changes, carried out wave by wave with a bound on requests in flight.

Invariant: a fault of one object is its outcome, and never stops the others.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import msgspec
from msgspec.structs import replace as changed

from genreconcile.apply.leading import LeadingCluster
from genreconcile.apply.parents import Parents
from genreconcile.apply.result import Author, Outcome
from genreconcile.apply.room import Room
from genreconcile.apply.stages import Stages, withheld_for
from genreconcile.apply.turns import turn
from genreconcile.apply.writer import Writer
from genreconcile.engine import Engine
from genreconcile.errors import FAULT, ClusterError, InputError, NotFound, ReconcileError, trace
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.order import waves
from genreconcile.log import logger
from genreconcile.objects import ObjectKey
from genreconcile.ownership import Membership, Parent
from genreconcile.plan import Change
from genreconcile.plan.drift import unusable

_log = logger("genreconcile.apply")
_Work = Callable[[Change, Resource], Outcome]


class Applier:
    """Carries changes out, wave by wave."""

    def __init__(self, engine: Engine) -> None:
        engine = replace(engine, cluster=LeadingCluster(engine.cluster, engine.options))
        self._catalog = engine.catalog
        self._options = engine.options
        self._server = engine.cluster.server
        self._writer = Writer(engine)
        self._stages = Stages(engine.catalog)
        self.parents = Parents(engine)
        self.is_rehearsal = engine.options.dry_run

    def write(self, changes: Iterable[Change], parent: Parent | None = None) -> Iterator[list[Outcome]]:
        """Send creates and patches, in order; yields the outcomes of each wave when the wave is done.

        Before each of them the cache must still have the ``parent`` of the owner set that was meant.
        """
        write = self._guarded(self._of(parent, functools.partial(self._write, members=_members(parent))))
        with ThreadPoolExecutor(self._options.concurrency, thread_name_prefix="genreconcile-write") as pool:
            for wave in waves(((change.key.group, change.key.kind), change) for change in changes):
                # One change needs no other thread: the pool starts its threads with the first task.
                yield list(pool.map(write, wave)) if len(wave) > 1 else [write(change) for change in wave]

    def delete(
        self,
        changes: Iterable[Change],
        parent: Parent | None = None,
        *,
        wait: bool = False,
        leaving: Iterable[Change] = (),
    ) -> list[Outcome]:
        """Send deletions stage by stage; with ``wait``, the objects of one stage are gone before the next begins.

        The objects of ``leaving`` are being deleted already. With ``wait``, while an object is there whose finalizers
        others have to remove, those others are not deleted.
        """
        outcomes: list[Outcome] = []
        there = self._still_there(leaving) if wait else []
        with ThreadPoolExecutor(self._options.concurrency, thread_name_prefix="genreconcile-delete") as pool:
            for stage in self._stages.of(changes):
                if there and not stage.is_seen_to:
                    outcomes += withheld_for(stage.changes, there)
                    continue
                delete = self._guarded(self._of(parent, self._writer.delete))
                done = list(pool.map(delete, stage.changes))
                done = self._gone(done) if wait else done
                outcomes += done
                there += [outcome.key for outcome in done if wait and stage.is_seen_to and outcome.status == "failed"]
        return outcomes

    def _still_there(self, leaving: Iterable[Change]) -> list[ObjectKey]:
        """The keys of ``leaving`` whose objects later stages wait for, and that are not gone in time."""
        seen_to = [changed(change, operation="delete") for change in leaving if self._stages.is_waited_for(change)]
        gone = self._gone([Outcome(change, "deleted") for change in seen_to])
        return [outcome.key for outcome in gone if outcome.status == "failed"]

    def _gone(self, outcomes: list[Outcome]) -> list[Outcome]:
        """The outcomes, but ``failed`` where a deleted object is not gone in time."""
        deadline = self._writer.deadline()

        def wait(change: Change, resource: Resource) -> Outcome:
            self._writer.wait_until_gone(change, resource, deadline)
            return Outcome(change, "deleted")

        return [self._attempt(wait, outcome.change) if outcome.status == "deleted" else outcome for outcome in outcomes]

    def room(self, deletions: Iterable[Change], *, is_made: bool = False) -> Room:
        """The room that these deletions will make, or, with ``is_made``, have made."""
        return Room(self._catalog, deletions, is_made=is_made)

    def authors(self, change: Change) -> tuple[Author, ...]:
        """See ``Writer.authors``."""
        return self._writer.authors(change)

    def refresh(self, change: Change) -> None:
        """Bring one object in the cache up to date, after a write was refused. Raises ClusterError."""
        self._writer.refresh(change, self._catalog.resource(change.gvk))

    def _guarded(self, work: _Work) -> Callable[[Change], Outcome]:
        """``work`` on one change, at its turn: a fault becomes the object's outcome, and each outcome is logged."""

        def guarded(change: Change) -> Outcome:
            with turn((self._server, change.key)):
                outcome = self._attempt(work, change)
            _log.info("%s", outcome)
            return outcome

        return guarded

    def _of(self, parent: Parent | None, work: _Work) -> _Work:
        """``work``, for an owner set with this parent."""
        if parent is None:
            return work

        def of_parent(change: Change, resource: Resource) -> Outcome:
            self.parents.require_there(parent, for_new=change.operation == "create")
            return work(change, resource)

        return of_parent

    def _attempt(self, work: _Work, change: Change) -> Outcome:
        try:
            return work(change, self._catalog.resource(change.gvk))
        except ClusterError as error:
            return Outcome(change, "failed", error=_told(error, change))
        except InputError as error:
            return Outcome(change, "failed", error=unusable(change.key, error))
        except ReconcileError as error:
            return Outcome(change, "failed", error=error)
        except msgspec.MsgspecError:  # Nothing of the answer is shown: it may hold a secret.
            text = f"{change.key}: {change.operation} sent, and its answer is not readable; it is compared again"
            return Outcome(change, "failed", error=ClusterError(text, code="GR611"))
        except Exception as error:  # noqa: BLE001 - one poison object must not stop the others
            _log.error("%s: not %sd\n%s", change.key, change.operation, trace(error), extra={"code": FAULT})
            return Outcome(
                change, "failed", error=ReconcileError(f"{change.key}: failed: {type(error).__name__}", code=FAULT)
            )

    def _write(self, change: Change, resource: Resource, members: Membership | None) -> Outcome:
        try:
            if change.operation == "create":
                return self._writer.create(change, resource)
            return self._writer.update(change, resource, members)
        except ClusterError as error:
            raise self._writer.explained(error, change, resource) from error


def _members(parent: Parent | None) -> Membership | None:
    """Those of the owner set with this parent."""
    return None if parent is None else Membership(parent.id, parent.key, parent.tool, parent.uid)


_VERBS = {"create": "created", "update": "patched", "delete": "deleted"}


def _told(error: ClusterError, change: Change) -> ClusterError:
    """The error with the object and the operation in front, and without secrets."""
    hint = ""
    if isinstance(error, NotFound) and error.details.get("kind") == "namespaces":
        hint = f"; create the namespace {change.key.namespace} first, or add it to the expected set"
    told = copy.copy(error)  # The copy keeps the other attributes, such as ``retry_after``.
    hide = change.hiding()
    text = str(error) if error.is_free_of_values else hide(str(error))
    told.args = (f"{change.key}: not {_VERBS[change.operation]}: {text}{hint}",)
    told.details = _masked(hide, error.details)
    return told


def _masked(hide: Callable[[str], str], value: Any) -> Any:
    """A part of an error's details, whose texts have gone through ``hide``."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, dict):
        return {key: _masked(hide, item) for key, item in value.items()}
    return [_masked(hide, item) for item in value] if isinstance(value, list) else value
