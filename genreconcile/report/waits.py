"""How objects are that were waited for, as text and as JSON.

Invariant: as of all reports: the JSON fits ``output.schema.json`` and has no timestamps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from genreconcile.errors import code_of
from genreconcile.objects import ObjectKey
from genreconcile.readiness import Status
from genreconcile.report.document import API_VERSION, indented
from genreconcile.waiting import Waited


def render_waits(found: Sequence[Waited], output: str) -> str:
    """The text of what ``Reconciler.wait`` found, as ``text`` or ``json``, empty or ending with a newline."""
    if output == "json":
        return indented(wait_document(found))
    return "".join(f"{one}\n" for one in found)


def wait_document(found: Sequence[Waited]) -> dict[str, Any]:
    """What ``Reconciler.wait`` found, as JSON data of kind Wait."""
    states = Counter(one.status.state for one in found)
    return {
        "apiVersion": API_VERSION,
        "kind": "Wait",
        "ready": all(one.is_current for one in found),
        "summary": dict(states),
        "objects": [_waited(one) for one in found],
    }


def _waited(one: Waited) -> dict[str, Any]:
    held_up_by = None
    if one.blocker is not None and one.blocker_status is not None:
        held_up_by = _status(one.blocker, one.blocker_status)
    return {**_status(one.key, one.status), "heldUpBy": held_up_by, "lastEvent": one.event}


def _status(key: ObjectKey, status: Status) -> dict[str, Any]:
    return {
        **key._asdict(),
        "state": status.state,
        "reason": status.reason,
        "message": status.message,
        "warning": status.warning,
        "warningCode": code_of(status.warning),
    }
