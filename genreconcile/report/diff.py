"""Unified diffs of objects as YAML, before and after a plan or a result.

Invariant: both sides of an object are masked; an object without changes has no diff.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonpatch
import jsonpointer

from genreconcile.apply.result import Result
from genreconcile.copying import copied
from genreconcile.mask import mask_object
from genreconcile.objects import Object
from genreconcile.plan import Change, Plan
from genreconcile.report.row import Row, rows
from genreconcile.report.unified import unified
from genreconcile.report.yamltext import dump


def render_diff(report: Plan | Result) -> str:
    """A diff per object that is created, updated or deleted; a ``#`` line for one that is skipped or failed."""
    return "".join(f"{line}\n" for row in rows(report) for line in _lines(row))


def _lines(row: Row) -> Iterator[str]:
    change = row.change
    if row.verb in ("skipped", "failed"):
        yield from (f"# {line}" for line in row.title.split("\n"))
        return
    try:
        before, after = _sides(change)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError):
        yield f"# {row.title}: the patch does not fit the live object at hand"
        yield from (f"# {json.dumps(operation)}" for operation in change.operations)
        return
    name = "/".join(filter(None, (change.gvk.api_version, *change.key[1:])))
    yield from unified(
        _yaml(change, before),
        _yaml(change, after),
        f"live/{name}" if before else "/dev/null",
        f"expected/{name}" if after else "/dev/null",
    )


def _sides(change: Change) -> tuple[Object | None, Object | None]:
    if change.operation == "create":
        return None, change.expected
    if change.operation == "delete":
        return change.live, None
    after: Any = jsonpatch.apply_patch(copied(change.live), change.writes, in_place=True)
    return change.live, after


def _yaml(change: Change, obj: Object | None) -> list[str]:
    if obj is None:
        return []
    # Not splitlines: YAML may hold other line breaks unescaped.
    return dump(mask_object(obj, change.secrets)).removesuffix("\n").split("\n")
