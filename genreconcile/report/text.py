"""Reports as text: lines as kubectl writes them, and a summary.

Invariant: an operation takes one line, however long its values are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import jsonpatch
import jsonpointer

from genreconcile.apply.result import Result
from genreconcile.copying import copied
from genreconcile.mask import mask_value
from genreconcile.objects import GVK
from genreconcile.plan import Change, Plan
from genreconcile.pointer import split_pointer
from genreconcile.report.row import printable, rows
from genreconcile.wording import first_of

_MAX_VALUE = 120
_MAX_KINDS = 12


def render_text(report: Plan | Result) -> str:
    """One line per object, in a plan followed by the operations of its patch; the summary comes last."""
    lines: list[str] = []
    for row in rows(report):
        lines.append(row.title)
        if isinstance(report, Plan):
            lines += operations(row.change)
    if report.looked_at:
        lines.append(_looked_at(report.looked_at))
    lines.append(report.summary())
    return "\n".join(lines) + "\n"


def _looked_at(kinds: Sequence[GVK]) -> str:
    """The line of the kinds among which deletion looked: objects of other kinds stay."""
    return f"deletion looked at {first_of(kinds, _MAX_KINDS)}"


def operations(change: Change) -> Iterator[str]:
    """The lines of a patch's operations; the old value is the one after the operations before, which may move it."""
    state: Any = copied(change.live)
    for operation in change.writes:
        name, path = operation["op"], operation["path"]
        source = operation.get("from", path)
        old = _show(change, source, _at(state, source))
        new = _show(change, path, operation["value"]) if "value" in operation else old
        values = f"{old} → {new}" if name == "replace" else new
        yield printable(f"  {name} {path}{'' if source == path else f' from {source}'}: {values}")
        state = _apply(state, operation)


class _Unknown:
    """Stands for an old value that is not in the live object at hand."""


def _at(state: Any, path: str) -> Any:
    try:
        found = jsonpointer.resolve_pointer(state, path)
    except (jsonpointer.JsonPointerException, TypeError):
        return _Unknown
    return _Unknown if isinstance(found, jsonpointer.EndOfList) else found


def _apply(state: Any, operation: dict[str, Any]) -> Any:
    try:
        return jsonpatch.apply_patch(state, [operation], in_place=True)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError):
        # Later operations may still show their new values.
        return state


def _show(change: Change, path: str, value: Any) -> str:
    if value is _Unknown:
        return "?"
    text = json.dumps(mask_value(change.secrets, split_pointer(path), value), ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}… ({len(text)} characters)"
