"""Reports as RFC 6902 patches, one for each object.

Invariant: every line that does not begin with ``#`` is one JSON patch.
"""

from __future__ import annotations

import json

from genreconcile.apply.result import Result
from genreconcile.plan import Plan
from genreconcile.report.row import rows


def render_patch(report: Plan | Result) -> str:
    """A ``#`` line per object, followed by its patch where it has one, without preconditions."""
    lines = []
    for row in rows(report):
        lines += [f"# {line}" for line in row.title.split("\n")]
        if operations := row.change.operations:
            lines.append(json.dumps(operations, sort_keys=True))
    return "".join(f"{line}\n" for line in lines)
