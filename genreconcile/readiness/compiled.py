"""Steps made ready to be gone through.

Invariant: going through them changes nothing and raises nothing, whatever the object holds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from genreconcile.conditions import Condition, fulfils
from genreconcile.data.steps import Less, Profile, State, Step, Test
from genreconcile.kinds.types import MISSING
from genreconcile.notice import NOTHING, Notice
from genreconcile.readiness.cel import CelError, Expression
from genreconcile.readiness.scene import Scene, type_of
from genreconcile.readiness.state import Status
from genreconcile.readiness.template import filled

Holds = Callable[[Scene], bool]
Decides = Callable[[Scene], Status | None]

_CONDITIONS: Final = "/status/conditions"
_HALF: Final = 2**63
_COMPARED: Final = {
    "equals": operator.eq,
    "differs": operator.ne,
    "above": operator.gt,
    "below": operator.lt,
}


def decider(steps: Iterable[Step], profile: Profile, rule: str = "") -> Decides:
    """What gives the first decision of the steps that are in a profile, None where they come to none."""
    parts = [_step(step, profile, rule) for step in steps if step.profile in {None, profile}]
    return lambda scene: _first(parts, scene)


def _first(parts: Sequence[Decides], scene: Scene) -> Status | None:
    for part in parts:
        found = part(scene)
        if found is not None:
            return found
    return None


def _step(step: Step, profile: Profile, rule: str) -> Decides:
    tests = [_test(test) for test in step.tests]
    name = step.id or rule
    then = _ending(step, step.state, name) if step.state else _going_on(step, decider(step.steps, profile, name))

    def decide(scene: Scene) -> Status | None:
        try:
            return then(scene) if all(test(scene) for test in tests) else None
        except CelError as error:
            return Status("Unknown", "ExpressionFailed", str(error), name)

    return decide


def _ending(step: Step, state: State, name: str) -> Decides:
    warning = Notice(step.warning, "GR915") if step.warning else NOTHING

    def end(scene: Scene) -> Status:
        reason = filled(step.reason, scene) if step.reason else state
        message = filled(step.message, scene) if step.message else ""
        return Status(state, reason or state, message, name, warning, scene.clock.soonest)

    return end


def _going_on(step: Step, steps: Decides) -> Decides:
    each = step.each
    if each is None:
        return steps

    def members(scene: Scene) -> Status | None:
        found = scene.at(each)
        decisions = (steps(scene.inside(member)) for member in (found if isinstance(found, list) else ()))
        return next((decision for decision in decisions if decision is not None), None)

    return members


def _test(test: Test) -> Holds:
    if test.silent:
        return lambda scene: scene.is_silent()
    if test.cel is not None:
        expression = Expression(test.cel)
        return lambda scene: expression.holds(scene.root)
    condition = Condition(values=test.in_, not_values=test.not_in, present=test.present)
    if test.condition is not None:
        return _of_condition(test.condition, condition, test.reason)
    return _of_path(str(test.at), test, condition)


def _of_condition(name: str, condition: Condition, reasons: tuple[str, ...] | None) -> Holds:
    def found(scene: Scene) -> list[Mapping[str, Any]]:
        members = scene.at(_CONDITIONS)
        maps = [member for member in members if isinstance(member, Mapping)] if isinstance(members, list) else []
        return [member for member in maps if member.get("type") == name]

    if condition.present is not None:
        return lambda scene: bool(found(scene)) == condition.present
    if condition.not_values is not None:
        return lambda scene: all(fulfils(member.get("status"), condition) for member in found(scene))
    return lambda scene: any(
        fulfils(member.get("status"), condition) and (reasons is None or member.get("reason") in reasons)
        for member in found(scene)
    )


def _of_path(path: str, test: Test, condition: Condition) -> Holds:
    seconds = test.younger
    if seconds is not None:
        return lambda scene: scene.clock.is_younger(scene.at(path), seconds)
    types, others = test.type, test.not_type
    if types is not None:
        return lambda scene: type_of(scene.at(path)) in types
    if others is not None:
        return lambda scene: type_of(scene.at(path)) not in others
    for name, compare in _COMPARED.items():
        operand = getattr(test, name)
        if operand is not None:
            return _comparison(path, operand, compare, is_order=name in {"above", "below"})
    return lambda scene: fulfils(scene.at(path), condition)


def _comparison(path: str, operand: str | int | Less, compare: Callable[[Any, Any], bool], *, is_order: bool) -> Holds:
    """A comparison of two values; an order holds between whole numbers alone."""

    def holds(scene: Scene) -> bool:
        one, other = scene.at(path), _operand(operand, scene)
        if is_order and not type_of(one) == type_of(other) == "whole":
            return False
        if type_of(one) != type_of(other):  # To Python, True is 1.
            return compare is operator.ne
        return compare(one, other)

    return holds


def _operand(operand: str | int | Less, scene: Scene) -> Any:
    if isinstance(operand, str):
        return scene.at(operand)
    if isinstance(operand, int):
        return operand
    one, other = scene.at(operand.at), scene.at(operand.minus)
    if not type_of(one) == type_of(other) == "whole":
        return MISSING
    return (one - other + _HALF) % (2 * _HALF) - _HALF  # As Go does it with its 64 bits.
