"""The process that has made an object: a forked child lacks its threads, and shares its connections.

Invariant: the check takes no lock, for a thread that the child lacks may hold it.
"""

from __future__ import annotations

import os


class Process:
    """The process in which this object is made."""

    __slots__ = ("_pid",)

    def __init__(self) -> None:
        self._pid = os.getpid()

    @property
    def is_this(self) -> bool:
        """Whether the caller runs in this process, and not in a forked child."""
        return os.getpid() == self._pid

    @staticmethod
    def told(name: str) -> str:
        """The message of an error for an object, named ``name``, that another process has made."""
        return (
            f"{name}: not usable in this process: it was made before the fork, and its threads and connections are the "
            "parent's; make a new one after the fork"
        )
