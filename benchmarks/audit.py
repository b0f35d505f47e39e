"""What one user asked the API server, counted by the server itself.

Invariant: requests of all other users are not logged, and cost nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

USER = "counted"
_POLICY = f"""\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    users: [{USER}]
  - level: None
"""
_QUIET = 0.5
"""Seconds without a new request after which none is expected."""


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
            "--audit-log-mode=blocking",
        ]

    def count(self) -> int:
        """How many requests there were, once none has come for a while. A watch counts once."""
        before = -1
        while (now := len(self._requests())) != before:
            before = now
            time.sleep(_QUIET)
        return now

    def count_but_watches(self) -> int:
        """The same without watches, which are renewed by themselves, and the look for one object that comes before."""
        self.count()
        return len({str(event["auditID"]) for event in self._events() if not _is_renewal(event)})

    def _requests(self) -> set[str]:
        return {str(event["auditID"]) for event in self._events()}

    def _events(self) -> Iterator[dict[str, Any]]:
        lines = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        return map(json.loads, lines)


def _is_renewal(event: Mapping[str, Any]) -> bool:
    return event["verb"] == "watch" or str(event["requestURI"]).endswith("?limit=1")
