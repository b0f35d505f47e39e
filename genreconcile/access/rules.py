"""The rules of one namespace, as a SelfSubjectRulesReview answers them.

Invariant: pure. A rule proves a right in its namespace; the absence of a rule proves that a right is missing only where
the answer is complete. Grammar and meaning follow k8s.io/component-helpers/auth/rbac.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from genreconcile.access.right import Right

ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """Verbs on resources of groups, each of them ``*`` for all; of any name where ``names`` is empty."""

    verbs: frozenset[str]
    groups: frozenset[str]
    plurals: frozenset[str]
    names: frozenset[str]

    def covers(self, right: Right) -> bool:
        """Whether the rule grants the right, in the rule's own namespace."""
        return (
            (right.verb in self.verbs or ALL in self.verbs)
            and (right.group in self.groups or ALL in self.groups)
            and (right.plural in self.plurals or ALL in self.plurals)
            and (not self.names or right.name in self.names)
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that hold in one namespace, those of the whole cluster included."""

    rules: tuple[Rule, ...] = ()
    is_complete: bool = False

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> Rules:
        """The rules in the ``status`` of a review. A status with an error is not complete, whatever it says."""
        rules = [_rule(rule) for rule in status.get("resourceRules") or ()]
        return cls(tuple(rules), not status.get("incomplete") and not status.get("evaluationError"))

    def grants(self, right: Right) -> bool:
        """Whether the rules prove the right, in their own namespace."""
        return any(rule.covers(right) for rule in self.rules)

    def excludes(self, right: Right) -> bool:
        """Whether the rules prove that the account lacks the right, there and in the whole cluster."""
        return self.is_complete and not self.grants(right)


def _rule(rule: Mapping[str, Any]) -> Rule:
    parts = (frozenset(rule.get(key) or ()) for key in ("verbs", "apiGroups", "resources", "resourceNames"))
    return Rule(*parts)
