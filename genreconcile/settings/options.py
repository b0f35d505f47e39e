"""What a caller decides for the life of a Reconciler.

Invariant: what cannot be meant is refused when it is given, by an InputError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from genreconcile.arguments import (
    CheckAccess,
    OnImmutable,
    near,
    refused,
    require_callable,
    require_choice,
    require_flag,
    require_seconds,
    require_text,
    require_whole,
)
from genreconcile.managers import LONGEST_MANAGER

FollowDefinitions = bool | Literal["once"]
_PROPAGATIONS: Final = ("Background", "Foreground", "Orphan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """See ``Reconciler``. ``propagation`` is kept in the API server's spelling, or as "".

    With "", an object that is created again is deleted in the foreground, so that old dependents do not meet the new
    object, and any other in the background. ``concurrency`` bounds requests in flight; ``wait_timeout`` in seconds
    bounds the wait until a deleted object is gone. ``dry_run``: the server only says what it would do, and nothing is
    remembered.
    """

    field_manager: str = "genreconcile"
    concurrency: int = 8
    propagation: str = ""
    on_immutable: OnImmutable = "fail"
    sync_timeout: float = 60.0
    check_access: CheckAccess = ""
    follow_definitions: FollowDefinitions = True
    may_write: Callable[[], bool] | None = None
    wait_timeout: float = 120.0
    dry_run: bool = False

    def __post_init__(self) -> None:
        require_choice("check_access", self.check_access, CheckAccess)
        require_seconds("sync_timeout", self.sync_timeout)
        require_seconds("wait_timeout", self.wait_timeout)
        if self.follow_definitions != "once":
            require_flag("follow_definitions", self.follow_definitions)
        object.__setattr__(self, "propagation", _propagation(self.propagation))
        require_text("field_manager", self.field_manager)
        if not 0 < len(self.field_manager) <= LONGEST_MANAGER:
            raise refused("field_manager", self.field_manager, f"does not have 1 to {LONGEST_MANAGER} characters")
        require_whole("concurrency", self.concurrency, 1)
        require_choice("on_immutable", self.on_immutable, OnImmutable)
        require_callable("may_write", self.may_write, "give a function that says whether this replica may write")

    def query(self, *, dry_run: bool = False) -> dict[str, str]:
        """The URL query of each write; ``dry_run`` is for a write that is only tried."""
        query = {"fieldManager": self.field_manager, "fieldValidation": "Strict"}
        return {**query, "dryRun": "All"} if dry_run or self.dry_run else query

    def deletion(self, *, to_recreate: bool) -> str:
        """The propagation policy of a deletion."""
        return self.propagation or ("Foreground" if to_recreate else "Background")


def _propagation(text: str) -> str:
    """The policy in the API server's spelling, however ``text`` is capitalised; "" stays. Raises InputError."""
    found = text.capitalize() if isinstance(text, str) else "?"
    if found and found not in _PROPAGATIONS:
        choices = [choice.lower() for choice in _PROPAGATIONS]
        advice = f"is unknown; use background, foreground or orphan{near(text, choices)}"
        raise refused("propagation", text, advice)
    return found
