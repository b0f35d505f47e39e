"""How to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from genreconcile.errors import ReconcileError

JSON_PATCH: Final = "application/json-patch+json"
_PROPAGATIONS: Final = ("Background", "Foreground", "Orphan")


@dataclass(frozen=True, slots=True)
class Options:
    """How to write: ``propagation`` is Background, Foreground or Orphan; ``concurrency`` bounds requests in flight.

    ``on_immutable`` is ``fail``, or ``recreate`` to delete an object whose immutable fields differ and create it again.
    Where ``propagation`` is "", that deletion is in the foreground, so that old dependents do not meet the new object,
    and all others are in the background. ``wait_timeout`` in seconds bounds the wait until a deleted object is gone.
    ``dry_run``: the server is to say what it would do, and nothing is remembered. ``may_write`` is asked before each
    write.
    """

    field_manager: str = "genreconcile"
    concurrency: int = 8
    propagation: str = ""
    on_immutable: str = "fail"
    wait_timeout: float = 120.0
    dry_run: bool = False
    may_write: Callable[[], bool] | None = None

    def deletion(self, *, to_recreate: bool) -> str:
        """How the dependents of a deleted object go."""
        return self.propagation or ("Foreground" if to_recreate else "Background")


def propagation_of(text: str) -> str:
    """As the API server spells it, however it is capitalised; "" stays. Raises ReconcileError."""
    found = text.capitalize()
    if found and found not in _PROPAGATIONS:
        raise ReconcileError(f"propagation: not usable: {text!r} is unknown; use background, foreground or orphan")
    return found
