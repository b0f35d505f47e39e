"""The order of deletions: objects whose finalizers a controller removes, before what may be that controller.

Invariant: knowledge of kinds is data (``order.yaml``, ``deletion.yaml``); in doubt an object goes first.

The case: an operator, its rights and a custom resource with the operator's finalizer leave a set together. Once the
operator is gone, nobody removes the finalizer (argoproj/argo-cd#9296).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from genreconcile.apply.result import Outcome
from genreconcile.catalog import Catalog
from genreconcile.errors import ReconcileError
from genreconcile.kinds.order import group_behind, waves
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change
from genreconcile.plan.protection import is_seen_to
from genreconcile.wording import first_of

AFTER: Final = "not deleted: it may be what sees to"
_FEW: Final = 3


class Stage(NamedTuple):
    """Objects that are deleted together. ``is_seen_to``: later stages may be needed until these objects are gone."""

    changes: list[Change]
    is_seen_to: bool = False


class Stages:
    """Sorts deletions into stages."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def of(self, changes: Iterable[Change]) -> Iterator[Stage]:
        """The stages, none of them empty."""
        left = list(changes)
        brought = {group_behind(c.key.group, c.key.kind, c.key.name) for c in left} - {""}
        custom, left = _split(left, [self._is_custom(change, brought) for change in left])
        seen_to, left = _split(left, [is_seen_to(change.key, change.live or {}) for change in left])
        yield from (Stage(stage, is_seen_to=True) for stage in (custom, seen_to) if stage)
        named = (((change.key.group, change.key.kind), change) for change in left)
        yield from map(Stage, waves(named, reverse=True))

    def is_waited_for(self, change: Change) -> bool:
        """Whether objects of later stages may be needed until this one is gone."""
        return self._is_custom(change, set()) or is_seen_to(change.key, change.live or {})

    def _is_custom(self, change: Change, brought: set[str]) -> bool:
        if change.key.group in brought:
            return True
        try:
            return self._catalog.is_custom(self._catalog.resource(change.gvk)) is not False
        except ReconcileError:
            return True


def _split(changes: list[Change], chosen: list[bool]) -> tuple[list[Change], list[Change]]:
    pairs = list(zip(changes, chosen, strict=True))
    return [change for change, is_chosen in pairs if is_chosen], [
        change for change, is_chosen in pairs if not is_chosen
    ]


def withheld_for(changes: Iterable[Change], there: list[ObjectKey]) -> list[Outcome]:
    """The outcomes of objects that are not deleted: the objects ``there``, which may need them, are not gone."""
    reason = f"{AFTER} {first_of(there, _FEW)}, which is not gone; the next reconcile goes on"
    return [Outcome(change, "skipped", reason=reason) for change in changes]


def is_withheld(outcome: Outcome) -> bool:
    """Whether an object is to be deleted once other objects, which may need it, are gone."""
    return outcome.status == "skipped" and outcome.reason.startswith(AFTER)
