"""What one user asked the API server, counted by the server itself.

Invariant: requests of all other users are not logged, and cost nothing.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

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

    def _requests(self) -> set[str]:
        lines = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        return {str(json.loads(line)["auditID"]) for line in lines}
