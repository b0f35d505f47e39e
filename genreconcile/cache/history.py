"""Whether the server may have been restored from a backup since its last answer.

Invariant: a single sign of a restore is not believed, for one of several API servers may only lag behind; a quiet watch
that ends in its time raises no doubt, so it costs no request.
"""

from __future__ import annotations

from collections.abc import Callable

from genreconcile.cache.store import WentBack
from genreconcile.cache.transform import number

_SIGNS = 2
_BRIEF = 1.0  # Seconds: too short to stop an API server, restore etcd and start both again.


class History:
    """The signs of a restore in one list and watch; ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._signs = 0
        self._cut_at: float | None = None
        self._missed = False

    def cut(self) -> None:
        """Note that the watch ended before its time."""
        if self._cut_at is None:
            self._cut_at = self._clock()

    def missed(self) -> None:
        """Note that the server could not be reached, or only after a while."""
        self._missed = True
        self.cut()

    def sign(self) -> None:
        """Note a sign that the server has gone back."""
        self._signs += 1

    def settled(self) -> None:
        """Note that the server's state is known again: by a list, or because it has not gone back."""
        self._signs, self._cut_at, self._missed = 0, None, False

    @property
    def is_doubtful(self) -> bool:
        """Whether to ask the server for its resourceVersion."""
        return self._cut_at is not None

    @property
    def may_have_changed(self) -> bool:
        """Whether the server was away so long that its resourceVersion proves nothing: a restored one may have passed
        the known one since.
        """
        return self._missed and self._cut_at is not None and self._clock() - self._cut_at > _BRIEF

    @property
    def has_gone_back(self) -> bool:
        """Whether there were enough signs to believe that the server has gone back."""
        return self._signs >= _SIGNS


def require_not_older(resource_version: str, known: int) -> None:
    """Raise WentBack where the server shows an older state than the known one."""
    if 0 < number(resource_version) < known:
        raise WentBack(f"it is at resourceVersion {resource_version}, and {known} was seen before")
