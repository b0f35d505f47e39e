"""Patches of converted objects, tried by dry run first: what a converter fills in by itself is not patched.

A webhook may move what another version fills in to any field, and write annotations of its own. A patch that takes it
away is a real write: the server counts a generation, and it comes back all the same.

Invariant: one more request for each patch of an object that is converted, and none for any other.
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
    """Asks the server what it would make of a patch; thread-safe."""

    def __init__(self, engine: Engine, answers: Answers) -> None:
        self._cluster = engine.cluster
        self._catalog = engine.catalog
        self._answers = answers
        self._options = engine.options

    def of(self, change: Change, resource: Resource) -> Change:
        """The change without what would stay as it is, which is remembered; the same where the server refuses."""
        if self._options.dry_run or not self._catalog.versions.of(resource.gvk).is_converted:
            return change
        query = self._options.query(dry_run=True)
        path, body = resource.path(change.key.namespace, change.key.name), dumps(change.patch.patch)
        try:
            data = self._cluster.request("PATCH", path, query=query, body=body, content_type=JSON_PATCH)
        except ClusterError:  # The patch itself is refused as well, and that is told.
            return change
        return self._answers.foreseen(change, resource, loads(data))
