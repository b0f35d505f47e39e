"""What operators would do, parent by parent, as text and as JSON.

Invariant: as of all reports: no value of a Secret, and the JSON fits ``output.schema.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from genreconcile.access import Right
from genreconcile.errors import shown, with_code
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change, Plan
from genreconcile.report.document import API_VERSION, document, indented
from genreconcile.report.text import operations, render_text


class Write(NamedTuple):
    """A request that writes, by the names of Kubernetes; ``subresource`` "" is the object itself."""

    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str


class OnParent(NamedTuple):
    """A patch of the parent itself, or of its ``subresource``, which is the status."""

    subresource: str
    change: Change


@dataclass(frozen=True, slots=True)
class Planned:
    """What a controller would do for a ``parent``, or a set without one: ``plan`` of the children, or ``error`` why
    nobody can tell. With neither nothing would be done to them: the parent is being deleted, or is paused.

    ``on_parent`` is what would be written on the parent, ``writes`` are all requests, in their order, of a controller;
    ``rights`` are those to send them. ``refusal``: the controller would not run, for this reason. ``code`` is that of
    the error, or of the refusal.
    """

    name: str
    parent: ObjectKey | None
    plan: Plan | None = None
    error: str = ""
    rights: frozenset[Right] = frozenset()
    on_parent: Sequence[OnParent] = ()
    writes: Sequence[Write] = ()
    refusal: str = ""
    code: str = ""

    @property
    def has_changes(self) -> bool:
        """Whether anything would be written."""
        has_plan = self.plan is not None and any(change.operation != "none" for change in self.plan.changes)
        return has_plan or bool(self.writes)

    @property
    def is_judged(self) -> bool:
        """Whether all of it is known."""
        return not self.error and (self.plan is None or all(change.error is None for change in self.plan.changes))

    @property
    def of(self) -> str:
        """What it is about, for people."""
        return f"{self.name}: {self.parent}" if self.parent is not None else self.name


def render_operators(found: Sequence[Planned], missing: Sequence[Right], output: str) -> str:
    """The text of a dry run, as ``text`` or ``json``; ``missing`` are rights that the account lacks."""
    if output == "json":
        return indented(operators_document(found, missing))
    return "".join(f"{line}\n" for line in _lines(found, missing))


def operators_document(found: Sequence[Planned], missing: Sequence[Right]) -> dict[str, Any]:
    """A dry run as JSON data of kind OperatorPlan."""
    return {
        "apiVersion": API_VERSION,
        "kind": "OperatorPlan",
        "changed": sum(one.has_changes for one in found),
        "plans": [
            {
                "controller": one.name,
                "parent": one.parent._asdict() if one.parent is not None else None,
                "plan": document(one.plan) if one.plan is not None else None,
                "error": one.error,
                "code": one.code,
                "refused": one.refusal,
                "onParent": [
                    {"subresource": written.subresource, "patch": written.change.operations}
                    for written in one.on_parent
                ],
                "writes": [write._asdict() for write in one.writes],
            }
            for one in found
        ],
        "missingRights": [_told(right) for right in missing],
    }


def _lines(found: Sequence[Planned], missing: Sequence[Right]) -> Iterator[str]:
    """Of parents for which nothing would be done only their number."""
    for one in found:
        yield from _of_one(one)
    for right in missing:
        yield f"missing right: {_told(right)}"
    changed = sum(one.has_changes for one in found)
    unknown = sum(not one.is_judged for one in found)
    looked_at = sum(not one.refusal for one in found)
    yield f"{looked_at} looked at: {changed} would be changed, {unknown} could not be judged"


def _of_one(one: Planned) -> Iterator[str]:
    if one.refusal:
        yield f"{one.of}: refused: {with_code(one.refusal, one.code)}"
    if one.error:
        yield f"{one.of}: not judged: {with_code(one.error, one.code)}"
    plan = one.plan if one.plan is not None and _is_worth_telling(one.plan) else None
    if plan is not None or one.on_parent:
        yield f"{one.of}:"
    if plan is not None:
        yield from (f"  {line}" for line in render_text(plan).splitlines())
        yield from (f"  warning: {shown(warning)}" for warning in plan.warnings)
        yield from (f"  refused: {refusal}" for refusal in plan.told_refusals)
    for subresource, change in one.on_parent:
        yield f"  {f'{subresource} of the parent' if subresource else 'the parent'} to update"
        yield from (f"  {line}" for line in operations(change))


def _is_worth_telling(plan: Plan) -> bool:
    has_changes = any(change.operation != "none" or change.error is not None for change in plan.changes)
    return has_changes or bool(plan.refusals or plan.warnings)


def _told(right: Right) -> str:
    place = f" in {right.namespace}" if right.namespace else ""
    return f"{right.verb} {right.resource}{place}"
