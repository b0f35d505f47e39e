"""What the API server was asked, by its own log: requests counted, and when they were answered.

Invariant: requests of all but two users are not logged, and cost nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

USER = "counted"
EDITOR = "editor"
"""Who edits by hand, where the log has to tell when."""
_POLICY = f"""\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    users: [{USER}, {EDITOR}]
  - level: None
"""
_QUIET = 0.5
"""Seconds without a new request after which none is expected."""
_MEGABYTES = 100_000
"""Above that, the server would begin another file."""


class Answered(NamedTuple):
    """A request that the server has answered with success: ``at`` is when, in seconds of the epoch. ``resource`` and
    ``name`` are those of the object, ``part`` its subresource.
    """

    user: str
    verb: str
    resource: str
    part: str
    name: str
    at: float


class AuditLog:
    """The audit log of an API server, with its policy, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "audit.log"
        self._policy = folder / "audit-policy.yaml"
        self._policy.write_text(_POLICY, "utf-8")

    @property
    def arguments(self) -> list[str]:
        """For kube-apiserver; blocking, so that a request is logged before its answer ends."""
        return [
            f"--audit-policy-file={self._policy}",
            f"--audit-log-path={self._file}",
            f"--audit-log-maxsize={_MEGABYTES}",
            "--audit-log-mode=blocking",
        ]

    def count(self) -> int:
        """How many requests there were, once none has come for a while. A watch counts once."""
        self.wait_quiet(_QUIET)
        return len({str(event["auditID"]) for event in self._events(0) if _is_counted(event)})

    def count_but_watches(self, mark: int = 0) -> int:
        """The same without watches, which are renewed by themselves, and the look for one object that comes before;
        without Leases, and after ``mark`` alone.
        """
        self.wait_quiet(_QUIET)
        found = (event for event in self._events(mark) if _is_counted(event) and not _is_renewal(event))
        return len({str(event["auditID"]) for event in found})

    def mark(self) -> int:
        """A place in the log: what comes later is after it."""
        return self._file.stat().st_size if self._file.exists() else 0

    def wait_quiet(self, seconds: float) -> None:
        """Wait until no request has come for so long. Nothing is read meanwhile: that would take the server's CPU."""
        before = -1
        while (now := self.mark()) != before:
            before = now
            time.sleep(seconds)

    def answered(self, mark: int) -> list[Answered]:
        """What has been answered with success after ``mark``, in the order of the log."""
        return [_answered(event) for event in self._events(mark) if _is_success(event)]

    def _events(self, mark: int) -> Iterator[dict[str, Any]]:
        if not self._file.exists():
            return
        with self._file.open("rb") as log:
            log.seek(mark)
            yield from (json.loads(line) for line in log if line.endswith(b"\n"))  # The last one may be half written.


def _is_counted(event: Mapping[str, Any]) -> bool:
    return str(event["user"]["username"]) == USER


def _is_renewal(event: Mapping[str, Any]) -> bool:
    is_lease = event.get("objectRef", {}).get("resource") == "leases"
    return is_lease or event["verb"] == "watch" or str(event["requestURI"]).endswith("?limit=1")


def _is_success(event: Mapping[str, Any]) -> bool:
    code = int(event.get("responseStatus", {}).get("code", 0))
    return str(event["stage"]) == "ResponseComplete" and 200 <= code < 300


def _answered(event: Mapping[str, Any]) -> Answered:
    about = event.get("objectRef", {})
    resource, part, name = (str(about.get(key, "")) for key in ("resource", "subresource", "name"))
    at = dt.datetime.fromisoformat(event["stageTimestamp"]).timestamp()
    return Answered(str(event["user"]["username"]), str(event["verb"]), resource, part, name, at)
