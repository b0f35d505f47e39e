"""Whether the server may have been restored from a backup since it was last heard of.

Invariant: no sign of that is believed alone, for one of several API servers may only lag behind; a quiet watch that
ends in its time raises no doubt, so it costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from genreconcile.cache.store import WentBack
from genreconcile.cache.transform import number

_SIGNS = 2
_BRIEF = 1.0  # Seconds in which nobody stops an API server, restores etcd and starts both again.


class History:
    """Of one list and watch; ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._signs = 0
        self._cut_at: float | None = None
        self._missed = False

    def cut(self) -> None:
        """The watch ended before its time."""
        if self._cut_at is None:
            self._cut_at = self._clock()

    def missed(self) -> None:
        """The server could not be reached, or only after a while."""
        self._missed = True
        self.cut()

    def sign(self) -> None:
        """The server was seen to have gone back."""
        self._signs += 1

    def settled(self) -> None:
        """It is known again: by a list, or because it has gone on from where it was."""
        self._signs, self._cut_at, self._missed = 0, None, False

    @property
    def is_doubtful(self) -> bool:
        """Whether to look where the server stands."""
        return self._cut_at is not None

    @property
    def may_have_changed(self) -> bool:
        """Whether it was away for so long that where it stands proves nothing: it may have overtaken us since."""
        return self._missed and self._cut_at is not None and self._clock() - self._cut_at > _BRIEF

    @property
    def has_gone_back(self) -> bool:
        """Whether there were signs enough."""
        return self._signs >= _SIGNS


def require_not_older(resource_version: str, known: int) -> None:
    """Raise WentBack where the server shows an older state than the known one."""
    if 0 < number(resource_version) < known:
        raise WentBack(f"it is at resourceVersion {resource_version}, and {known} was seen before")
