"""Objects that wait for the definition of their kind, which the same plan changes.

Invariant: pure; the schema that the server has afterwards decides whether such an object is usable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from genreconcile.errors import InputError, NoMember
from genreconcile.kinds.order import defined_by, wave_of
from genreconcile.objects import GVK
from genreconcile.plan.change import Change, Plan

AWAITS: Final = "this set changes the definition of its kind; it is compared once that is written"


def deferred(changes: list[Change], fields: str) -> list[Change]:
    """The changes; an object that today's schema refuses waits if the definition of its kind is to change."""
    if not any(isinstance(change.error, InputError) for change in changes):
        return changes
    brought = {gvk for change in changes for gvk in _redefined(change)}
    return [_later(change, fields) if _awaits(change, brought) else change for change in changes]


def awaiting(plan: Plan) -> list[Change]:
    """The changes that are planned again once the definitions are written."""
    return [change for change in plan.changes if change.awaits_definition]


def with_definitions(changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """The changes up to the last wave that changes a definition, and the changes of later waves."""
    last = max((_wave(change) for change in changes if _redefined(change)), default=-1)
    return [change for change in changes if _wave(change) <= last], [
        change for change in changes if _wave(change) > last
    ]


def changes_schema(change: Change) -> bool:
    """Whether a change of a definition patches its spec, and so perhaps the schema of its kind."""
    return any(operation["path"].startswith("/spec") for operation in change.writes)


def _redefined(change: Change) -> list[GVK]:
    if change.operation != "update" or not changes_schema(change):
        return []
    return [resource.gvk for resource in defined_by(change.expected or {})]


def _wave(change: Change) -> int:
    return wave_of(change.key.group, change.key.kind)


def _awaits(change: Change, brought: set[GVK]) -> bool:
    is_of_schema = isinstance(change.error, InputError) and not isinstance(change.error, NoMember)
    return is_of_schema and change.gvk in brought


def _later(change: Change, fields: str) -> Change:
    return replace(change, error=None, reason=AWAITS, skipped=True, fields=fields, awaits_definition=True)
