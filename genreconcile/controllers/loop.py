"""One controller at work: what changes becomes keys of its queue, and keys become runs.

Invariant: a change that a run has not seen is followed by another run; one key runs once at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from genreconcile.cache import Cache, CacheEvent, Loss, Record
from genreconcile.cache.store import ADDED, DELETED
from genreconcile.controllers.dependencies import is_crowd
from genreconcile.controllers.entry import Priority
from genreconcile.controllers.judging import Judgement
from genreconcile.controllers.memory import Memory
from genreconcile.controllers.queue import Queue
from genreconcile.controllers.reading import Reader
from genreconcile.controllers.run import DONE, FAILED, Next, Parts, Run
from genreconcile.controllers.runreads import RunReads
from genreconcile.controllers.upgrade import Survey
from genreconcile.controllers.worker import Worker
from genreconcile.errors import FAULT, CacheError, PlanRefused
from genreconcile.log import logger
from genreconcile.objects import Object, ObjectKey, resource_version_of
from genreconcile.observe import span
from genreconcile.plan import Plan

_log = logger("genreconcile.controllers")
_SOON: Final = 5.0
"""Seconds until a parent that cannot be read is looked at again."""


class Loop(Worker[ObjectKey]):
    """The runs of one controller; thread-safe. ``waits``: reads wait until they are as new as an edit of the parent.
    ``is_ours``: whether a parent is run here; each run waits for one of ``turns``.
    """

    def __init__(  # noqa: PLR0913 - what ``assembly`` puts together
        self,
        parts: Parts,
        cache: Cache,
        queue: Queue[ObjectKey],
        reader: Reader,
        *,
        waits: bool = True,
        is_ours: Callable[[ObjectKey], bool] = lambda _: True,
        turns: AbstractContextManager[Any],
    ) -> None:
        super().__init__(queue)
        self.parts = parts
        self._settings = parts.controller.settings
        self._cache = cache
        self._reader = reader
        self._waits = waits
        self._is_ours = is_ours
        self._turns = turns
        self._edits: dict[ObjectKey, int] = {}
        """The resourceVersions of the parents that somebody has edited since they last ran."""
        self._memories: dict[ObjectKey, Memory] = {}
        self._lock = threading.Lock()
        self._is_first = True

    def __repr__(self) -> str:
        return f"<Loop of {self._settings.name}: {len(self.queue)} keys>"

    @property
    def name(self) -> str:
        """The name of the controller."""
        return self._settings.name

    @property
    def lives(self) -> Sequence[Callable[[], None]]:
        """What its threads do."""
        return [self.work] * self._settings.workers

    def release(self) -> None:
        """End what the Reconciler holds; nothing runs any more."""
        self.parts.children.close()

    def start(self) -> None:
        """Begin to take events: first those of all parents that are there. Raises as ``Cache.subscribe``."""
        self.parts.statuses.look()
        self._ends = [
            self._cache.subscribe_losses(self._on_loss),
            self._cache.subscribe(self._on_event, replay=True),
        ]
        self._is_first = False

    def warm(self, kinds: Iterable[str]) -> None:
        """See ``Worker``."""
        self.parts.children.warm(kinds)

    def survey(self, timeout: float) -> Survey:
        """What this build would change of the children that another one has written last. Nothing is written.

        Waits ``timeout`` seconds for the parents. Raises NotSynced.
        """
        self._cache.wait_for_sync([self.parts.resource], timeout)
        return Survey.of(self._settings.name, self._planned_of_other_builds())

    def _planned_of_other_builds(self) -> Iterator[tuple[ObjectKey, Plan]]:
        for key, parent, run in self._rehearsals():
            if self._is_ours(key) and self.parts.children.is_of_another_build(parent):
                try:
                    plan = run.plan()
                except Exception as error:  # noqa: BLE001 - as in a run, which will tell
                    _log.info("%s: %s: not planned: %s", self.name, key, type(error).__name__)
                    continue
                if plan is not None:
                    yield key, plan

    def rehearse(self, timeout: float, is_due: Callable[[ObjectKey, int], bool]) -> Iterator[tuple[ObjectKey, Run]]:
        """Run each parent once that ``is_due``, by its key and resourceVersion, on a cluster that keeps all writes.
        Waits ``timeout`` seconds for the parents. Raises NotSynced.
        """
        self._cache.wait_for_sync([self.parts.resource], timeout)
        for key, parent, run in self._rehearsals():
            if is_due(key, int(resource_version_of(parent) or 0)):
                try:
                    with self.parts.own.of_run(parent):
                        run.execute()
                except Exception as error:  # noqa: BLE001 - a fault of our own: one parent must not stop the others
                    run.error = error
                yield key, run

    def version(self, key: ObjectKey) -> int:
        """The resourceVersion in which the cache has a parent, 0 where it has none."""
        record = self._cache.record(self.parts.resource, key.name, namespace=key.namespace)
        return record.resource_version if record is not None else 0

    def _rehearsals(self) -> Iterator[tuple[ObjectKey, Object, Run]]:
        """A run of each parent, which has not begun; its function is told that it is a dry run."""
        for record in self._cache.records(self.parts.resource):
            if self._is_selected(record):
                parent = record.decode_with_managers()
                key, reads = ObjectKey.of(parent), RunReads(self._reader, self._cache.discovery)
                yield key, parent, Run(self.parts, key, parent, Memory(record.uid), reads, is_plan=True)

    def refuse(self, survey: Survey) -> None:
        """Tell the parents whose children the survey would change that nothing is written."""
        for key in survey.parents:
            record = self._cache.record(self.parts.resource, key.name, namespace=key.namespace)
            if record is not None:
                parent = record.decode_with_managers()
                judgement = Judgement.of_error(PlanRefused(str(survey.refusal), code=survey.refusal.code))
                self.parts.statuses.begin(parent)
                self.parts.statuses.write(parent, judgement, None)
                self.parts.observer.judged(parent, judgement.verdict.cause.reason, str(survey.refusal))

    def process(self, key: ObjectKey) -> None:
        """Run one key that the queue gave, to its end. Raises nothing."""
        self.parts.echoes.begin(key)
        try:
            with self._turns:
                if not self.queue.is_closed:  # It may have been while this one waited for its turn.
                    self._plan_next(key, self._processed(key))
        finally:
            again = self.parts.echoes.end(key)
            if again is not None:
                self.queue.add(key, again)
            self.queue.done(key)

    def _processed(self, key: ObjectKey) -> Next | None:
        """What comes next, None for a parent that is gone."""
        try:
            record = self._cache.record(self.parts.resource, key.name, namespace=key.namespace)
        except CacheError as error:
            _log.info("%s: %s: not run yet: %s", self._settings.name, key, error)
            return Next(after=_SOON)
        if record is None:
            self._forget(key)
            return None
        if not self._is_selected(record):
            return Next()
        began = time.monotonic()
        with span("reconcile", self._settings.name, key):
            following = self._run(key, record)
        self.parts.observer.ran(following.result, time.monotonic() - began)
        return following

    def _is_selected(self, record: Record) -> bool:
        """One that is being deleted always: it may carry a finalizer from when it was selected."""
        return record.deleting or self._settings.selector.matches(record.labels)

    def _run(self, key: ObjectKey, record: Record) -> Next:
        try:
            seen, parent = self._edits.pop(key, 0), record.decode_with_managers()
            reads = RunReads(self._reader, self._cache.discovery, seen)
            with self.parts.own.of_run(parent):
                following = Run(self.parts, key, parent, self._memory(key, record.uid), reads).execute()
        except Exception:  # noqa: BLE001 - a fault of our own: one parent must not stop the others
            _log.exception("%s: %s: the run broke off", self._settings.name, key, extra={"code": FAULT})
            return FAILED
        if seen and following != DONE:  # The next run is for the same edit.
            self._edits[key] = max(seen, self._edits.get(key, 0))
        return following

    def _plan_next(self, key: ObjectKey, following: Next | None) -> None:
        if following is None:
            self.queue.forget(key)
        elif following.has_failed:
            self.queue.retry(key, hold=following.hold)
        else:
            self.settle(key, resync=self._settings.resync, after=following.after)

    def _memory(self, key: ObjectKey, uid: str) -> Memory:
        with self._lock:
            memory = self._memories.get(key)
            if memory is None or memory.uid != uid:
                memory = self._memories[key] = Memory(uid)
            return memory

    def _forget(self, key: ObjectKey) -> None:
        with self._lock:
            self._memories.pop(key, None)
        self._edits.pop(key, None)
        self.parts.dependencies.drop(key)
        self.parts.children.forget(key)
        self.parts.statuses.forget(key)
        self.parts.observer.forget(key)

    def _on_parent(self, event: CacheEvent) -> bool:
        """Note what a changed parent says; returns whether it is to run."""
        is_ours = self._is_ours(event.key)
        if event.type == DELETED:
            if not is_ours:
                self.parts.children.forget(event.key)
            return is_ours
        parent = event.record.decode()
        self.parts.children.learn(parent)  # Before the kind is synced, and so before any run.
        if not self._is_selected(event.record):
            self.parts.statuses.forget(event.key)  # It is news once it is selected again: its children have drifted.
            return False
        if not is_ours or not self.parts.statuses.has_news(parent):
            return False
        if self._waits and not self._is_listed(event):  # What a first list shows, nobody has just edited.
            self._edits[event.key] = event.record.resource_version
        return True

    def _on_event(self, event: CacheEvent) -> None:
        """Called in the thread of a watch: short, and without a wait."""
        is_listed = self._is_listed(event)
        # Of the first list: no run has an answer yet that such an object could change.
        woken = set() if is_listed and event.type == ADDED else set(self.parts.dependencies.woken(event))
        is_many = is_crowd(woken)
        if event.resource.gvk == self._settings.kind and self._on_parent(event):
            woken.add(event.key)
        parents = self.parts.children.parents_of(event)  # Also of the same kind as its parent.
        priority = Priority.LOW if is_many or is_listed or self._is_first else Priority.NORMAL
        woken.update(parent for parent in parents if not self.parts.echoes.holds(parent, event, priority))
        self._wake(woken, priority)

    def _on_loss(self, loss: Loss) -> None:
        """As ``_on_event``, of a part of a kind: what runs have read there nobody knows now, or is known again."""
        woken = {
            *self.parts.dependencies.readers_in(loss.resource.gvk, loss.scope),
            *self.parts.children.parents_in(loss),
        }
        self._wake(woken, Priority.LOW if is_crowd(woken) else Priority.NORMAL)

    def _wake(self, woken: Iterable[ObjectKey], priority: Priority) -> None:
        for key in filter(self._is_ours, woken):
            self.queue.add(key, priority)

    def _is_listed(self, event: CacheEvent) -> bool:
        """Whether the event tells of an object of a first list: it was known already, or its kind is not known yet."""
        return event.is_replayed or not self._cache.has_synced(event.resource, event.key.namespace, event.key.name)
