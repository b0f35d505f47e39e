"""Refusals because of values or quotas that other objects take up: which deletions make room, and what to advise.

Invariant: pure, but for kinds that the catalog looks up; in doubt a refusal stands.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Final

from genreconcile.apply.exclusive import held, shared
from genreconcile.apply.holders import HELD_BY, may_be_held
from genreconcile.apply.quota import Excess, freed
from genreconcile.apply.result import Outcome
from genreconcile.catalog import Catalog
from genreconcile.errors import ClusterError, ReconcileError
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change

FIRST: Final = "prune_first=True (--prune-first) deletes it before"
_NOT_TRIED: Final = "not tried: what is deleted first makes room for it"


class Room:
    """The deletions of one plan, and the room they make. ``is_made``: they were sent; some objects may not be gone."""

    def __init__(self, catalog: Catalog, deletions: Iterable[Change], *, is_made: bool = False) -> None:
        self._catalog = catalog
        self._is_made = is_made
        self._deletions = {change.key: change for change in deletions}

    def excused(self, outcomes: list[Outcome]) -> list[Outcome]:
        """The outcomes of a rehearsal; a failure that the deletions would end becomes an untried success."""
        roomy = self._roomy(outcomes)
        return [
            Outcome(outcome.change, _DONE[outcome.change.operation], reason=_NOT_TRIED)
            if holder(outcome) in self._deletions or _quota(outcome) in roomy
            else outcome
            for outcome in outcomes
        ]

    def advised(self, outcome: Outcome, expected: Collection[ObjectKey]) -> Outcome:
        """The outcome; where another object holds the value that it failed for, its error says what to do."""
        advice = self._advice(outcome, expected)
        if not advice or outcome.error is None:
            return outcome
        told = copy.copy(outcome.error)
        told.args = (f"{told}; {advice}",)
        return Outcome(outcome.change, outcome.status, outcome.reason, told)

    def _advice(self, outcome: Outcome, expected: Collection[ObjectKey]) -> str:
        key = holder(outcome)
        if key is None:
            has_room = not self._is_made and _quota(outcome) in self._roomy([outcome])
            return f"there is room once what is to go is gone: {FIRST}" if has_room else ""
        if key in self._deletions:
            return "it is deleted, and not gone yet" if self._is_made else f"it is to be deleted: {FIRST}"
        if key in expected:
            return "it is expected as well: where the two swap, let one of them have another value first"
        return "it is not of this set: ask for another value, or free that one there"

    def _roomy(self, outcomes: list[Outcome]) -> set[tuple[str, str]]:
        """The quotas, each with its namespace, that have room for all of these once the deletions are done."""
        needed: dict[tuple[str, str], list[Excess]] = {}
        for outcome in outcomes:
            if (place := _quota(outcome)) is not None and (excess := _excess(outcome)) is not None:
                needed.setdefault(place, []).append(excess)
        return {place for place, found in needed.items() if self._fits(place[0], found)}

    def _fits(self, namespace: str, found: list[Excess]) -> bool:
        names = {name for excess in found for name in excess.requested}
        return all(
            found[0].used.get(name, Decimal(0)) - self._freed(namespace, name)
            + sum(excess.requested.get(name, Decimal(0)) for excess in found)
            <= max(excess.limited.get(name, Decimal(-1)) for excess in found)
            for name in names
        )  # fmt: skip

    def _freed(self, namespace: str, name: str) -> Decimal:
        going = [change for change in self._deletions.values() if change.key.namespace == namespace]
        return sum((self._part(change, name) for change in going), Decimal(0))

    def _part(self, change: Change, name: str) -> Decimal:
        try:
            return freed(name, self._catalog.resource(change.gvk), change.live or {})
        except ReconcileError:
            return Decimal(0)


_DONE: Final[Mapping[str, str]] = {"create": "created", "update": "configured", "delete": "deleted"}


def holder(outcome: Outcome) -> ObjectKey | None:
    """The object that holds the value which the outcome failed for, None where none is known."""
    details = outcome.error.details if isinstance(outcome.error, ClusterError) else {}
    key = details.get(HELD_BY)
    return key if isinstance(key, ObjectKey) else None


def is_freed(outcome: Outcome, others: Iterable[Outcome]) -> bool:
    """Whether the outcome failed for a value that one of ``others``, written in the same run, has given up."""
    if not isinstance(outcome.error, ClusterError) or not may_be_held(outcome.error):
        return False
    wanted = outcome.change.expected or {}
    return bool(held(outcome.change.gvk, wanted)) and any(_gave_up(other.change, outcome.change) for other in others)


def _gave_up(other: Change, change: Change) -> bool:
    if (other.key.group, other.key.kind) != (change.key.group, change.key.kind) or other.key == change.key:
        return False
    wanted, gvk = change.expected or {}, change.gvk
    return bool(shared(gvk, wanted, other.live or {})) and not shared(gvk, wanted, other.expected or {})


def is_short_of_quota(outcome: Outcome) -> bool:
    """Whether a quota refused the write."""
    return _quota(outcome) is not None


def _excess(outcome: Outcome) -> Excess | None:
    return Excess.of(outcome.error) if isinstance(outcome.error, ClusterError) else None


def _quota(outcome: Outcome) -> tuple[str, str] | None:
    excess = _excess(outcome)
    return (outcome.key.namespace, excess.quota) if excess is not None else None
