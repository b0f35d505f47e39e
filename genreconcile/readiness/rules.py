"""The users' rules about readiness, under the key ``readiness`` of a rule set.

Invariant: a rule that was read is valid; a fault in a file is a RuleError that names file, rule and key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, get_args

from genreconcile.data import told
from genreconcile.data.steps import Profile, ReadinessRule, Step, Trial
from genreconcile.errors import RuleError
from genreconcile.objects import GVK, labels_of, name_of, namespace_of
from genreconcile.readiness.cel import Expression
from genreconcile.readiness.compiled import decider
from genreconcile.readiness.scene import Scene, time_of
from genreconcile.readiness.state import Status
from genreconcile.readiness.template import faults_of


class UserRule:
    """A rule as its ``entry`` says it, with its steps made ready once. Equal where the entries are."""

    __slots__ = ("_deciders", "_defaults", "entry")

    def __init__(self, entry: ReadinessRule) -> None:
        self.entry = entry
        self._defaults = dict(entry.defaults)
        self._deciders = {profile: decider(entry.steps, profile, entry.id) for profile in get_args(Profile)}

    @property
    def id(self) -> str:
        """The name that stands in a Status which this rule has decided."""
        return self.entry.id

    @property
    def tests(self) -> tuple[Trial, ...]:
        """The tests that stand beside the rule."""
        return self.entry.tests

    def selects(self, live: Mapping[str, Any]) -> bool:
        """Whether the rule is about this object."""
        gvk, labels, wanted = GVK.of(live), labels_of(live), self.entry.object
        texts = (gvk.kind, gvk.group, namespace_of(live), name_of(live))
        globs = (wanted.kind, wanted.group, wanted.namespace, wanted.name)
        matches = all(fnmatchcase(text, glob) for text, glob in zip(texts, globs, strict=True))
        return matches and all(labels.get(key) == value for key, value in wanted.labels.items())

    def decide(self, scene: Scene, profile: Profile) -> Status | None:
        """How the object is, None where no step says it."""
        return self._deciders[profile](scene.under(self._defaults))

    def __repr__(self) -> str:
        return f"<UserRule {self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UserRule) and self.entry == other.entry

    def __hash__(self) -> int:
        return hash(self.id)

    def __reduce__(self) -> tuple[Any, ...]:
        return UserRule, (self.entry,)  # Steps that were made ready are functions.


def parse_readiness(entries: Any, source: str) -> tuple[UserRule, ...]:
    """The rules in the list ``readiness`` of a rule set, which ``source`` names in messages. Raises RuleError."""
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise RuleError(f"{source}: key readiness: is no list; write one entry per rule", code="GR306")
    found = tuple(_rule(entry, _named(entry, index, source)) for index, entry in enumerate(entries))
    names = [rule.id for rule in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RuleError(f"{source}: readiness {twice}: key id: is used twice; give each rule its own", code="GR305")
    return found


def _rule(entry: Any, where: str) -> UserRule:
    try:
        rule = told(entry, ReadinessRule)
    except ValueError as error:
        raise RuleError(f"{where}: {error}", code="GR306") from None
    for place, step in _steps(rule.steps, "steps"):
        for key in ("reason", "message", "warning"):
            fault = faults_of(getattr(step, key) or "")
            if fault:
                raise RuleError(
                    f"{where}: key {place}.{key}: {fault}; write the path of a value in braces", code="GR306"
                )
        for test in step.tests:
            if test.cel is not None:
                Expression(test.cel, f"{where}: key {place}.when: ")
    for index, trial in enumerate(rule.tests):
        if trial.now is not None:
            moment_of(trial.now, f"{where}: key tests[{index}].now")
    return UserRule(rule)


def _steps(steps: Sequence[Step], place: str) -> Iterator[tuple[str, Step]]:
    for index, step in enumerate(steps):
        here = f"{place}[{index}]"
        yield here, step
        yield from _steps(step.steps, f"{here}.steps")


def moment_of(text: str, where: str) -> dt.datetime:
    """The time that a text names. Raises RuleError."""
    found = time_of(text)
    if found is None:
        raise RuleError(f"{where}: is no time; write one such as 2026-01-01T00:00:00Z, in quotes", code="GR306")
    return found


def _named(entry: Any, index: int, source: str) -> str:
    name = entry.get("id") if isinstance(entry, Mapping) else None
    return f"{source}: readiness {name[:200] if isinstance(name, str) and name else f'#{index + 1}'}"
