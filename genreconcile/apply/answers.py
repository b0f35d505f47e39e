"""What a patch came to: what the server would not take, and who undoes it, is remembered.

Invariant: a patch that changes nothing on the server never becomes a loop.
"""

from __future__ import annotations

from typing import cast

from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.diff import Policy
from genreconcile.diff.operation import Path
from genreconcile.discovery import Resource
from genreconcile.gojson import loads
from genreconcile.managers import managers_of
from genreconcile.normalize.learned import INSISTS, RULE_GAP, Learned
from genreconcile.objects import Object, resource_version_of
from genreconcile.outcome import Outcome
from genreconcile.plan import Change, Terms
from genreconcile.plan.judgement import learned_keys
from genreconcile.related import Related

_PATH = 2  # Where a key of Learned has the path.


class Answers:
    """Judges the server's answers to patches."""

    def __init__(self, cluster: Cluster, catalog: Catalog, cache: Cache, learned: Learned, field_manager: str) -> None:
        self._cluster = cluster
        self._catalog = catalog
        self._cache = cache
        self._learned = learned
        self._field_manager = field_manager

    def checked(self, change: Change, resource: Resource, answer: Object) -> Outcome:
        """Compare the answer: what the server would not take is remembered, so that it never becomes a loop."""
        expected, live = change.expected or {}, change.live or {}
        node, typed = self._catalog.node(resource, expected)
        terms = Terms(node, typed, Policy(change.fields, Related(self._cache)))
        left = terms.compare(expected, answer).differences
        patched = {operation["path"] for operation in change.operations}
        stubborn = tuple(d for d in left if d.to_json()["path"] in patched)
        unchanged = resource_version_of(answer) == resource_version_of(live)
        for key in learned_keys(stubborn, expected, answer):
            insisted = self._learned.count(key, INSISTS) > 0
            self._learned.note(key, RULE_GAP if unchanged and not insisted else INSISTS)
        if unchanged:
            return Outcome(change, "unchanged", reason=f"{RULE_GAP}: the server took the patch and kept the object")
        if not stubborn:
            for key in change.keys:
                self._learned.fights.note(key)
        return Outcome(change, "configured", reason=INSISTS if stubborn else change.reason)

    def name_opponents(self, change: Change, path: str) -> None:
        """Find out who undoes what is repaired again and again, while the field is still theirs."""
        fights = self._learned.fights
        fought = [key for key in change.keys if fights.is_next_round_a_fight(key)]
        if not fought:
            return
        live = loads(self._cluster.request("GET", path))
        for key in fought:
            others = [name for name in managers_of(live, cast("Path", key[_PATH])) if name != self._field_manager]
            fights.name(key, " and ".join(others) or "another writer")
