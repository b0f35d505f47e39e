"""The decisions of one replica about the Leases of all shards; pure: answers come in, what to send goes out.

Invariants, where clocks run alike: no two replicas may write in one shard, for each shard is an election of its own. No
two partitions are at work: a claim counts only once the Leases were listed after it, and none of another number of
shards was held. Of two that claim at one time at least one sees the other; who does gives its claim back. A belief that
has lapsed is such a claim anew.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import replace
from typing import Any, Final

from genreconcile.election.election import Election, Look, Write
from genreconcile.election.lease import Lease
from genreconcile.election.sight import Sight
from genreconcile.election.state import State
from genreconcile.objects import Object

WANTED: Final = "genreconcile.dev/wanted-by"
"""The annotation of a Lease by which the replica that prefers its shard asks for it; the value is its identity."""

Step = Look | Write
"""Look: list the Leases of the namespace, by a consistent read; the answer has them by name. Write: see ``Election``;
the answer is the Lease as it is now. None answers what was refused, or has no answer.
"""
Round = Generator[Step, Any, None]


class Sharding:
    """The replica named ``identity`` under ``lease``, which has ``shards``; it prefers the shard ``ordinal``, if there
    is one of this number. ``clock`` gives seconds, ``wall`` the time of the day; ``is_ready``: whether this replica can
    work at once. Not thread-safe.
    """

    def __init__(  # noqa: PLR0913 - the clock, the time of the day and readiness are handed in
        self,
        lease: Lease,
        identity: str,
        namespace: str,
        ordinal: int,
        *,
        clock: Callable[[], float],
        wall: Callable[[], dt.datetime],
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.lease, self.identity, self.ordinal = lease, identity, ordinal
        self.wanted: set[int] = set()
        """The shards that are held for a replica that is ready to have them back."""
        self.is_retiring = False
        """Whether nothing is claimed any more, and what is held is renewed until it is given back."""
        self._namespace = namespace
        self._clock, self._wall, self._is_ready = clock, wall, is_ready
        self._names = [lease.of_shard(number) for number in range(lease.shards or 0)]
        self._elections = [self._election(number) for number in self.shards]
        self._confirmed: set[int] = set()
        self._leaving: set[int] = set()
        self._found: Mapping[str, Object] = {}
        self._others: dict[str, Sight] = {}
        """The Leases of other partitions."""
        self._is_partition = re.compile(rf"{re.escape(lease.name)}(-[0-9]+-of-[0-9]+)?").fullmatch

    @property
    def shards(self) -> range:
        """Their numbers."""
        return range(len(self._names))

    @property
    def in_the_way(self) -> str:
        """The Lease of another partition that is held, as last seen; "" for none."""
        return min((name for name, sight in self._others.items() if not sight.is_free()), default="")

    def holder(self, shard: int) -> str:
        """Who holds the Lease of a shard, as last seen; "" where nobody does."""
        return self._elections[shard].holder

    def holds(self, shard: int) -> bool:
        """Whether this replica may work in a shard, now."""
        return self.left(shard) > 0

    def left(self, shard: int) -> float:
        """The seconds for which it may, unless the Lease is renewed."""
        return self._elections[shard].left(self._clock()) if shard in self._confirmed else 0.0

    def give_back(self, shard: int) -> None:
        """Give a shard back in the next round: nothing of it is written any more."""
        self._confirmed.discard(shard)
        self.wanted.discard(shard)
        self._leaving.add(shard)

    def pause(self, random: float) -> float:
        """The seconds to the next round."""
        is_holder = any(election.holds(self._clock()) for election in self._elections)
        return self.lease.retry_period if is_holder else self.lease.pause(random)

    def round(self) -> Round:
        """Renew what is held, look around, and take what is to be taken; the steps come one after the other."""
        renewed = yield from self._renew()
        if (yield from self._look()) and (yield from self._take(renewed)) and (yield from self._look()):
            yield from self._give_up()

    def last_round(self) -> Round:
        """Give back what is to be given back, and no more."""
        leaving = sorted(self._leaving)
        yield from self._renew(only=leaving)
        left = [shard for shard in leaving if self._elections[shard].is_releasing]
        if left and (yield from self._look()):  # Somebody has asked for it meanwhile.
            for shard in left:
                live = self._found.get(self._names[shard])
                step = self._elections[shard].seen(self._clock(), self._wall(), live)
                if step is not None:
                    yield from self._write(shard, step)

    def _election(self, shard: int) -> Election:
        return Election(
            replace(self.lease, name=self._names[shard], shards=None, shard_identity=None),
            self.identity,
            self._namespace,
        )

    def _renew(self, only: Collection[int] | None = None) -> Generator[Step, Any, set[int]]:
        """Write the Leases that are held, or are to be given back, as they were left; returns those that succeeded."""
        done = set()
        for shard in self.shards if only is None else sorted(only):
            election = self._elections[shard]
            if shard in self._leaving:
                election.release()
                self._leaving.discard(shard)
            step = election.begin(self._clock(), self._wall())
            if isinstance(step, Write) and (yield from self._write(shard, step)):
                done.add(shard)
        return done

    def _look(self) -> Generator[Step, Any, bool]:
        """See who holds what, and let the claims count that came before; False where nobody answers."""
        claims = [shard for shard in self.shards if self._elections[shard].holds(self._clock())]
        found: Mapping[str, Object] | None = yield Look()
        if found is None:
            return False
        self._found, now = found, self._clock()
        others = {name for name in found if name not in self._names and self._is_partition(name)}
        self._others = {name: self._others.get(name) or Sight(self.lease) for name in others}
        for name, sight in self._others.items():
            sight.note(now, State.of(found[name]))
        is_free = not self.in_the_way
        for shard in claims:
            election = self._elections[shard]
            if is_free and shard not in self._leaving and not election.is_releasing and election.holds(now):
                self._confirmed.add(shard)
            elif not is_free and shard not in self._confirmed:
                election.release()
        self.wanted = {shard for shard in self._confirmed if self._is_wanted(shard, found.get(self._names[shard]))}
        return True

    def _is_wanted(self, shard: int, live: Object | None) -> bool:
        if live is None or shard == self.ordinal or State.of(live).holder != self.identity:
            return False
        return _asks(live) not in {"", self.identity}

    def _take(self, renewed: Collection[int]) -> Generator[Step, Any, bool]:
        """Claim what is free, the preferred shard first, or ask for it; returns whether there is a new claim."""
        is_claimed = False
        for shard in sorted(self.shards, key=lambda shard: shard != self.ordinal):
            election, live = self._elections[shard], self._found.get(self._names[shard])
            if shard in renewed and (election.holds(self._clock()) or not election.is_releasing):
                continue
            is_lapsed = live is not None and State.of(live).holder == self.identity and not self.holds(shard)
            if (self.in_the_way or self.is_retiring) and is_lapsed:
                election.release()
            step = election.seen(self._clock(), self._wall(), live, self._patience(shard))
            if step is not None:
                is_claimed |= yield from self._write(shard, step)
            elif election.is_releasing:  # Somebody else has it already, or it is gone.
                self._elections[shard] = self._election(shard)
            elif shard == self.ordinal and live is not None:
                yield from self._ask(live)
        return is_claimed

    def _ask(self, live: Object) -> Generator[Step, Any, None]:
        """Ask for the preferred shard, which another one holds."""
        if (
            not State.of(live).holder
            or self.in_the_way
            or self.is_retiring
            or _asks(live) == self.identity
            or not self._is_ready()
        ):
            return
        metadata = live["metadata"]
        annotations = {**(metadata.get("annotations") or {}), WANTED: self.identity}
        yield Write({**live, "metadata": {**metadata, "annotations": annotations}}, creates=False)

    def _give_up(self) -> Generator[Step, Any, None]:
        """Give back the claims that came too late."""
        yield from self._renew(only=[shard for shard in self.shards if self._elections[shard].is_releasing])

    def _patience(self, shard: int) -> float:
        """Who holds shards already waits longer: they are taken by the one that has the fewest."""
        if self.in_the_way or self.is_retiring:
            return math.inf
        if shard == self.ordinal:
            return 0.0
        held = sum(election.holds(self._clock()) for election in self._elections)
        return self.lease.takeover_after + held * self.lease.longest_pause

    def _write(self, shard: int, step: Write) -> Generator[Step, Any, bool]:
        """Write the Lease of a shard; returns whether that succeeded."""
        election = self._elections[shard]
        if not election.holds(self._clock()):
            self._confirmed.discard(shard)
            step = step._replace(body=_unasked(step.body))
        answer: Object | None = yield step
        if answer is None:
            election.failed()
            return False
        if not election.holds(self._clock()):
            self._confirmed.discard(shard)
        election.written(self._clock(), answer)
        if election.is_releasing:
            self._elections[shard] = self._election(shard)
        return True


def _asks(live: Object) -> str:
    """Who asks for a Lease, "" for nobody."""
    value = (live["metadata"].get("annotations") or {}).get(WANTED)
    return value if isinstance(value, str) else ""


def _unasked(body: Object) -> Object:
    """A Lease that nobody asks for."""
    annotations = body["metadata"].get("annotations") or {}
    if WANTED not in annotations:
        return body
    kept = {key: value for key, value in annotations.items() if key != WANTED}
    return {**body, "metadata": {**body["metadata"], "annotations": kept}}
