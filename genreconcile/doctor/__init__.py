"""Examines what a run would meet: connection, identity, clock, versions, schemas, rights, and what a cache would cost.

Invariant: nothing is written; the only bodies that are sent are reviews, which store nothing. A check that fails says
so, and the others go on, but for those that need what has failed.
"""

from genreconcile.doctor.examination import Asked, Connecting, examine
from genreconcile.doctor.finding import OK, PROBLEM, WARNING, Cost, Finding, Health
from genreconcile.doctor.report import health_document, render_health

__all__ = [
    "OK",
    "PROBLEM",
    "WARNING",
    "Asked",
    "Connecting",
    "Cost",
    "Finding",
    "Health",
    "examine",
    "health_document",
    "render_health",
]
