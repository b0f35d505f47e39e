"""One candidate for a Lease at work: a thread that tries, again and again, to hold it.

Invariant: ``holds`` is answered by the clock at the moment of the question, whatever the thread is doing.
"""

from __future__ import annotations

import datetime as dt
import logging
import random as randomness
import threading
from collections.abc import Callable
from typing import Final

from genreconcile.cluster import Cluster
from genreconcile.election.election import Election, Write
from genreconcile.election.lease import Lease, own_identity
from genreconcile.election.notes import note_of, with_note
from genreconcile.election.requests import Requests
from genreconcile.election.times import boottime
from genreconcile.errors import Conflict, NotFound, ReconcileError, code_of
from genreconcile.log import logger
from genreconcile.objects import Object
from genreconcile.process import Process

_log = logger("genreconcile.election")
ANY: Final = "default"
"""The namespace where nothing names one, as kubectl has it."""
MARGIN: Final = 12.0
"""Seconds until a connection that cannot be opened is given up, and a little more."""


class Elector:
    """Runs for a Lease from ``start`` to ``stop``; thread-safe. ``wall`` gives the time of the day, ``clock`` seconds
    that only grow, ``random`` numbers from 0 to 1. Of no use in a forked child.
    """

    def __init__(
        self,
        cluster: Cluster,
        lease: Lease,
        *,
        wall: Callable[[], dt.datetime],
        clock: Callable[[], float] = boottime,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self.lease = lease
        self.namespace = lease.namespace or cluster.namespace or ANY
        self.identity = lease.identity or own_identity()
        self._requests = Requests(cluster, self.namespace, lease.request_timeout)
        self._clock, self._wall, self._random = clock, wall, random
        self._election = Election(lease, self.identity, self.namespace)
        self._changed = threading.Condition()
        self._is_closing = self._is_stopping = False
        self._releases = False
        self._told = ""
        self.note: Callable[[], str] = lambda: ""
        """What the holder tells those who wait; it is asked before each renewal, and short."""
        self.on_note: Callable[[str], object] = lambda _: None
        """Called with what the holder tells, when that is another text; in the thread that renews, and so short."""
        self._noted = ""
        self._thread = threading.Thread(target=self._run, name=f"genreconcile-lease-{lease.name}", daemon=True)
        self._process = Process()

    def __str__(self) -> str:
        return f"the Lease {self.namespace}/{self.lease.name}"

    @property
    def holds(self) -> bool:
        """Whether this process may act as the holder, now."""
        with self._changed:
            return self._process.is_this and self._election.holds(self._clock())

    @property
    def holder(self) -> str:
        """Who holds the Lease, as last seen; "" where nobody does."""
        return self._election.holder

    def start(self) -> None:
        """Begin to try."""
        self._thread.start()

    def wait(self, *, for_loss: bool) -> bool:
        """Wait until this process holds the Lease, or until it does not any more; False where ``close`` came first."""
        with self._changed:
            while not self._is_closing:
                left = self._election.left(self._clock())
                if (left > 0) is not for_loss:
                    return True
                self._changed.wait(left if for_loss else None)
            return False

    def close(self) -> None:
        """End all waits; the Lease is still renewed."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    def stop(self, *, releases: bool) -> None:
        """Try no more; with ``releases`` give back what is held. Nothing is renewed after it returns, unless the server
        has not answered for so long that nobody waits.
        """
        with self._changed:
            self._is_closing = self._is_stopping = True
            self._releases = releases and self._election.holds(self._clock())
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(3 * self.lease.request_timeout + MARGIN)

    def _run(self) -> None:
        while self._is_awaited():
            self._try()
            with self._changed:
                self._changed.notify_all()
                pause = self._election.pause(self._clock(), self._random())
                self._changed.wait_for(lambda: self._is_stopping, pause)
        if self._releases:
            with self._changed:
                self._election.release()
            self._try()

    def _is_awaited(self) -> bool:
        with self._changed:
            return not self._is_stopping

    def _try(self) -> None:
        """Try to take the Lease, to renew or to release it. Raises nothing."""
        try:
            try:
                self._try_once()
            except (Conflict, NotFound):  # It is another than this one thought: whose, shows a look.
                self._note_failure()
                self._try_once()
        except Conflict:  # Somebody was faster: that is what a Lease is for.
            self._note_failure()
        except ReconcileError as error:
            self._note_failure()
            self._tell(logging.WARNING, f"not reached: {error}", code_of(error))
        else:
            self._tell(logging.INFO, "held by this process" if self.holds else f"held by {self.holder or 'nobody'}")

    def _note_failure(self) -> None:
        with self._changed:
            self._election.failed()

    def _try_once(self) -> None:
        with self._changed:
            step = self._election.begin(self._clock(), self._wall())
        if not isinstance(step, Write):
            live = self._requests.read(self.lease.name)
            with self._changed:
                found = self._election.seen(self._clock(), self._wall(), live)
            if found is None:
                self._hear(live)
                return
            step = found
        answer = self._requests.write(step._replace(body=with_note(step.body, self.note())))
        with self._changed:
            self._election.written(self._clock(), answer)

    def _hear(self, live: Object | None) -> None:
        """Pass on what the holder tells."""
        text = note_of(live)
        if text != self._noted:
            self._noted = text
            self.on_note(text)

    def _tell(self, level: int, text: str, code: str = "") -> None:
        """Log what has not been said last."""
        if text != self._told:
            self._told = text
            _log.log(level, "%s: %s", self, text, extra={"code": code})
