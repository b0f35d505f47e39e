"""The parents of one process's controllers in shards: for each shard a program of its own, over one cache.

Invariant: a run of a parent writes only while the Lease of its shard is held, and the Lease is given back only after
the last write of the shard has ended.
"""

from __future__ import annotations

import datetime as dt
import functools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from genreconcile.cache import Cache
from genreconcile.cluster import Cluster
from genreconcile.controllers.controller import Controller
from genreconcile.controllers.leadership import MARGIN, Leadership
from genreconcile.controllers.reading import Reader
from genreconcile.controllers.sets import ExpectedSet
from genreconcile.election import Lease, ShardElector, Writes, shard_of
from genreconcile.errors import InputError, ReconcileError
from genreconcile.log import logger
from genreconcile.notice import NOTHING, Notice
from genreconcile.objects import ObjectKey
from genreconcile.observe import Measures
from genreconcile.process import Process

_log = logger("genreconcile.controllers")
_AGAIN: Final = 5.0
"""Seconds until a shard is tried again whose program could not be started."""


@dataclass(frozen=True, slots=True)
class Share:
    """What the program of one shard has from its process. ``is_ours``: whether a parent is in the shard. ``turns`` has
    for each controller what lets no more runs go on at once than it has workers, in all shards together.
    """

    cache: Cache
    reader: Reader
    leadership: Leadership
    is_ours: Callable[[ObjectKey], bool]
    turns: Mapping[str, AbstractContextManager[Any]]


class Part(Protocol):
    """The program of one shard; see ``Program``."""

    lost: str
    refused: Notice
    on_end: Callable[[], None]

    @property
    def is_healthy(self) -> bool:
        """See ``Program``."""

    @property
    def is_ready(self) -> bool:
        """See ``Program``."""

    @property
    def queues(self) -> dict[str, list[Measures[Any]]]:
        """See ``Program``."""

    def start(self) -> None:
        """See ``Program``."""

    def stop(self) -> None:
        """See ``Program``."""


class OfShard:
    """A program works while its shard is held; see ``Leadership``. ``turn`` is that of all writes of the process."""

    def __init__(self, cluster: Cluster, elector: ShardElector, shard: int, turn: threading.Lock) -> None:
        self._elector, self._shard = elector, shard
        timeout = elector.lease.write_timeout
        self._writes = Writes(cluster, functools.partial(elector.holds, shard), timeout, turn)
        self.cluster: Cluster = self._writes
        self._work: Callable[[], None] = lambda: None
        self._lose: Callable[[str], None] = lambda _: None
        self._has_led = False

    def may_write(self) -> bool:
        """See ``Leadership``."""
        return self._writes.may_write()

    def tell(self, note: Callable[[], str], on_note: Callable[[str], object]) -> None:
        """See ``Leadership``. The programs of one process share a cache: a shard that is taken over finds it filled."""

    @property
    def is_leading(self) -> bool:
        """See ``Leadership``."""
        return self._elector.holds(self._shard)

    def start(self, lead: Callable[[], None], lose: Callable[[str], None]) -> None:
        """See ``Leadership``. Both are called in ``follow``."""
        self._work, self._lose = lead, lose

    def follow(self) -> bool:
        """Wait for the shard and let the program work, until that is to end; returns whether it has only begun to end:
        False where the process ends.
        """
        if not self._elector.wait_for_gain(self._shard):
            return False
        self._has_led = True
        self._work()
        if not self._elector.wait_for_end(self._shard):
            return False
        if self._elector.holds(self._shard):
            _log.info("%s: handed back to the replica that prefers it", self._elector.told(self._shard))
        else:
            self._has_led = False  # There is nothing to give back.
            self._lose(f"{self._elector.told(self._shard)}: lost")
        return True

    def close(self) -> None:
        """See ``Leadership``."""

    def end(self) -> None:
        """See ``Leadership``."""
        self._writes.end()

    def stop(self) -> None:
        """See ``Leadership``. The Lease is given back where no write is on its way; else it is kept."""
        if self._has_led and self._writes.wait(self._elector.lease.write_timeout + MARGIN):
            self._has_led = False
            self._elector.give_back(self._shard)


