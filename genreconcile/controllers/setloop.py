"""One set without a parent, kept as it says.

Invariant: each run takes the whole set as it is then; what changes meanwhile is followed by another run. Files that
change while they are read give no set.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from genreconcile.apply.result import Result, who_set
from genreconcile.cache import Cache, CacheEvent, Loss
from genreconcile.controllers.concern import Concern
from genreconcile.controllers.coverage import Coverage
from genreconcile.controllers.outcome import Stated
from genreconcile.controllers.queue import Queue
from genreconcile.controllers.sets import ExpectedSet, Signature
from genreconcile.controllers.warned import Warned
from genreconcile.controllers.worker import Worker
from genreconcile.controllers.written import Written
from genreconcile.errors import OF_USERS_CODE, LoadError, PlanRefused, ReconcileError, code_of
from genreconcile.log import logger
from genreconcile.objects import Object, ObjectKey
from genreconcile.observe import Observer, span
from genreconcile.plan import Plan
from genreconcile.reconcile import Reconciler
from genreconcile.settings import Settings
from genreconcile.wording import first_of

_log = logger("genreconcile.controllers")
_RAISED: Final = "GR910"
_LOOK: Final = 1.0
"""Seconds between two looks at the files: no more than a stat of each."""
_MOST_PATHS: Final = 20
"""The most fields of one object that a line of the log names."""


class SetLoop(Worker[str]):
    """The runs of one set; thread-safe. ``namespace`` is that of objects that name none. ``coverage`` lets the cache
    read what the set needs, None where it reads that anyway.
    """

    def __init__(  # noqa: PLR0913 - what ``assembly`` puts together
        self,
        expected: ExpectedSet,
        reconciler: Reconciler,
        cache: Cache,
        queue: Queue[str],
        namespace: str,
        *,
        observer: Observer,
        warned: Warned,
        coverage: Coverage | None = None,
    ) -> None:
        super().__init__(queue)
        self._set = expected
        self._settings = Settings(**expected.settings)
        self._reconciler = reconciler
        self._cache = cache
        self._namespace = namespace
        self._concern = Concern(expected.prune, self._namespace)
        self._observer = observer
        self._coverage = coverage
        self._written = Written[str]()
        self._signature: Signature | None = None
        self._warned = warned
        self._closing = threading.Event()

    def __repr__(self) -> str:
        return f"<SetLoop of {self._set.name}>"

    @property
    def name(self) -> str:
        """The name of the set."""
        return self._set.name

    @property
    def lives(self) -> Sequence[Callable[[], None]]:
        """What its threads do."""
        return [self.work, self.watch]

    def start(self) -> None:
        """Begin to take events."""
        self._ends = [self._cache.subscribe_losses(self._on_loss), self._cache.subscribe(self._on_event)]
        self.queue.add(self._set.name)

    def close(self) -> None:
        """Take no more events, and give out no more keys."""
        self._closing.set()
        super().close()

    def release(self) -> None:
        """End what the Reconciler holds; nothing runs any more."""
        self._reconciler.close()

    def watch(self) -> None:
        """Look for changes of the files until ``close``: the life of a thread. Who copies files one by one is given
        the time to end: the set runs when two looks have found the same.
        """
        before: Signature | None = None
        while not self._closing.wait(_LOOK):
            signature = self._now()
            if signature == before:
                self._note(signature)
            before = signature

    def look(self) -> None:
        """Let the set run where its files have changed since the last run began."""
        self._note(self._now())

    def _note(self, signature: Signature) -> None:
        if signature != self._signature:
            self.queue.add(self._set.name)

    def _now(self) -> Signature:
        try:
            return self._set.signature()
        except ReconcileError:
            return ()  # The run says what is wrong.

    def warm(self, kinds: Iterable[str]) -> None:
        """See ``Worker``."""
        self._reconciler.warm(kinds)

    def planned(self) -> Plan:
        """What a run would do; nothing is written. Raises ReconcileError, and what the function raises."""
        stated = self._set.read()
        self._cover(stated)
        return self._reconciler.plan_set(stated.children, self._settings, is_whole=stated.is_whole)

    def process(self, key: str) -> None:
        """Run the set once. Raises nothing."""
        began, result = time.monotonic(), "error"
        try:
            with span("reconcile", self.name):
                after = self._run()
        except ReconcileError as error:
            _log.warning("%s: %s", key, error, extra={"code": code_of(error, _RAISED)})
            self.queue.retry(key)
        except Exception as error:  # noqa: BLE001 - the function is the user's
            _log.error("%s: not run", key, exc_info=error, extra={"code": _RAISED, OF_USERS_CODE: True})
            self.queue.retry(key)
        else:
            result = "success" if after is None else "requeue_after"
            self.settle(key, resync=self._set.resync, after=after)
        finally:
            self._observer.ran(result, time.monotonic() - began)
            self.queue.done(key)

    def _run(self) -> float | None:
        """Bring the cluster to what the set says now; returns the seconds until something may be tried again."""
        self._signature = self._now()
        stated = self._set.read()
        if self._now() != self._signature:  # Half of it may be of the old revision, and half of the new one.
            raise LoadError("its files have changed while they were read; they are read again", code="GR907")
        self._cover(stated)
        objects, is_whole = stated.children, stated.is_whole
        self._concern.expect(objects, self._cache.discovery.resources() if self._set.prune.owner is not None else ())
        if self._set.mode == "detect":
            self._tell_plan(self._reconciler.plan_set(objects, self._settings, is_whole=is_whole))
            return self._again(stated, None)
        try:
            result = self._reconciler.reconcile_set(objects, self._settings, is_whole=is_whole)
        except PlanRefused as error:
            if error.result is not None:
                self._tell(error.result, objects)
            raise
        self._tell(result, objects)
        if result.failures:
            raise ReconcileError(
                f"{len(result.failures)} of {len(result)} objects failed; they are tried again", code="GR907"
            )
        return self._again(stated, result.retry_after)

    def _cover(self, stated: Stated) -> None:
        if self._coverage is not None:
            self._coverage.take(stated.children)

    def _again(self, stated: Stated, after: float | None) -> float | None:
        if stated.retry is None:
            return after
        _log.info("%s: %s", self._set.name, stated.retry)
        return stated.retry.after if after is None else min(after, stated.retry.after)

    def _tell(self, result: Result, stated: Sequence[Object]) -> None:
        keys = [ObjectKey.of(obj) for obj in stated]
        there = {outcome.key for outcome in result}
        named = [key if key in there else key._replace(namespace=self._namespace) for key in keys]
        drifted = self._written.note(self.name, zip(named, stated, strict=True), result)
        self._observer.applied(self.name, None, result, drifted)
        for outcome in result:
            if outcome.status != "unchanged":
                level = logging.WARNING if outcome.status == "failed" else logging.INFO
                _log.log(level, "%s: %s", self._set.name, outcome, extra={"code": code_of(outcome.error)})
        self._warned.tell(result.warnings)

    def _tell_plan(self, plan: Plan) -> None:
        found = [(change, self._reconciler.authors(change)) for change in plan.changes if change.operation != "none"]
        self._observer.found(found)
        for change, authors in found:
            places = first_of([operation["path"] for operation in change.writes], _MOST_PATHS)
            told = f": {places}" if places else ""
            known = who_set(authors)
            by = f"; set before: {known}" if known else ""
            _log.info("%s: would %s %s%s%s", self._set.name, change.operation, change.key, told, by)
        self._warned.tell((*plan.warnings, *plan.refusals))
        wrong = [change for change in plan.changes if change.error is not None]
        for change in wrong:
            told = change.told(str(change.error))
            _log.warning("%s: %s: %s", self._set.name, change.key, told, extra={"code": code_of(change.error)})
        if wrong:
            raise ReconcileError(f"{len(wrong)} objects could not be judged; they are looked at again", code="GR907")

    def _on_loss(self, loss: Loss) -> None:
        if self._concern.is_about_loss(loss):
            self.queue.add(self._set.name)

    def _on_event(self, event: CacheEvent) -> None:
        if self._concern.is_about(event):
            self.queue.add(self._set.name)
