"""Whether a program may work: alone always, under a Lease while it holds it.

Invariant: a Lease is given back only after the last write has ended, and is not renewed by a program that has stopped.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Final, Protocol

from genreconcile.cluster import Cluster
from genreconcile.election import Elector, Lease, Writes
from genreconcile.log import logger

_log = logger("genreconcile.controllers")
MARGIN: Final = 1.0
"""Seconds beyond the longest silence of a write until it has surely ended."""


class Leadership(Protocol):
    """Lets a program work, and says when that ends. ``cluster`` is the one through which it writes."""

    cluster: Cluster

    def may_write(self) -> bool:
        """Whether a write may begin, now."""

    def tell(self, note: Callable[[], str], on_note: Callable[[str], object]) -> None:
        """Before ``start``: ``note`` says what is told to those who stand by, while this program works, and ``on_note``
        gets what the one that works tells. Both are short.
        """

    @property
    def is_leading(self) -> bool:
        """Whether the program is the one that works."""

    def start(self, lead: Callable[[], None], lose: Callable[[str], None]) -> None:
        """Call ``lead`` once the program may work, and then ``lose``, with the reason, once it may not any more."""

    def close(self) -> None:
        """Call neither any more."""

    def end(self) -> None:
        """Let no write begin any more."""

    def stop(self) -> None:
        """Let others follow."""


class Alone:
    """There is no other program; see ``Leadership``."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._ended = threading.Event()

    def may_write(self) -> bool:
        """See ``Leadership``."""
        return not self._ended.is_set()

    def tell(self, note: Callable[[], str], on_note: Callable[[str], object]) -> None:
        """See ``Leadership``. There is nobody."""

    @property
    def is_leading(self) -> bool:
        """See ``Leadership``."""
        return not self._ended.is_set()

    def start(self, lead: Callable[[], None], lose: Callable[[str], None]) -> None:
        """See ``Leadership``."""
        del lose
        lead()

    def close(self) -> None:
        """See ``Leadership``."""

    def end(self) -> None:
        """See ``Leadership``."""
        self._ended.set()

    def stop(self) -> None:
        """See ``Leadership``."""


class ByLease:
    """The program works while it holds a Lease; see ``Leadership``. ``now`` gives the time of the day."""

    def __init__(self, cluster: Cluster, lease: Lease, now: Callable[[], dt.datetime]) -> None:
        self._elector = elector = Elector(cluster, lease, wall=now)
        self._writes = Writes(cluster, lambda: elector.holds, lease.write_timeout)
        self.cluster: Cluster = self._writes
        self._thread: threading.Thread | None = None

    def may_write(self) -> bool:
        """See ``Leadership``."""
        return self._writes.may_write()

    @property
    def is_leading(self) -> bool:
        """See ``Leadership``."""
        return self._elector.holds

    def tell(self, note: Callable[[], str], on_note: Callable[[str], object]) -> None:
        """See ``Leadership``."""
        self._elector.note, self._elector.on_note = note, on_note

    def start(self, lead: Callable[[], None], lose: Callable[[str], None]) -> None:
        """See ``Leadership``. Both are called in a thread of its own."""
        self._elector.start()
        self._thread = threading.Thread(
            target=self._follow, args=(lead, lose), name=f"genreconcile-leading-{self._elector.lease.name}", daemon=True
        )
        self._thread.start()

    def _follow(self, lead: Callable[[], None], lose: Callable[[str], None]) -> None:
        """A thread of its own: the one that renews may wait for the server when the Lease passes."""
        if self._elector.wait(for_loss=False):
            lead()
            if self._elector.wait(for_loss=True):
                holder = self._elector.holder
                by = (
                    f"{holder} holds it" if holder not in {"", self._elector.identity} else "it was not renewed in time"
                )
                lose(f"{self._elector}: lost: {by}")

    def close(self) -> None:
        """See ``Leadership``. The Lease is still renewed."""
        self._elector.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def end(self) -> None:
        """See ``Leadership``."""
        self._writes.end()

    def stop(self) -> None:
        """See ``Leadership``. The Lease is given back where no write is on its way; else it passes by itself."""
        has_ended = self._writes.wait(self._elector.lease.write_timeout + MARGIN)
        self._elector.stop(releases=has_ended)
