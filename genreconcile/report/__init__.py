"""Reports: plans and results as text, unified diff, patches or JSON; waits as text or JSON.

Invariant: pure; no report holds a value of a Secret, in whatever form.
"""

from __future__ import annotations

from collections.abc import Callable

from genreconcile.apply.result import Result
from genreconcile.plan import Plan
from genreconcile.report.diff import render_diff
from genreconcile.report.document import document, render_json, schema
from genreconcile.report.patch import render_patch
from genreconcile.report.text import render_text
from genreconcile.report.waits import render_waits, wait_document

__all__ = [
    "FORMATS",
    "document",
    "render",
    "render_diff",
    "render_json",
    "render_patch",
    "render_text",
    "render_waits",
    "schema",
    "wait_document",
]

_RENDERERS: dict[str, Callable[[Plan | Result], str]] = {
    "text": render_text,
    "diff": render_diff,
    "patch": render_patch,
    "json": render_json,
}
FORMATS = tuple(_RENDERERS)


def render(report: Plan | Result, output: str) -> str:
    """The text of a report in one of FORMATS, empty or ending with a newline. KeyError for another format."""
    return _RENDERERS[output](report)
