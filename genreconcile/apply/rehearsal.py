"""A plan, tried by dry run: the server checks every request, and stores nothing.

Invariant: a write that cannot be tried, for the plan itself creates what it needs, is reported as untried, not failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from genreconcile.apply.applier import Applier
from genreconcile.apply.result import Outcome
from genreconcile.errors import InputError, NotFound
from genreconcile.kinds.order import defined_by
from genreconcile.ownership import Parent
from genreconcile.plan import Change


class _Brought(NamedTuple):
    """What a plan creates: kinds as (group, kind), and the names of cluster-scoped objects."""

    kinds: frozenset[tuple[str, str]]
    names: frozenset[str]


class Rehearsal(Applier):
    """An Applier for options with ``dry_run``."""

    def write(self, changes: Iterable[Change], parent: Parent | None = None) -> Iterator[list[Outcome]]:
        """Dry-run creates and patches, in order; yields the outcomes of each wave."""
        tried = list(changes)
        brought = _brought(tried)
        for wave in super().write(tried, parent):
            yield [_excused(outcome, brought) for outcome in wave]


def _brought(changes: Iterable[Change]) -> _Brought:
    created = [change for change in changes if change.operation == "create"]
    kinds = [resource.gvk for change in created for resource in defined_by(change.expected or {})]
    names = frozenset(change.key.name for change in created if not change.key.namespace)
    return _Brought(frozenset((gvk.group, gvk.kind) for gvk in kinds), names)


def _excused(outcome: Outcome, brought: _Brought) -> Outcome:
    change, error = outcome.change, outcome.error
    if isinstance(error, InputError) and (change.key.group, change.key.kind) in brought.kinds:
        return Outcome(change, "created", reason="not tried: the same plan brings its kind")
    is_of_namespace = isinstance(error, NotFound) and error.details.get("kind") == "namespaces"
    if is_of_namespace and change.key.namespace in brought.names:
        return Outcome(change, "created", reason="not tried: the same plan brings its namespace")
    return outcome
