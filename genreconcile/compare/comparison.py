"""The comparison of an expected and a live object under compiled rules and a policy, and the Diff that it gives.

Invariant: pure: dicts in, dicts out; neither side is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from genreconcile.compare.coarse import bounded
from genreconcile.compare.foreign import without_foreign
from genreconcile.compare.operation import Covered, Difference, Intervention, Ours, Spot
from genreconcile.compare.owned import own_members, sorted_out
from genreconcile.compare.patch import Patch
from genreconcile.compare.quick import is_clean
from genreconcile.compare.walk import SUBSET, Walk
from genreconcile.errors import InputError
from genreconcile.mask import Fields
from genreconcile.normalize.compiled import Node
from genreconcile.normalize.place import Others
from genreconcile.normalize.prepare import prepare
from genreconcile.pointer import join_pointer
from genreconcile.wording import first_of

EXACT: Final = "exact"
NOBODY: Final = Ours()
"""A writer with the default field manager and without an owner set, which has added nothing."""
_DROPPED: Final = frozenset({"system", "ignore"})
_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Policy:
    """How to compare: ``fields`` is ``exact`` or ``subset``; ``others`` gives the objects that rules may consult;
    ``ours`` is the writer for whom expected and live are compared.
    """

    fields: str = EXACT
    others: Others | None = None
    ours: Ours = NOBODY


_EXACTLY: Final = Policy()


@dataclass(frozen=True, slots=True, repr=False)
class Diff:
    """``patch`` brings live to expected; it is empty without ``differences``, which have both values of each operation.
    ``covered`` are live values that a rule explains, with the rule's id. ``typed`` is False where no schema describes
    the kind: then lists count as atomic and no default is known. ``sensitive`` are the paths of secret fields.
    ``interventions`` are drift that no patch repairs: values that a manager has set where the server or controllers
    choose them.
    """

    patch: Patch
    differences: tuple[Difference, ...]
    covered: tuple[Covered, ...]
    typed: bool
    sensitive: Fields = field(default=(), repr=False)
    interventions: tuple[Intervention, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is drift."""
        return bool(self.differences or self.interventions)

    def __repr__(self) -> str:
        told = first_of(self.differences, _TOLD, lambda found: f"{found.op} {join_pointer(found.path)}")
        return f"<Diff {len(self.differences)} differences{': ' * bool(told)}{told}{', untyped' * (not self.typed)}>"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The compiled rules and the policy under which an object is compared; ``typed`` as in Diff."""

    node: Node
    typed: bool = True
    policy: Policy = _EXACTLY

    def compare(
        self, expected: Mapping[str, Any], live: Mapping[str, Any], earlier: Mapping[str, Any] | None = None
    ) -> Diff:
        """The difference. ``earlier`` is an earlier state of live, None where none was seen.

        InputError, with the ``path``, for a field of ``expected`` that the schema does not know, or a value that the
        server cannot store; also for an object that is nested too deeply.
        """
        try:
            return self._compared(expected, live, earlier)
        except RecursionError:
            raise InputError("nested too deeply; give a flatter object", code="GR205") from None

    def is_clean(self, expected: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
        """The quick check of ``genreconcile.compare.quick``: True only where ``compare`` finds no drift."""
        subset = self.policy.fields == SUBSET
        return is_clean(expected, live, self.node, subset=subset, others=self.policy.others)

    def _compared(
        self, expected: Mapping[str, Any], live: Mapping[str, Any], earlier: Mapping[str, Any] | None
    ) -> Diff:
        node, policy = self.node, self.policy
        prepared = prepare(expected, node, drop=_DROPPED)
        if prepared.errors:
            raise InputError.of(prepared.errors)
        walk = Walk()
        own = own_members(expected, live, node.shared, policy.ours)
        walk.root(prepared.value, live, node, Spot(subset=policy.fields == SUBSET, others=policy.others, own=own))
        found, covered = without_foreign(walk.found, live, node.foreign) if node.foreign else (walk.found, [])
        owned = sorted_out(walk.covered, live, policy.ours, earlier)
        explained = (*owned.covered, *covered)
        differences, patch = bounded([*found, *owned.differences], explained, live)
        return Diff(patch, tuple(differences), explained, self.typed, interventions=tuple(owned.interventions))
