"""Reports for programs: the document that ``-o json`` prints.

Invariant: a document fits ``output.schema.json`` and has no timestamps; equal reports give equal text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from genreconcile.apply.result import Result
from genreconcile.errors import code_of
from genreconcile.notice import Notice
from genreconcile.plan import Plan
from genreconcile.report.row import Row, rows

API_VERSION = "genreconcile.dev/v1alpha1"


def document(report: Plan | Result) -> dict[str, Any]:
    """The report as JSON data of kind Plan or Result; unchanged objects count in ``summary`` alone."""
    found: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "Plan" if isinstance(report, Plan) else "Result",
        "summary": report.counts,
        "changes": [_change(row) for row in rows(report)],
        **({"lookedAt": [str(gvk) for gvk in report.looked_at]} if report.looked_at else {}),
        **_told("warnings", report.warnings),
    }
    if isinstance(report, Plan):
        found |= _told("refusals", report.refusals)
    if isinstance(report, Result):
        found |= {"converged": report.is_converged, "retryAfter": report.retry_after}
    return found


def _told(name: str, notices: Sequence[Notice]) -> dict[str, Any]:
    """What is told of a report as a whole, under this name; nothing where there is nothing."""
    return {name: [{"message": str(one), "code": code_of(one)} for one in notices]} if notices else {}


def _change(row: Row) -> dict[str, Any]:
    change = row.change
    found: dict[str, Any] = {
        "operation": change.operation,
        "apiVersion": change.gvk.api_version,
        "kind": change.gvk.kind,
        "namespace": change.key.namespace,
        "name": change.key.name,
        "patch": change.operations,
        "reason": row.safe_reason,
        "error": None,
    }
    if row.error is not None:
        path = str(getattr(row.error, "path", ""))
        name = type(row.error).__name__
        found["error"] = {"message": row.note, "path": path, "type": name, "code": row.error.code}
    if row.retry_after is not None:
        found["retryAfter"] = row.retry_after
    return {**found, "status": row.status} if row.status else found


def render_json(report: Plan | Result) -> str:
    """The document as indented JSON with sorted keys."""
    return indented(document(report))


def indented(data: dict[str, Any]) -> str:
    """The document as text, its keys sorted."""
    return json.dumps(data, indent=2, sort_keys=True) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document."""
    loaded: dict[str, Any] = json.loads(files(__package__ or "").joinpath("output.schema.json").read_text("utf-8"))
    return loaded
