"""Patches of converted objects, tried by dry run first: values that a conversion webhook fills in are not patched.

The webhook may move a default of another version to any field, and write annotations of its own. A patch that removes
such a value is a real write: the generation grows, and the value comes back all the same.

Invariant: one more request for each patch of a converted object, and none for any other.
"""

from __future__ import annotations

from genreconcile.apply.answers import Answers
from genreconcile.engine import Engine
from genreconcile.errors import ClusterError
from genreconcile.gojson import dumps, loads
from genreconcile.kinds.discovery import Resource
from genreconcile.plan import Change
from genreconcile.plan.change import JSON_PATCH


class Foresight:
    """Asks the server by dry run what a patch would change; thread-safe."""

    def __init__(self, engine: Engine, answers: Answers) -> None:
        self._cluster = engine.cluster
        self._catalog = engine.catalog
        self._answers = answers
        self._options = engine.options

    def of(self, change: Change, resource: Resource) -> Change:
        """The change without the values that the server would not take, which are remembered; as is on a refusal."""
        if self._options.dry_run or not self._catalog.versions.of(resource.gvk).is_converted:
            return change
        try:
            data = self.tried(change, resource)
        except ClusterError:  # The patch itself is refused as well, and its outcome says so.
            return change
        return self._answers.foreseen(change, resource, loads(data))

    def tried(self, change: Change, resource: Resource) -> bytes:
        """The server's answer to a dry run of the patch. Raises ClusterError."""
        query = self._options.query(dry_run=True)
        path, body = resource.path(change.key.namespace, change.key.name), dumps(change.patch.patch)
        return self._cluster.request("PATCH", path, query=query, body=body, content_type=JSON_PATCH)
