"""Lines as kubectl writes them, and a summary.

Invariant: a value takes one line, however long it is.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

import jsonpatch
import jsonpointer

from genreconcile.apply.result import Result
from genreconcile.mask import mask_value
from genreconcile.objects import GVK
from genreconcile.plan import Change, Plan
from genreconcile.pointer import split_pointer
from genreconcile.report.row import printable, rows

_MAX_VALUE = 120
_MAX_KINDS = 12


def render_text(report: Plan | Result) -> str:
    """One line per object, in a plan followed by the operations of its patch; the summary comes last."""
    lines: list[str] = []
    for row in rows(report):
        lines.append(row.title)
        if isinstance(report, Plan):
            lines += _operations(row.change)
    if report.looked_at:
        lines.append(_looked_at(report.looked_at))
    lines.append(report.summary())
    return "\n".join(lines) + "\n"


def _looked_at(kinds: Sequence[GVK]) -> str:
    """Where deletion looked: what is of another kind stays."""
    more = f" and {len(kinds) - _MAX_KINDS} more" if len(kinds) > _MAX_KINDS else ""
    return f"deletion looked at {', '.join(map(str, kinds[:_MAX_KINDS]))}{more}"


def _operations(change: Change) -> Iterator[str]:
    """Old values are those that an operation meets: the ones before it may have moved them."""
    state: Any = copy.deepcopy(change.live)
    for operation in change.writes:
        name, path = operation["op"], operation["path"]
        source = operation.get("from", path)
        old = _show(change, source, _at(state, source))
        new = _show(change, path, operation["value"]) if "value" in operation else old
        values = f"{old} → {new}" if name == "replace" else new
        yield printable(f"  {name} {path}{'' if source == path else f' from {source}'}: {values}")
        state = _apply(state, operation)


class _Unknown:
    """Stands for a value that is not there."""


def _at(state: Any, path: str) -> Any:
    try:
        return jsonpointer.resolve_pointer(state, path)
    except (jsonpointer.JsonPointerException, TypeError):
        return _Unknown


def _apply(state: Any, operation: dict[str, Any]) -> Any:
    try:
        return jsonpatch.apply_patch(state, [operation], in_place=True)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError):
        # Later operations may still show what they set.
        return state


def _show(change: Change, path: str, value: Any) -> str:
    if value is _Unknown:
        return "?"
    text = json.dumps(mask_value(change.secrets, split_pointer(path), value), ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}… ({len(text)} characters)"
