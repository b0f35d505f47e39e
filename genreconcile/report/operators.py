"""What operators would do, parent by parent, as text and as JSON.

Invariant: as of all reports: no value of a Secret, and the JSON fits ``output.schema.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from genreconcile.access import Right
from genreconcile.objects import ObjectKey
from genreconcile.plan import Plan
from genreconcile.report.document import API_VERSION, document, indented
from genreconcile.report.text import render_text


@dataclass(frozen=True, slots=True)
class Planned:
    """What a controller would do for a ``parent``, or a set without one: ``plan``, or ``error`` why nobody can tell.
    With neither nothing would be done: the parent is being deleted, or is paused. ``rights`` are those to write it.
    """

    name: str
    parent: ObjectKey | None
    plan: Plan | None = None
    error: str = ""
    rights: frozenset[Right] = frozenset()

    @property
    def has_changes(self) -> bool:
        """Whether anything would be written."""
        return self.plan is not None and any(change.operation != "none" for change in self.plan.changes)

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
            }
            for one in found
        ],
        "missingRights": [_told(right) for right in missing],
    }


def _lines(found: Sequence[Planned], missing: Sequence[Right]) -> Iterator[str]:
    """Of parents for which nothing would be done only their number."""
    for one in found:
        if one.error:
            yield f"{one.of}: not judged: {one.error}"
        elif one.plan is not None and (one.has_changes or not one.is_judged or one.plan.refusals):
            yield f"{one.of}:"
            yield from (f"  {line}" for line in render_text(one.plan).splitlines())
            yield from (f"  refused: {refusal}" for refusal in one.plan.refusals)
    for right in missing:
        yield f"missing right: {_told(right)}"
    changed = sum(one.has_changes for one in found)
    unknown = sum(not one.is_judged for one in found)
    yield f"{len(found)} looked at: {changed} would be changed, {unknown} could not be judged"


def _told(right: Right) -> str:
    place = f" in {right.namespace}" if right.namespace else ""
    return f"{right.verb} {right.resource}{place}"
