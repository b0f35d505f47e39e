"""An examination as text and as JSON.

Invariant: as of all reports, the JSON fits ``output.schema.json``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genreconcile.doctor.finding import OK, Cost, Health
from genreconcile.report.document import API_VERSION, indented
from genreconcile.report.row import printable
from genreconcile.sizes import in_words

_WIDTH = 10


def render_health(health: Health, output: str) -> str:
    """The text, as ``text`` or ``json``."""
    if output == "json":
        return indented(health_document(health))
    return "".join(f"{printable(line)}\n" for line in _lines(health))


def health_document(health: Health) -> dict[str, Any]:
    """An examination as JSON data of kind Health."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Health",
        "healthy": health.is_healthy,
        "findings": [
            {"check": one.check, "level": one.level, "message": one.message, "code": one.code, "remedy": one.remedy}
            for one in health.findings
        ],
        "costs": [
            {
                "apiVersion": one.gvk.api_version,
                "kind": one.gvk.kind,
                "namespace": one.namespace,
                "objects": one.objects,
                "bytes": one.bytes,
                "memory": one.memory,
                "atLeast": one.is_least,
            }
            for one in health.costs
        ],
    }


def _lines(health: Health) -> Iterator[str]:
    for one in health.findings:
        yield f"{one.level:<8}{one.check:<{_WIDTH}}  {one.message}{f' [{one.code}]' if one.code else ''}"
        if one.remedy:
            yield f"{'':<{_WIDTH + 10}}{one.remedy}"
    for cost in health.costs:
        yield f"{'':<8}{'cache':<{_WIDTH}}  {_told(cost)}"
    warnings = sum(one.level != OK for one in health.findings) - len(health.problems)
    yield f"checks: {len(health.findings)}, problems: {len(health.problems)}, warnings: {warnings}"


def _told(cost: Cost) -> str:
    place = cost.namespace or "the cluster"
    least = "at least " if cost.is_least else ""
    sizes = f"{in_words(cost.bytes)} to read, about {in_words(cost.memory)} of memory"
    return f"{cost.gvk} in {place}: {least}{cost.objects:,} objects, {sizes}"
