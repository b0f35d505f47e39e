"""Which Lease a program is to hold, and for how long.

Invariant: the times leave room for what they are for: several tries to renew before the holder gives up, and an answer
to its last write before another one may take over.
"""

from __future__ import annotations

import os
import re
import socket
import uuid
from dataclasses import dataclass
from typing import Any, Final

from genreconcile.arguments import refused, require_namespace, require_seconds, require_text, require_whole

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_ORDINAL: Final = re.compile(r"-(0|[1-9][0-9]{0,8})$")
_LONGEST_NAME: Final = 253
_JITTER: Final = 1.2


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease that one of several processes holds; times are in seconds, and the same in all of these.

    ``namespace`` is by default that of the cluster's context, in a Pod its own. ``identity`` names this process, and no
    other may have the same; by default it is made of the host's name and a random text. Who has not renewed within
    ``duration`` may be followed by another. The holder renews every ``retry_period``, and stops to write after
    ``renew_deadline`` without success. Others try every ``retry_period`` to 2.2 times that.

    With ``shards`` there is one Lease for each shard of the parents, and all of the processes work. Each prefers the
    shard whose number is its ``shard_identity``, from 0 on; by default the ordinal at the end of the host's name, as a
    StatefulSet gives it. A shard that nobody has held for ``takeover_after`` seconds is taken by another process, until
    the one that prefers it is ready. Raises InputError.
    """

    name: str
    namespace: str | None = None
    identity: str | None = None
    duration: int = 15
    renew_deadline: float = 10.0
    retry_period: float = 2.0
    shards: int | None = None
    shard_identity: int | None = None
    takeover_after: float = 30.0

    def __post_init__(self) -> None:
        require_text("lease", self.name)
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST_NAME:
            raise refused("lease", self.name, "is no name of a Lease; use lower-case letters, digits, - and .")
        if self.namespace is not None:
            require_namespace("lease namespace", self.namespace)
        if self.identity is not None:
            require_text("lease identity", self.identity)
            if not self.identity:
                raise refused("lease identity", self.identity, "names nobody; leave it out")
        require_whole("lease duration", self.duration, 1)
        require_seconds("renew_deadline", self.renew_deadline, zero=False)
        require_seconds("retry_period", self.retry_period, zero=False)
        if self.duration <= self.renew_deadline:
            advice = f"is not less than the lease's duration of {self.duration} s; what is on its way needs the rest"
            raise refused("renew_deadline", self.renew_deadline, advice)
        if self.renew_deadline <= self.retry_period * _JITTER:
            advice = f"is too long for a renew_deadline of {self.renew_deadline:g} s; give less than 5/6 of it"
            raise refused("retry_period", self.retry_period, advice)
        self._require_shards()

    def _require_shards(self) -> None:
        require_seconds("takeover_after", self.takeover_after)
        if self.shard_identity is not None:
            require_whole("shard_identity", self.shard_identity, 0)
        if self.shards is None:
            if self.shard_identity is not None:
                raise refused("shard_identity", self.shard_identity, "has no effect without shards; give both")
            return
        require_whole("shards", self.shards, 1)
        if len(self.of_shard(self.shards - 1)) > _LONGEST_NAME:
            raise refused("lease", self.name, "is too long for the names of its shards; give a shorter one")

    def of_shard(self, number: int) -> str:
        """The name of the Lease of a shard."""
        return f"{self.name}-{number}-of-{self.shards}"

    @classmethod
    def parse(cls, text: str, **settings: Any) -> Lease:
        """The Lease ``[NAMESPACE/]NAME`` with these settings. Raises InputError."""
        namespace, _, name = text.rpartition("/")
        return cls(name, namespace or None, **settings)

    @property
    def write_timeout(self) -> float:
        """The longest silence of a write: its answer comes, or its connection ends, before another may take over."""
        return self.duration - self.renew_deadline

    @property
    def request_timeout(self) -> float:
        """The longest silence of a request for the Lease: one that hangs leaves time for another."""
        return self.renew_deadline / 2

    @property
    def longest_pause(self) -> float:
        """The longest time between two tries of somebody who waits."""
        return self.pause(1.0)

    def pause(self, random: float) -> float:
        """The time between two tries of somebody who waits; ``random`` is from 0 to 1."""
        return self.retry_period * (1.0 + _JITTER * random)


def own_ordinal(host: str | None = None) -> int:
    """The number at the end of the host's name, as the Pods of a StatefulSet have it. Raises InputError without one."""
    host = socket.gethostname() if host is None else host
    found = _ORDINAL.search(host)
    if found is None:
        advice = "does not end in the ordinal of a StatefulSet's Pod; give shard_identity (--shard-identity)"
        raise refused("the host's name", host, advice)
    return int(found[1])


def own_identity() -> str:
    """A name for this process that no other has."""
    return f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4()}"
