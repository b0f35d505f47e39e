"""How to write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

JSON_PATCH: Final = "application/json-patch+json"


@dataclass(frozen=True, slots=True)
class Options:
    """How to write: ``propagation`` is Background, Foreground or Orphan; ``concurrency`` bounds requests in flight.

    ``on_immutable`` is ``fail``, or ``recreate`` to delete an object whose immutable fields differ, in the foreground,
    and create it again; ``recreate_timeout`` in seconds bounds the wait until it is gone.
    """

    field_manager: str = "genreconcile"
    concurrency: int = 8
    propagation: str = "Background"
    on_immutable: str = "fail"
    recreate_timeout: float = 120.0
