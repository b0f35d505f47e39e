"""The requests of who runs for Leases in one namespace.

Invariant: what is read is no older than the request.
"""

from __future__ import annotations

from genreconcile.cluster import Cluster
from genreconcile.data import Own, shipped
from genreconcile.election.election import Write
from genreconcile.errors import NotFound, Unreachable
from genreconcile.gojson import dumps, loads
from genreconcile.objects import Object


class Requests:
    """Each waits ``timeout`` seconds for an answer. All raise ClusterError."""

    def __init__(self, cluster: Cluster, namespace: str, timeout: float) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._timeout = timeout
        self._kind = shipped(Own).lease

    def read(self, name: str) -> Object | None:
        """A Lease, None where there is none."""
        try:
            return self._asked("GET", name, None)
        except NotFound:
            return None

    def list(self) -> dict[str, Object]:
        """All Leases by name."""
        kind = self._kind.object
        answer = self._asked("GET", "", None)
        named = {"apiVersion": kind.api_version, "kind": kind.kind}  # Those of a list do not say what they are.
        try:
            return {item["metadata"]["name"]: {**item, **named} for item in answer["items"]}
        except (KeyError, TypeError):
            raise _strange("GET", self._kind.path(self._namespace)) from None

    def write(self, step: Write) -> Object:
        """Create or replace a Lease; returns what it is then."""
        return self._asked("POST" if step.creates else "PUT", "" if step.creates else step.name, step.body)

    def _asked(self, method: str, name: str, obj: Object | None) -> Object:
        body = None if obj is None else dumps(obj)
        path = self._kind.path(self._namespace, name)
        answer = self._cluster.request(method, path, body=body, timeout=self._timeout)
        try:
            found = loads(answer)
        except ValueError:
            found = None
        if not isinstance(found, dict):  # Whatever stands between may answer anything, and the thread has to go on.
            raise _strange(method, path)
        return found


def _strange(method: str, path: str) -> Unreachable:
    return Unreachable(f"{method} {path}: the answer is no object; see what stands before the API server", code="GR611")
