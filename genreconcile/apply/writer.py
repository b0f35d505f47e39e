"""The writes of one object: create, patch, recreate, delete.

Invariant: a write names the very object that it was computed from, and its answer goes into the cache at once.
"""

from __future__ import annotations

import copy
import functools
import time
from dataclasses import replace
from typing import Any

from genreconcile.apply.answers import Answers
from genreconcile.apply.foresight import Foresight
from genreconcile.apply.holders import HELD_BY, holder_of, may_be_held
from genreconcile.apply.oversize import Oversize
from genreconcile.apply.recreation import Recreation, create_again
from genreconcile.apply.refusal import is_immutable, unlosable
from genreconcile.apply.releases import Releases
from genreconcile.apply.remover import Remover
from genreconcile.apply.result import Author, Outcome
from genreconcile.cluster.refusal import REFUSED_BY
from genreconcile.compare.patch import Patch, under_values, under_version
from genreconcile.engine import Engine
from genreconcile.errors import CacheError, ClusterError, Conflict, Invalid, NotFound, Throttled
from genreconcile.gojson import dumps, loads
from genreconcile.kinds.discovery import Resource
from genreconcile.normalize.prepare import without_system
from genreconcile.objects import Object, resource_version_of, uid_of
from genreconcile.ownership import Membership
from genreconcile.plan import Change
from genreconcile.plan.change import JSON_PATCH
from genreconcile.plan.drift import require_valid

_THROTTLED_ATTEMPTS = 6
_LONGEST_PAUSE = 5.0  # Seconds, whatever the server asks for: the next reconcile is to have its turn.
_PAUSE = 0.1  # Seconds between tries of a write whose value a deleted object is about to free.
_CACHE_LAG = 5.0  # Seconds that a watch may lag behind a write of somebody else before the object is read instead.


