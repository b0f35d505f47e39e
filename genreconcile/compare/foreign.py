"""Differences in fields of other field managers that a rule leaves alone.

Invariant: pure; a field that nobody owns, or whose owners are not known, stays a difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from genreconcile.compare.operation import Covered, Difference, Path
from genreconcile.kinds.types import MISSING
from genreconcile.managers import Owners
from genreconcile.normalize.rule import Rule
from genreconcile.pointer import token_matches


def without_foreign(
    found: Sequence[Difference], live: Mapping[str, Any], rules: Sequence[Rule]
) -> tuple[list[Difference], list[Covered]]:
    """The differences to repair, and as covered those that a rule leaves to other field managers."""
    ours: list[Difference] = []
    covered: list[Covered] = []
    owners = Owners(live)
    for difference in found:
        rule = _rule_for(difference, owners, rules)
        if rule is None:
            ours.append(difference)
        else:
            covered.append(Covered(difference.path, rule.id, difference.live, kept=True))
    return ours, covered


def _rule_for(difference: Difference, owners: Owners, rules: Sequence[Rule]) -> Rule | None:
    if difference.live is MISSING:
        return None
    managers = owners.managers_of(difference.path)
    return next((rule for rule in rules if _is_below(difference.path, rule) and _owns(rule, managers)), None)


def _is_below(path: Path, rule: Rule) -> bool:
    keys = ["*" if isinstance(token, int) else token for token in path]
    return len(keys) >= len(rule.tokens) and all(map(token_matches, rule.tokens, keys))


def _owns(rule: Rule, owners: Sequence[str]) -> bool:
    """Whether the rule names all owners of the field, at least one: a field that we own as well is ours."""
    return bool(owners) and all(any(fnmatchcase(owner, name) for name in rule.managers) for owner in owners)
