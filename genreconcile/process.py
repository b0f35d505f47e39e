"""The process that something was made in: after a fork threads are missing in the child, and connections are shared.

Invariant: the question takes no lock, for a thread that is not there any more may hold it.
"""

from __future__ import annotations

import os


class Process:
    """The one in which this is made."""

    __slots__ = ("_pid",)

    def __init__(self) -> None:
        self._pid = os.getpid()

    @property
    def is_this(self) -> bool:
        """Whether the caller runs in it, and not in a child that was forked from it."""
        return os.getpid() == self._pid

    @staticmethod
    def told(name: str) -> str:
        """A message on what was made in another process."""
        return (
            f"{name}: not usable in this process: it was made before the fork, and its threads and connections are the "
            "parent's; make a new one after the fork"
        )
