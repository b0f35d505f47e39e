"""What one who waits has seen of a Lease; pure.

Invariant: no clock is compared with another's: a Lease has passed once it was seen unchanged for long enough.
"""

from __future__ import annotations

from genreconcile.election.lease import Lease
from genreconcile.election.state import State


class Sight:
    """``state`` is the last one that was seen. Between two looks no more time counts than looks of ``lease`` need."""

    def __init__(self, lease: Lease) -> None:
        self.state = State()
        self._lease = lease
        self._at: float | None = None
        self._waited = 0.0
        """Seconds for which the Lease has been seen unchanged."""

    def note(self, now: float, state: State) -> None:
        """The Lease says this, at ``now`` seconds by one clock; a Lease that is not there says ``State()``."""
        passed = 0.0 if self._at is None else now - self._at
        most = self._lease.longest_pause + self._lease.request_timeout
        self._waited = self._waited + min(max(0.0, passed), most) if state == self.state else 0.0
        self.state, self._at = state, now

    def is_free(self, patience: float = 0.0) -> bool:
        """Whether for ``patience`` seconds nobody has held it: the holder gave it back, or has not renewed it for as
        long as he said that he would.
        """
        held_for = (self.state.duration or self._lease.duration) if self.state.holder else 0
        return self._waited >= held_for + patience
