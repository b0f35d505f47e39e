"""Writes: the only place that changes a cluster.

Invariant: each write is sent once, with preconditions; its answer is in the cache before the write counts as done; a
fault of one object never stops the others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

from genreconcile.cache import Cache
from genreconcile.catalog import Catalog
from genreconcile.cluster import Cluster
from genreconcile.diff import Policy
from genreconcile.diff.operation import Path
from genreconcile.discovery import Resource
from genreconcile.errors import ClusterError, Conflict, InputError, Invalid, NotFound, ReconcileError, Throttled
from genreconcile.gojson import dumps, loads
from genreconcile.managers import managers_of
from genreconcile.normalize.learned import INSISTS, RULE_GAP, Learned
from genreconcile.normalize.prepare import without_system
from genreconcile.objects import Object, metadata_of, resource_version_of, uid_of
from genreconcile.order import waves
from genreconcile.outcome import Outcome
from genreconcile.plan import Change, Terms
from genreconcile.plan.judgement import learned_keys, require_valid, unusable
from genreconcile.related import Related

_log = logging.getLogger(__name__)
_PATH = 2  # Where a key of Learned has the path.
_JSON_PATCH = "application/json-patch+json"
_THROTTLED_ATTEMPTS = 6
_LONGEST_PAUSE = 5.0  # Seconds, whatever the server asks for: the next reconcile is to have its turn.
_CACHE_LAG = 5.0  # Seconds that a watch may lag behind a write of somebody else before the object is read instead.


@dataclass(frozen=True, slots=True)
class Options:
    """How to write: ``propagation`` is Background, Foreground or Orphan; ``concurrency`` bounds requests in flight."""

    field_manager: str = "genreconcile"
    concurrency: int = 8
    propagation: str = "Background"


class Applier:
    """Carries changes out, wave by wave."""

    def __init__(self, cluster: Cluster, catalog: Catalog, cache: Cache, learned: Learned, options: Options) -> None:
        self._cluster = cluster
        self._catalog = catalog
        self._cache = cache
        self._learned = learned
        self._options = options

    def write(self, changes: Iterable[Change], after_wave: Callable[[list[Outcome]], None]) -> list[Outcome]:
        """Creates and patches, in order; ``after_wave`` is called with the outcomes of each wave."""
        outcomes: list[Outcome] = []
        with ThreadPoolExecutor(self._options.concurrency, thread_name_prefix="genreconcile-write") as pool:
            for wave in waves(((change.key.group, change.key.kind), change) for change in changes):
                done = list(pool.map(self._guarded(self._write), wave))
                outcomes += done
                after_wave(done)
        return outcomes

    def delete(self, changes: Iterable[Change]) -> list[Outcome]:
        """Deletions, in reverse order."""
        outcomes: list[Outcome] = []
        with ThreadPoolExecutor(self._options.concurrency, thread_name_prefix="genreconcile-delete") as pool:
            named = (((change.key.group, change.key.kind), change) for change in changes)
            for wave in waves(named, reverse=True):
                outcomes += pool.map(self._guarded(self._delete), wave)
        return outcomes

    def refresh(self, change: Change) -> None:
        """Read one object that the cache may not have yet, after a write was refused. Raises ClusterError."""
        resource = self._catalog.resource(change.gvk)
        version = resource_version_of(change.live or {})
        newer = str(int(version) + 1) if version.isdecimal() else "1"
        if not self._cache.wait_for(resource, change.key, newer, timeout=_CACHE_LAG):
            self._read(resource, change)

    def _read(self, resource: Resource, change: Change) -> Object | None:
        try:
            data = self._cluster.request("GET", resource.path(change.key.namespace, change.key.name))
        except NotFound:
            if change.live is not None:
                self._cache.record_delete(resource, change.key, uid_of(change.live))
            return None
        live: Object = loads(data)
        self._cache.record_write(resource, live)
        return live

    def _guarded(self, work: Callable[[Change, Resource], Outcome]) -> Callable[[Change], Outcome]:
        """A fault becomes the outcome of its object."""

        def guarded(change: Change) -> Outcome:
            outcome = attempt(change)
            _log.info("%s", outcome)
            return outcome

        def attempt(change: Change) -> Outcome:
            try:
                return work(change, self._catalog.resource(change.gvk))
            except ClusterError as error:
                return Outcome(change, "failed", error=_told(error, change))
            except InputError as error:
                return Outcome(change, "failed", error=unusable(change.key, error))
            except ReconcileError as error:
                return Outcome(change, "failed", error=error)
            except Exception as error:  # noqa: BLE001 - one poison object must not stop the others
                _log.exception("%s: not %sd", change.key, change.operation)
                return Outcome(change, "failed", error=ReconcileError(f"{change.key}: failed: {type(error).__name__}"))

        return guarded

    def _write(self, change: Change, resource: Resource) -> Outcome:
        return self._create(change, resource) if change.operation == "create" else self._update(change, resource)

    def _send(self, method: str, path: str, body: bytes, content_type: str = "application/json") -> bytes:
        """One write. The server asks to slow down before it begins one, so that may be sent again.

        A kind that was just defined answers so until its storage is ready.
        """
        query = {"fieldManager": self._options.field_manager, "fieldValidation": "Strict"}
        for attempt in range(_THROTTLED_ATTEMPTS):
            try:
                return self._cluster.request(method, path, query=query, body=body, content_type=content_type)
            except Throttled as error:
                if attempt + 1 == _THROTTLED_ATTEMPTS:
                    raise
                time.sleep(min(error.retry_after or 2.0**attempt, _LONGEST_PAUSE))
        raise AssertionError("the loop returns or raises")

    def _create(self, change: Change, resource: Resource) -> Outcome:
        expected = change.expected or {}
        node, _ = self._catalog.node(resource, expected)
        # The kind may be younger than the plan.
        require_valid(expected, node)
        body = dumps(without_system(expected, node))
        answer = self._send("POST", resource.path(change.key.namespace), body)
        self._cache.record_write(resource, loads(answer))
        return Outcome(change, "created")

    def _update(self, change: Change, resource: Resource) -> Outcome:
        path = resource.path(change.key.namespace, change.key.name)
        body = dumps(change.patch.patch)
        self._name_opponents(change, path)
        try:
            data = self._send("PATCH", path, body, _JSON_PATCH)
        except Invalid as error:
            self._explain_refusal(error, change, resource)
            raise
        answer: Object = loads(data)
        self._cache.record_write(resource, answer)
        return self._checked(change, resource, answer)

    def _checked(self, change: Change, resource: Resource, answer: Object) -> Outcome:
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

    def _name_opponents(self, change: Change, path: str) -> None:
        """Find out who undoes what is repaired again and again, while the field is still theirs."""
        fights = self._learned.fights
        fought = [key for key in change.keys if fights.is_next_round_a_fight(key)]
        if not fought:
            return
        live = loads(self._cluster.request("GET", path))
        for key in fought:
            others = [
                name for name in managers_of(live, cast("Path", key[_PATH])) if name != self._options.field_manager
            ]
            fights.name(key, " and ".join(others) or "another writer")

    def _explain_refusal(self, error: Invalid, change: Change, resource: Resource) -> None:
        """A 422 without causes is a failed ``test``. Raises Conflict if the object changed; else the patch is wrong."""
        if error.status != 422 or error.details.get("causes"):
            return
        before = resource_version_of(change.live or {})
        newer = str(int(before) + 1) if before.isdecimal() else "1"
        if not self._cache.wait_for(resource, change.key, newer, timeout=_CACHE_LAG):
            now = self._read(resource, change)
            if now is not None and resource_version_of(now) == before:
                return
        raise Conflict("it changed since it was compared", status=409, reason="Conflict") from error

    def _delete(self, change: Change, resource: Resource) -> Outcome:
        live = change.live or {}
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": self._options.propagation,
            "preconditions": {"uid": uid_of(live), "resourceVersion": resource_version_of(live)},
        }
        path = resource.path(change.key.namespace, change.key.name)
        try:
            data = self._cluster.request("DELETE", path, body=dumps(options))
        except NotFound:
            self._cache.record_delete(resource, change.key, uid_of(live))
            return Outcome(change, "deleted", reason="it was gone already")
        answer = loads(data)
        if uid_of(answer) and "deletionTimestamp" in metadata_of(answer):
            self._cache.record_write(resource, answer)
        else:
            self._cache.record_delete(resource, change.key, uid_of(live))
        return Outcome(change, "deleted")


_VERBS = {"create": "created", "update": "patched", "delete": "deleted"}


def _told(error: ClusterError, change: Change) -> ClusterError:
    """The same error, naming the object and what was tried."""
    hint = ""
    if isinstance(error, NotFound) and error.details.get("kind") == "namespaces":
        hint = f"; create the namespace {change.key.namespace} first, or add it to the expected set"
    told: Any = type(error)
    text = f"{change.key}: not {_VERBS[change.operation]}: {error}{hint}"
    return told(text, status=error.status, reason=error.reason, details=error.details)  # type: ignore[no-any-return]
