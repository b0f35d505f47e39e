"""One replica at work for the Leases of all shards: a thread that renews, looks around and takes, again and again.

Invariant: ``holds`` is answered by the clock at the moment of the question, whatever the thread is doing.
"""

from __future__ import annotations

import datetime as dt
import logging
import random as randomness
import threading
from collections.abc import Callable
from typing import Any

from genreconcile.cluster import Cluster
from genreconcile.election.election import Write
from genreconcile.election.elector import ANY, MARGIN
from genreconcile.election.lease import Lease, own_identity, own_ordinal
from genreconcile.election.requests import Requests
from genreconcile.election.sharding import Round, Sharding, Step
from genreconcile.election.times import boottime
from genreconcile.errors import Conflict, NotFound, ReconcileError, code_of
from genreconcile.log import logger
from genreconcile.process import Process

_log = logger("genreconcile.election")


class ShardElector:
    """Runs for the Leases of ``lease``, which has ``shards``, from ``start`` to ``stop``; thread-safe. The other
    arguments are as of ``Elector`` and ``Sharding``. Of no use in a forked child. Raises InputError where nobody says
    which shard is preferred.
    """

    def __init__(  # noqa: PLR0913 - keyword-only, for tests
        self,
        cluster: Cluster,
        lease: Lease,
        *,
        wall: Callable[[], dt.datetime],
        is_ready: Callable[[], bool],
        clock: Callable[[], float] = boottime,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self.lease = lease
        self.namespace = lease.namespace or cluster.namespace or ANY
        self.identity = lease.identity or own_identity()
        ordinal = own_ordinal() if lease.shard_identity is None else lease.shard_identity
        self._sharding = Sharding(
            lease, self.identity, self.namespace, ordinal, clock=clock, wall=wall, is_ready=is_ready
        )
        self._requests = Requests(cluster, self.namespace, lease.request_timeout)
        self._random = random
        self._changed = threading.Condition()
        self._is_closing = self._is_stopping = self._is_hurried = False
        self._told: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name=f"genreconcile-lease-{lease.name}", daemon=True)
        self._process = Process()

    @property
    def _all(self) -> str:
        return f"the Leases {self.namespace}/{self.lease.name}"

    def told(self, shard: int) -> str:
        """How the Lease of a shard is called."""
        return f"the Lease {self.namespace}/{self.lease.of_shard(shard)}"

    @property
    def in_the_way(self) -> str:
        """The Lease of another number of shards that is held, as last seen, "" for none: meanwhile nobody begins."""
        with self._changed:
            return self._sharding.in_the_way

    def holds(self, shard: int) -> bool:
        """Whether this process may work in a shard, now."""
        with self._changed:
            return self._process.is_this and self._sharding.holds(shard)

    def holder(self, shard: int) -> str:
        """Who holds the Lease of a shard, as last seen; "" where nobody does."""
        with self._changed:
            return self._sharding.holder(shard)

    def start(self) -> None:
        """Begin to try."""
        self._thread.start()

    def wait_for_gain(self, shard: int) -> bool:
        """Wait until this process may work in a shard; False where ``close`` came first."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closing or self._sharding.holds(shard))
            return not self._is_closing

    def wait_for_end(self, shard: int) -> bool:
        """Wait until it may not any more, or is to hand the shard back; False where ``close`` came first."""
        with self._changed:
            while not self._is_closing and shard not in self._sharding.wanted:
                left = self._sharding.left(shard)
                if left <= 0:
                    return True
                self._changed.wait(left)
            return not self._is_closing

    def give_back(self, shard: int) -> None:
        """Let another process have a shard, of which no write is on its way any more."""
        with self._changed:
            self._sharding.give_back(shard)
            self._is_hurried = True
            self._changed.notify_all()

    def close(self) -> None:
        """End all waits, and take nothing more; what is held is still renewed."""
        with self._changed:
            self._is_closing = self._sharding.is_retiring = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Try no more, and give back what is to be given back. Nothing is renewed after it returns, unless the server
        has not answered for so long that nobody waits.
        """
        with self._changed:
            self._is_closing = self._is_stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(3 * self.lease.request_timeout + MARGIN)

    def _run(self) -> None:
        while not self._is_over():
            self._go_through(self._sharding.round())
            with self._changed:
                self._changed.notify_all()
                pause = self._sharding.pause(self._random())
                self._changed.wait_for(lambda: self._is_stopping or self._is_hurried, pause)
                self._is_hurried = False
        self._go_through(self._sharding.last_round())

    def _is_over(self) -> bool:
        with self._changed:
            return self._is_stopping

    def _go_through(self, steps: Round) -> None:
        """Send what a round asks for. Raises nothing."""
        answer = None
        while (step := self._next(steps, answer)) is not None:
            answer = self._answer(step)
        self._tell_all()

    def _next(self, steps: Round, answer: Any) -> Step | None:
        with self._changed:
            try:
                return steps.send(answer)
            except StopIteration:
                return None

    def _answer(self, step: Step) -> Any:
        """What the server says to a step; None where it refuses it, or says nothing."""
        about = f"the Lease {self.namespace}/{step.name}" if isinstance(step, Write) else self._all
        try:
            answer = self._requests.write(step) if isinstance(step, Write) else self._requests.list()
        except ReconcileError as error:
            is_gone = isinstance(error, NotFound) and isinstance(step, Write) and not step.creates
            if is_gone or isinstance(error, Conflict):
                return None  # It is another than this one thought: whose, shows a look.
            self._tell("failure", logging.WARNING, f"{about}: not reached: {error}", code_of(error))
            return None
        self._tell("failure", logging.INFO, "")
        return answer

    def _tell_all(self) -> None:
        other = self.in_the_way
        told = f"{self._all}: {other} is held: nothing begins before it is given back" if other else ""
        self._tell("other", logging.INFO, told)
        for shard in self._sharding.shards:
            by = "this process" if self.holds(shard) else self.holder(shard) or "nobody"
            self._tell(f"{shard}", logging.INFO, f"{self.told(shard)}: held by {by}")

    def _tell(self, about: str, level: int, text: str, code: str = "") -> None:
        """Log what has not been said last about something."""
        if text and text != self._told.get(about):
            _log.log(level, "%s", text, extra={"code": code})
        self._told[about] = text