class Sharded:
    """Runs a program for each shard from ``start`` (or ``with``) to ``stop``, in warm standby where the shard is not
    held. ``make`` makes one of some of ``sources`` and a Share; the rest is as of ``Program``, whose attributes it has.
    """

    lost = ""
    """What was lost is a shard, and the process goes on with the others."""

    def __init__(  # noqa: PLR0913 - keyword-only, as of ``run``
        self,
        sources: Sequence[Controller | ExpectedSet],
        make: Callable[..., Part],
        *,
        cluster: Cluster,
        lease: Lease,
        now: Callable[[], dt.datetime],
        namespaces: Iterable[str] | None = None,
        cache_limit: int | None = None,
    ) -> None:
        self._controllers = [source for source in sources if isinstance(source, Controller)]
        if not self._controllers:
            raise InputError(
                "shards: not usable without a controller: a set has no parents to divide; leave them out", code="GR111"
            )
        self._sources, self._make, self._cluster = sources, make, cluster
        self._cache = Cache(cluster, namespaces=namespaces)
        self._reader = Reader(cluster, self._cache, cache_limit=cache_limit)
        self._elector = ShardElector(cluster, lease, wall=now, is_ready=lambda: self.is_ready)
        self._shards = lease.shards or 1
        self._turns = {one.settings.name: threading.Semaphore(one.settings.workers) for one in self._controllers}
        self._turn = threading.Lock()
        self._parts: dict[int, tuple[Part, OfShard]] = {}
        self._threads: list[threading.Thread] = []
        self._ending = threading.Event()
        self._process = Process()
        self.refused = NOTHING
        self.on_end: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def is_healthy(self) -> bool:
        """See ``Program``."""
        return all(part.is_healthy for part, _ in tuple(self._parts.values()))

    @property
    def is_leading(self) -> bool:
        """Whether it works in a shard."""
        return bool(self.shards)

    @property
    def is_ready(self) -> bool:
        """Whether it could work in any shard at once. True also while ``in_the_way``: else Kubernetes would not go on
        to replace the replicas that are.
        """
        parts = [part for part, _ in tuple(self._parts.values())]
        return not self._ending.is_set() and len(parts) == self._shards and all(part.is_ready for part in parts)

    @property
    def cache(self) -> Cache:
        """See ``Program``."""
        return self._cache

    @property
    def queues(self) -> dict[str, list[Measures[Any]]]:
        """See ``Program``: of each controller one for each shard in which this process works."""
        found: dict[str, list[Measures[Any]]] = {}
        for part, leadership in tuple(self._parts.values()):
            for name, measures in part.queues.items():
                found.setdefault(name, []).extend(measures if leadership.is_leading else ())
        return found

    @property
    def shards(self) -> list[int]:
        """The shards in which it works now."""
        return [shard for shard, is_held in self.holdings.items() if is_held]

    @property
    def holdings(self) -> dict[int, bool]:
        """Whether it works now in each of the shards."""
        return {shard: self._elector.holds(shard) for shard in range(self._shards)}

    @property
    def in_the_way(self) -> str:
        """The Lease of another number of shards for which this replica waits, "" for none."""
        return self._elector.in_the_way

    def start(self) -> None:
        """See ``Program``."""
        self._cache.start()
        try:
            for shard in range(self._shards):
                self._stand_by(shard)
        except BaseException:
            self.stop()
            raise
        self._elector.start()
        self._threads = [
            threading.Thread(target=self._live, args=(shard,), name=f"genreconcile-shard-{shard}", daemon=True)
            for shard in range(self._shards)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """See ``Program``. All shards end at once, and each Lease is given back once its last write has ended."""
        if not self._process.is_this:
            return
        self._ending.set()
        self._elector.close()
        for thread in self._threads:
            thread.join()
        if not self._threads:
            for part, _ in tuple(self._parts.values()):
                part.stop()
        self._cache.stop()
        self._elector.stop()

    def _live(self, shard: int) -> None:
        """From standby to work and back, again and again: the life of a thread."""
        while True:
            part, leadership = self._parts[shard]
            goes_on = leadership.follow()
            part.stop()
            if not goes_on:
                return
            while not self._ending.is_set():
                try:
                    self._stand_by(shard)
                    break
                except ReconcileError as error:
                    _log.warning("shard %d: not started: %s", shard, error)
                    self._ending.wait(_AGAIN)

    def _stand_by(self, shard: int) -> None:
        leadership = OfShard(self._cluster, self._elector, shard, self._turn)
        share = Share(self._cache, self._reader, leadership, functools.partial(self._is_in, shard), self._turns)
        sources = [one for one in self._sources if isinstance(one, Controller) or self._is_in(shard, _key_of(one))]
        part = self._make(*sources, share=share)
        part.on_end = functools.partial(self._on_part_end, part)
        self._parts[shard] = part, leadership
        part.start()

    def _is_in(self, shard: int, key: ObjectKey) -> bool:
        return shard_of(key, self._shards) == shard

    def _on_part_end(self, part: Part) -> None:
        if part.refused:
            self.refused = part.refused
            self.on_end()


def _key_of(expected: ExpectedSet) -> ObjectKey:
    """A set is in one shard as a whole, by its name."""
    return ObjectKey("", "", "", expected.name)
