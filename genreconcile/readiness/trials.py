"""The tests that stand beside users' rules, carried out.

Invariant: pure; a test goes the way of every object: through what holds for all, the users' rules, the shipped ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from genreconcile.data.steps import Trial
from genreconcile.readiness.asking import status_of
from genreconcile.readiness.rules import UserRule, moment_of
from genreconcile.readiness.state import Status

_LATER: Final = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)
"""When nothing is young any more."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One test of a rule, and what came of it; ``fault`` is "" where it passed."""

    rule: str
    name: str
    fault: str

    def __str__(self) -> str:
        return (
            f"{'FAILED' if self.fault else 'passed'} {self.rule}: {self.name}{f': {self.fault}' if self.fault else ''}"
        )


def tried(rules: Sequence[UserRule]) -> list[Tried]:
    """All tests of the rules, in their order."""
    return [
        Tried(rule.id, trial.name or f"test {number}", _fault(rule, trial, tuple(rules)))
        for rule in rules
        for number, trial in enumerate(rule.tests, 1)
    ]


def _fault(rule: UserRule, trial: Trial, rules: tuple[UserRule, ...]) -> str:
    if not rule.selects(trial.object):
        return "the rule is not about this object; correct its object, or that of the test"
    now = moment_of(trial.now, "now") if trial.now else _LATER
    found = status_of(trial.object, now, rules=rules)
    if found.state == trial.state and trial.reason in {None, found.reason}:
        return ""
    wanted = Status(trial.state, trial.reason or trial.state, "")
    return f"{wanted} is expected; found {found}, by {found.rule}"
