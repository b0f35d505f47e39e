"""One run of a controller for one parent, from the call of the function to the parent's status.

Invariant: nothing is written before the function has ended and its whole set was planned; nothing is deleted unless it
ended normally, and what it did not find was looked for once more on the server.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from genreconcile.apply.result import Result
from genreconcile.controllers.children import Children
from genreconcile.controllers.context import Context, Finding
from genreconcile.controllers.controller import Controller
from genreconcile.controllers.dependencies import Dependencies
from genreconcile.controllers.echoes import Echoes
from genreconcile.controllers.judging import Judgement, judged
from genreconcile.controllers.memory import STALLS_AT, TELLS_AT, Memory
from genreconcile.controllers.outcome import Stated
from genreconcile.controllers.ownwrites import OwnWrites
from genreconcile.controllers.parent import Finalizers, is_going, is_paused
from genreconcile.controllers.reads import Read
from genreconcile.controllers.references import Prepared
from genreconcile.controllers.retry import Retry
from genreconcile.controllers.running import Cut, Runner
from genreconcile.controllers.runreads import RunReads
from genreconcile.controllers.statuses import Statuses, StatusKeys
from genreconcile.controllers.warned import Warned
from genreconcile.copying import copied
from genreconcile.errors import OF_USERS_CODE, InputError, NotReadable, PlanRefused, ReconcileError, code_of
from genreconcile.kinds.discovery import Resource
from genreconcile.log import logger
from genreconcile.objects import Object, ObjectKey
from genreconcile.observe import Observer, span
from genreconcile.plan import Plan

_log = logger("genreconcile.controllers")
_RAISED: Final = "GR910"
_DIFFERS: Final = "GR911"
"""The code of a function that is not deterministic."""
_SOON: Final = 5.0
"""Seconds until a run whose reads nobody could answer is tried again, where no event comes before."""


class Next(NamedTuple):
    """When a parent runs again, where nothing happens before: in ``after`` seconds; as a failure, after its back-off;
    or at the resync. ``hold``: not before, whatever happens.
    """

    after: float | None = None
    has_failed: bool = False
    hold: bool = False

    @property
    def result(self) -> str:
        """What figures call the run after which this comes."""
        if self.has_failed:
            return "error"
        return "success" if self.after is None else "requeue_after"


DONE: Final = Next()
FAILED: Final = Next(has_failed=True)


@dataclass(frozen=True, slots=True)
class Parts:
    """What all runs of one controller share."""

    controller: Controller
    resource: Resource
    runner: Runner
    children: Children
    finalizers: Finalizers
    statuses: Statuses
    own: OwnWrites
    dependencies: Dependencies[ObjectKey]
    observer: Observer
    warned: Warned
    echoes: Echoes = field(default_factory=Echoes)


class Run:
    """``parent`` and ``reads`` are this run's own; ``memory`` is what is known of the parent's earlier runs.
    ``is_plan``: the function is told that nothing is written, and ``on_delete``, which undoes things elsewhere, is not
    called.

    ``planned`` is what it came to with the children, None before that, and ``error`` why it wrote none, if it did not.
    """

    def __init__(  # noqa: PLR0913 - what a run is made of
        self,
        parts: Parts,
        key: ObjectKey,
        parent: Object,
        memory: Memory,
        reads: RunReads,
        *,
        is_plan: bool = False,
    ) -> None:
        self._parts = parts
        self._settings = parts.controller.settings
        self._key = key
        self._parent = parent
        self._memory = memory
        self._reads = reads
        self._is_plan = is_plan
        self._is_same_parent = False
        self._is_untold = False
        self.planned: Plan | None = None
        self.error: Exception | None = None

    def execute(self) -> Next:
        """Do it. Raises what no one foresaw."""
        following = self._executed()
        # Nothing else would run it again for the status, which waits for a run that comes soon anyway.
        return FAILED if self._is_untold and following == DONE else following

    def _executed(self) -> Next:
        self._parts.children.learn(self._parent)
        self._is_same_parent = not self._parts.statuses.has_news(self._parent)
        self._parts.statuses.begin(self._parent)
        if is_going(self._parent):
            return self._goodbye()
        if is_paused(self._parent):
            self._tell(Judgement.paused())
            return DONE
        context = self._context()
        try:
            with contextlib.closing(context):  # Before anybody is told: a function that was too slow still runs.
                if self._parts.controller.goodbye is not None:  # Before the function does what on_delete is to undo.
                    self._parent = self._parts.finalizers.add(self._parts.resource, self._parent)
                stated = self._called(context)
        except Exception as error:  # noqa: BLE001 - whatever the user's function raises
            return self._failed(error)
        return self._stated(stated, context)

    def plan(self) -> Plan | None:
        """What the run would do to the children; nothing is written, on no cluster. None for a parent that would not be
        run: it is being deleted, or is paused. Raises what the function raises, and ReconcileError.
        """
        children = self._parts.children
        children.learn(self._parent)
        if is_going(self._parent) or is_paused(self._parent):
            return None
        context = self._context()
        try:
            stated = self._called(context)
            prepared = children.prepare(self._parent, stated.children)
            return children.plan(self._parent, prepared.children, is_whole=stated.is_whole)
        finally:
            context.close()

    def _called(self, context: Context) -> Stated:
        """What the function states. Raises what it raises."""
        function = self._parts.controller.function
        with span("function", self._settings.name, self._key):
            return self._parts.runner.run(self._key, functools.partial(function, self._given(), context))

    def _given(self) -> Object:
        """The parent as the function gets it: a copy, without what a cache does not keep."""
        given: Object = copied(self._parent)
        given["metadata"].pop("managedFields", None)
        return given

    def _context(self) -> Context:
        def depend(read: Read) -> None:
            self._parts.dependencies.add(self._key, [read])

        children = self._parts.children

        def judge(expected: Object | None, live: Object) -> bool:
            is_ready = children.check.is_ready(live)
            return is_ready and (expected is None or children.is_written(self._key, expected, live))

        return Context(self._parent, self._reads, depend=depend, judge=judge, is_plan=self._is_plan)

    def _failed(self, error: Exception) -> Next:
        """Of a run that stated nothing: nothing is written but the parent's conditions, and nothing is deleted."""
        self.error = error
        self._memory.has_equal_reads = False  # Nobody knows what it would have read.
        if isinstance(error, Cut):  # The program ends, and writes nothing any more.
            _log.info("%s: %s: %s", self._settings.name, self._key, error)
            return DONE
        if isinstance(error, NotReadable):
            self._tell(Judgement.of_error(error))
            return Next(after=_SOON)
        if isinstance(error, ReconcileError):
            _log.warning("%s: %s: %s", self._settings.name, self._key, error, extra={"code": code_of(error, _RAISED)})
        else:  # The function is the user's, and so is what it says into the log; the status has its type alone.
            _log.error(
                "%s: %s: the function failed",
                self._settings.name,
                self._key,
                exc_info=error,
                extra={"code": _RAISED, OF_USERS_CODE: True},
            )
        self._tell(Judgement.of_error(error))
        return FAILED

    def _stated(self, stated: Stated, context: Context) -> Next:
        refused: PlanRefused | None = None
        try:
            with span("plan", self._settings.name, self._key):
                prepared = self._parts.children.prepare(self._parent, stated.children)
                plan = self._planned(prepared, context.found, is_whole=stated.is_whole)
            with span("apply", self._settings.name, self._key):
                result = self._parts.children.apply(self._parent, prepared.children, plan, is_whole=stated.is_whole)
        except PlanRefused as error:
            if error.result is None:
                return self._failed(error)
            result, refused = error.result, error
        except ReconcileError as error:
            return self._failed(error)
        self._parts.warned.tell(result.warnings, self._key)
        children = self._parts.children
        drifted = children.note_written(self._key, stated.children, result)
        self._parts.observer.applied(self._key, self._parent, result, drifted)
        is_same = self._is_same_parent
        self._memory.note(context.found, stated, left=children.versions(self._key), is_same_parent=is_same)
        if self._memory.has_equal_set:  # Of another set, a second run shows whether the function states it again.
            self._parts.echoes.settle(self._key, result)
        if stated.is_whole:
            self._parts.dependencies.replace(self._key, context.asked)
        not_ready = children.not_ready(self._key)
        judgement = judged(result, refused, stated.retry, self._memory, not_ready, unknown=plan.not_looked_at)
        if judgement.trouble is not None:
            failed = (outcome.error for outcome in result if outcome.error is not None)
            code = code_of(next(failed, refused), _DIFFERS)
            _log.warning("%s: %s: %s", self._settings.name, self._key, judgement.trouble.message, extra={"code": code})
        again = self._tell(judgement, context.status, keeps=not stated.is_whole)
        is_unsure = context.has_gaps or plan.not_looked_at
        waits = (*(found.changes_in for found in not_ready.values()), again, _SOON if is_unsure else None)
        return self._next(result, judgement, stated.retry, [wait for wait in waits if wait is not None])

    def _planned(self, prepared: Prepared, found: Sequence[Finding], *, is_whole: bool) -> Plan:
        """The plan, once all that it rests on is sure, and with the finalizer on the parent where it needs one."""
        plan = self.planned = self._parts.children.plan(self._parent, prepared.children, is_whole=is_whole)
        wrong = [change.error for change in plan.changes if isinstance(change.error, InputError)]
        if wrong:
            raise InputError.of(wrong)
        goes = any(change.operation == "delete" for change in plan.changes)
        if goes:
            self._confirm(found)
        finalizers = self._parts.finalizers
        if prepared.has_unreferenced:
            self._parent = finalizers.add(self._parts.resource, self._parent)
        elif self._parts.controller.goodbye is None and is_whole and not goes and not plan.spared:
            finalizers.remove(self._parts.resource, self._parent)
        return plan

    def _confirm(self, seen: Sequence[Finding]) -> None:
        """Ask the server for what was not found, before something is deleted for that. Raises NotReadable."""
        self._reads.confirm(self._memory.shrunk(seen))

    def _next(self, result: Result, judgement: Judgement, retry: Retry | None, waits: Sequence[float]) -> Next:
        if self._memory.differing >= STALLS_AT:
            return Next(has_failed=True, hold=True)
        times = [outcome.retry_after for outcome in result if outcome.retry_after is not None]
        times += waits
        if retry is not None:
            times.append(retry.after)
        if judgement.has_failed:
            return FAILED
        if self._memory.differing == TELLS_AT:
            _log.warning(
                "%s: %s: the function states something else at each run although nothing has changed, at %s; leave out "
                "times and random values",
                self._settings.name,
                self._key,
                self._memory.path,
                extra={"code": _DIFFERS},
            )
        return Next(after=min(times)) if times else DONE

    def _goodbye(self) -> Next:
        """Let a parent go: ``on_delete``, then the children that the garbage collector leaves, then the finalizer."""
        if not self._parts.finalizers.has(self._parent) or is_paused(self._parent):
            return DONE
        goodbye = self._parts.controller.goodbye
        if self._is_plan and goodbye is not None:
            return DONE
        context = self._context()
        try:
            with contextlib.closing(context):
                if goodbye is not None:
                    self._parts.runner.call(self._key, functools.partial(goodbye, self._given(), context))
                    self._reads.confirm(seen for seen in context.found if not (seen.found and seen.read.name))
                self._let_go()
                self._parts.finalizers.remove(self._parts.resource, self._parts.own.left or self._parent)
        except Retry as retry:
            self._tell(Judgement.of_retry(retry), context.status, keeps=True)
            return Next(after=retry.after)
        except Exception as error:  # noqa: BLE001 - as in ``execute``
            return self._failed(error)
        return DONE

    def _let_go(self) -> None:
        """Delete the children that the garbage collector leaves, and tell of those that a guard protects."""
        result = self._parts.children.let_go(self._parent)
        kept = [outcome for outcome in result if outcome.status == "skipped"]
        for outcome in kept:
            _log.info("%s: %s: stays: %s", self._settings.name, self._key, outcome)
        self._parts.observer.applied(self._key, self._parent, result, ())
        self._parts.observer.kept(self._parent, kept)
        result.raise_for_failures()

    def _tell(self, judgement: Judgement, status: dict[str, Any] | None = None, *, keeps: bool = False) -> float | None:
        """Write the parent's status, whose keys stay where ``status`` is None; with ``keeps`` those that ``status``
        does not name stay, too. Returns when it may be tried again.
        """
        keys = None if status is None else StatusKeys(status, keeps=keeps)
        trouble = judgement.trouble
        if trouble is not None:
            self._parts.observer.judged(self._parent, trouble.reason, trouble.message)
        live, equal_reads = self._parts.own.left, self._memory.has_equal_reads
        told = self._parts.statuses.write(self._parent, judgement, keys, live=live, equal_reads=equal_reads)
        self._is_untold = told.has_failed
        return told.retry_after