class Writer:
    """Writes one object at a time; thread-safe. Its methods raise ClusterError and InputError."""

    def __init__(self, engine: Engine) -> None:
        self._cluster = engine.cluster
        self._catalog = engine.catalog
        self._cache = engine.cache
        self._options = engine.options
        self._releases = Releases(engine.cache)
        self._remover = Remover(engine)
        self._answers = Answers(engine)
        self._foresight = Foresight(engine, self._answers)
        self._oversize = Oversize()

    def create(self, change: Change, resource: Resource) -> Outcome:
        """Create the object as expected was written, less the fields that only the server may set."""
        if self._is_there(change, resource):
            raise Conflict("somebody else has created it meanwhile", status=409, reason="AlreadyExists", code="GR437")
        expected = change.expected or {}
        body = dumps(expected if change.validated and change.is_sendable else self._creation(change, resource))
        answer = self._sent_once_free(change, resource, "POST", resource.path(change.key.namespace), body)
        if not self._options.dry_run:
            self._answers.note_creation(change, answer)
        self._record(resource, answer)
        return Outcome(change, "created")

    def _creation(self, change: Change, resource: Resource) -> Object:
        expected = change.expected or {}
        node, _ = self._catalog.node(resource, expected)
        if not change.validated:  # The kind is younger than the plan.
            require_valid(expected, node)
        return without_system(expected, node)

    def _is_there(self, change: Change, resource: Resource) -> bool:
        """Whether the cache has an object that was not there when the change was computed."""
        try:
            return self._cache.record(resource, change.key.name, namespace=change.key.namespace) is not None
        except CacheError:  # The kind is younger than the plan.
            return False

    def update(self, change: Change, resource: Resource, members: Membership | None = None) -> Outcome:
        """Send the patch, and compare the answer with expected. ``members`` are those of the owner set, if any."""
        change = self._foresight.of(change, resource)
        if change.operation == "none":
            return Outcome(change, "skipped" if change.skipped else "unchanged", reason=change.reason)
        path = resource.path(change.key.namespace, change.key.name)
        self._answers.name_opponents(change, path)
        seen = self._answers.seen(change)
        try:
            data = self._patched(change, resource, path)
        except Invalid as error:
            return self._refused(error, change, resource, members)
        if self._options.dry_run:
            return Outcome(change, "configured", reason=change.reason)
        answer = loads(data)
        self._answers.note_patch(change, answer)
        self._cache.record_write(resource, data)
        authors = self._answers.authors(change, seen)  # Only now: the patch does not wait for that.
        return replace(self._answers.checked(change, resource, answer), authors=authors)

    def authors(self, change: Change) -> tuple[Author, ...]:
        """Who owns the fields that an update would change, as far as a watch has shown it."""
        return self._answers.authors(change, self._answers.seen(change))

    def _patched(self, change: Change, resource: Resource, path: str) -> bytes:
        """The answer to the patch. Raises Conflict where the object has changed since."""
        patch = self._sendable(change)
        try:
            return self._sent_once_free(change, resource, "PATCH", path, dumps(patch.patch), JSON_PATCH)
        except Invalid as error:
            self._explain_refusal(error, change, resource)
            if patch is change.patch or not _is_failed_test(error):
                raise
        # The server spells a value in another way than it has told; the version says the same.
        patch = under_version(change.patch, change.live or {})
        return self._sent_once_free(change, resource, "PATCH", path, dumps(patch.patch), JSON_PATCH)

    def _sendable(self, change: Change) -> Patch:
        """The patch; of a replica that leads, one that undoes nothing of its follower's if it comes late."""
        if self._options.may_write is None:
            return change.patch
        return under_values(change.patch, change.live or {})

    def explained(self, error: ClusterError, change: Change, resource: Resource) -> ClusterError:
        """The error; where another object holds a value that the change asks for, the error names that object."""
        holder = holder_of(change, resource, self._cache) if may_be_held(error) else None
        if holder is None or HELD_BY in error.details:
            return error
        told = copy.copy(error)
        told.args = (f"{error}; {holder}",)
        told.details = {**error.details, HELD_BY: holder.key}
        return told

    def delete(self, change: Change, resource: Resource) -> Outcome:
        """Delete exactly the object that was seen."""
        return Outcome(change, "deleted", reason=self._removed(change, resource))

    def _removed(self, change: Change, resource: Resource, *, to_recreate: bool = False) -> str:
        reason = self._remover.remove(change, resource, to_recreate=to_recreate)
        if not self._options.dry_run:
            self._releases.note(change)
        return reason

    def wait_until_gone(self, change: Change, resource: Resource, deadline: float) -> None:
        """Wait for a deletion that was accepted. Raises ClusterError at the deadline, a time of ``time.monotonic``."""
        self._remover.wait_until_gone(change, resource, deadline)
        self._releases.note(change)

    def deadline(self) -> float:
        """The end of the wait for objects that are deleted now, as a time of ``time.monotonic``."""
        return self._remover.deadline()

    def refresh(self, change: Change, resource: Resource) -> Object | None:
        """Wait for the cache to pass the version that a change was computed from; else read the object once."""
        version = resource_version_of(change.live or {})
        # An object that was not there when it was compared has no version to wait for.
        if version.isdecimal() and self._cache.wait_for(
            resource, change.key, str(int(version) + 1), timeout=_CACHE_LAG
        ):
            live = self._cache.get(resource, change.key.name, namespace=change.key.namespace)
            # Events of other objects pass that version too: then the view of this one is as old as before.
            if live is None or resource_version_of(live) != version:
                return live
        return self._read(resource, change)

    def _read(self, resource: Resource, change: Change) -> Object | None:
        try:
            data = self._cluster.request("GET", resource.path(change.key.namespace, change.key.name))
        except NotFound as error:
            if not error.names(change.key.name):
                raise
            if change.live is not None:
                self._cache.record_delete(resource, change.key, uid_of(change.live))
            return None
        self._cache.record_write(resource, data)
        live: Object = loads(data)
        return live

    def _record(self, resource: Resource, answer: bytes) -> None:
        if not self._options.dry_run:
            self._cache.record_write(resource, answer)

    def _sent_once_free(self, change: Change, resource: Resource, *request: Any) -> bytes:
        """Send one write of a change; again, while it asks for a value that a deleted object is about to free."""
        while True:
            try:
                return self._sent(change, *request)
            except ClusterError as error:
                if not self._releases.are_awaited(error, change, resource):
                    raise
            time.sleep(_PAUSE)

    def _sent(
        self, change: Change, method: str, path: str, body: bytes, content_type: str = "application/json"
    ) -> bytes:
        """Send one write of a change. Raises TooLarge, also where the server found the very same too large before."""
        with self._oversize.watched(change, body):
            return self._send(method, path, body, content_type)

    def _send(
        self, method: str, path: str, body: bytes, content_type: str = "application/json", *, dry_run: bool = False
    ) -> bytes:
        """Send one write; when throttled, again: the server throttles a write before it begins it.

        Writes of a kind that was just defined are throttled until its storage is ready.
        """
        query = self._options.query(dry_run=dry_run)
        for attempt in range(_THROTTLED_ATTEMPTS):
            try:
                return self._cluster.request(method, path, query=query, body=body, content_type=content_type)
            except Throttled as error:
                if attempt + 1 == _THROTTLED_ATTEMPTS:
                    raise
                time.sleep(min(error.retry_after or 2.0**attempt, _LONGEST_PAUSE))
        raise AssertionError("the loop returns or raises")

    def _refused(self, error: Invalid, change: Change, resource: Resource, members: Membership | None) -> Outcome:
        """Recreate the object where an immutable field differs and the options ask for it. Raises Invalid otherwise."""
        node, _ = self._catalog.node(resource, change.expected or {})
        if not is_immutable(error, [operation["path"] for operation in change.writes], node):
            raise error
        spared = unlosable(change, members)
        if self._options.on_immutable != "recreate":
            if spared:  # No hint at a recreation that would be refused.
                raise error
            hint = "; an immutable field differs, and on_immutable='recreate' would delete it and create it again"
            raise Invalid(
                f"{error}{hint}", status=error.status, reason=error.reason, details=error.details, code="GR435"
            )
        if spared:
            raise Invalid(
                f"{error}; {spared}", status=error.status, reason=error.reason, details=error.details, code="GR435"
            )
        rehearse = functools.partial(self._rehearse, change, resource)
        Recreation(change, resource, self._catalog, self._cache, rehearse).require_creatable()
        self._removed(change, resource, to_recreate=True)
        if not self._options.dry_run:
            deadline = self._remover.deadline()
            self.wait_until_gone(change, resource, deadline)
            create_again(lambda: self.create(change, resource), deadline)
        return Outcome(change, "configured", reason="recreated: an immutable field differed")

    def _rehearse(self, change: Change, resource: Resource, obj: Object) -> None:
        self._send("POST", resource.path(change.key.namespace), dumps(obj), dry_run=True)

    def _explain_refusal(self, error: Invalid, change: Change, resource: Resource) -> None:
        """Raise Conflict for a failed ``test``, a 422 without causes and author, if the object has changed.

        If the object has not changed, the patch is wrong.
        """
        if not _is_failed_test(error):
            return
        now = self.refresh(change, resource)
        if now is not None and resource_version_of(now) == resource_version_of(change.live or {}):
            return
        raise Conflict("it changed since it was compared", status=409, reason="Conflict") from error


def _is_failed_test(error: Invalid) -> bool:
    return error.status == 422 and not error.details.get("causes") and REFUSED_BY not in error.details
