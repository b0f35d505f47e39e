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

    ``on_immutable`` is ``fail``, or ``recreate`` to delete an object whose immutable fields differ, in the foreground,
    and create it again; ``wait_timeout`` in seconds bounds the wait until a deleted object is gone. ``dry_run``: the
    server is to say what it would do, and nothing is remembered. ``may_write`` is asked before each write.
    """

    field_manager: str = "genreconcile"
    concurrency: int = 8
    propagation: str = "Background"
    on_immutable: str = "fail"
    wait_timeout: float = 120.0
    dry_run: bool = False
    may_write: Callable[[], bool] | None = None


def propagation_of(text: str) -> str:
    """As the API server spells it, however it is capitalised. Raises ReconcileError."""
    found = text.capitalize()
    if found not in _PROPAGATIONS:
        raise ReconcileError(f"propagation: not usable: {text!r} is unknown; use background, foreground or orphan")
    return found
