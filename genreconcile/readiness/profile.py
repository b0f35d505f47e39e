"""The two profiles, each made of ``readiness.yaml`` once, and the users' rules in front of them.

Invariant: a profile gives every object a state.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from genreconcile.data import Readiness, shipped
from genreconcile.data.steps import OfKinds, Profile, Step
from genreconcile.readiness.compiled import Decides, decider
from genreconcile.readiness.rules import UserRule
from genreconcile.readiness.scene import Scene
from genreconcile.readiness.state import Status


@dataclass(frozen=True, slots=True)
class Difference:
    """One step of a profile that the other one does not have: about which kinds it is, and the reason for it."""

    id: str
    kinds: tuple[str, ...]
    why: str
    state: str


@dataclass(frozen=True, slots=True)
class _OfKind:
    decide: Decides
    defaults: Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class _Profile:
    name: Profile
    always: Decides
    declared: Decides
    kinds: Mapping[str, _OfKind]
    others: Decides


def judged(scene: Scene, kind: str, profile: Profile, rules: Iterable[UserRule] = ()) -> Status:
    """How an object of a kind (``Kind.group``) is; of the users' rules the first that decides wins."""
    parts = _profile(profile)
    found = parts.always(scene) or _by_rules(scene, profile, rules) or parts.declared(scene)
    if found is not None:
        return found
    known = parts.kinds.get(kind)
    decided = known.decide(scene.under(known.defaults)) if known else parts.others(scene)
    return cast("Status", decided)  # Steps of the data that come to no decision are refused when they are read.


def differences(profile: Profile = "wait") -> tuple[Difference, ...]:
    """The steps that a profile alone has, in the order of ``readiness.yaml``."""
    data = shipped(Readiness)
    groups = [((), data.always), ((), data.declared), *((entry.kinds, entry.steps) for entry in data.kinds)]
    return tuple(
        Difference(str(step.id), kinds, str(step.why), " or ".join(sorted(_states(step))))
        for kinds, steps in [*groups, ((), data.others)]
        for step in _walked(steps)
        if step.profile == profile
    )


def _walked(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        yield from _walked(step.steps)


def _states(step: Step) -> set[str]:
    return {inner.state for inner in _walked([step]) if inner.state}


def _by_rules(scene: Scene, profile: Profile, rules: Iterable[UserRule]) -> Status | None:
    decisions = (rule.decide(scene, profile) for rule in rules if rule.selects(scene.root))
    return next((decision for decision in decisions if decision is not None), None)


@functools.cache
def _profile(name: Profile) -> _Profile:
    data = shipped(Readiness)
    return _Profile(
        name,
        decider(data.always, name, "any-object"),
        decider(data.declared, name, "any-object"),
        {kind: _of_kind(entry, name) for entry in data.kinds for kind in entry.kinds},
        decider(data.others, name, "other-kinds"),
    )


def _of_kind(entry: OfKinds, profile: Profile) -> _OfKind:
    return _OfKind(decider(entry.steps, profile, entry.id), dict(entry.defaults))
