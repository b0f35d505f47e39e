"""Sets that most often have one member.

Invariant: a set of one is that member itself, which takes a tenth of the memory; so no member is a set. None is empty.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def members(few: T | set[T] | None) -> Collection[T]:
    """The members; nobody changes what is returned, and a later ``put`` or ``without`` may."""
    if few is None:
        return ()
    return few if isinstance(few, set) else (few,)


def put(few: T | set[T] | None, member: T) -> T | set[T]:
    """The set with this member; the given one is of no use any more."""
    if few is None or few == member:
        return member
    if isinstance(few, set):
        few.add(member)
        return few
    return {few, member}


def without(few: T | set[T] | None, member: T) -> T | set[T] | None:
    """The set without this member; the given one is of no use any more."""
    if not isinstance(few, set):
        return None if few == member else few
    few.discard(member)
    return few.pop() if len(few) == 1 else few
