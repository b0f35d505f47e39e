"""Waiting until the cache is as new as a state that somebody else has seen.

Invariant: the wait ends when the watch has come up to that resourceVersion, or a read from the server, sent without a
resourceVersion after the wait began: such a read shows every state that anybody has seen before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from genreconcile.cache.scope import EVERYTHING, Scope
from genreconcile.cache.sighting import Sighting
from genreconcile.cache.transform import read_at_least_the_name
from genreconcile.cache.watched import Watched
from genreconcile.cluster import Cluster
from genreconcile.errors import ClusterError, NotFound, NotSynced
from genreconcile.objects import ObjectKey

PATIENCE: Final = 1.0
"""Seconds for events that are on their way. A quiet kind has none, and its next bookmark may be a minute away, or never
come.
"""

Renew = Callable[[Watched, Sequence[Scope], float], bool]
"""Lists the scopes of a kind anew; whether all lists came within the given seconds."""


class CatchUp:
    """The waiting for one cache; ``renew`` lists anew."""

    def __init__(self, cluster: Cluster, renew: Renew) -> None:
        self._cluster = cluster
        self._renew = renew

    def object(
        self, watched: Watched, key: ObjectKey, version: int, timeout: float, patience: float = PATIENCE
    ) -> None:
        """Wait until one object, of a watched kind and namespace, is known at ``version`` or later. Raises NotSynced.

        ``timeout`` is in seconds; ``version`` 0 is newer than any known one. Events have ``patience`` seconds to come.
        """
        deadline = time.monotonic() + timeout
        name = (key.namespace, key.name)
        scope = watched.scope_of(*name) or EVERYTHING
        if version and watched.store.wait_for(name, version, scope, min(patience, timeout)):
            return
        if not self._read(watched, key, deadline - time.monotonic()):
            self._scopes(watched, [scope], version, deadline)

    def kinds(self, every: Iterable[tuple[Watched, Collection[Scope]]], version: int, timeout: float) -> None:
        """Wait until the synced ones of these kinds' scopes are known up to ``version``; else as ``object``."""
        deadline = time.monotonic() + timeout
        patient_until = min(deadline, time.monotonic() + PATIENCE)
        behind = [(watched, scopes) for watched, all_ in every if (scopes := _behind(watched, all_, version))]
        for watched, scopes in behind:
            for scope in scopes:
                watched.store.wait_for(("", ""), version, scope, max(0.0, patient_until - time.monotonic()))
        for watched, scopes in behind:
            self._scopes(watched, scopes, version, deadline)

    def _read(self, watched: Watched, key: ObjectKey, timeout: float) -> bool:
        """Read the object from the server; whether its state, or its absence, is known now."""
        resource, store, name = watched.resource, watched.store, (key.namespace, key.name)
        if bool(key.namespace) != resource.namespaced or timeout <= 0:
            return False
        before, path = store.get(name), resource.path(key.namespace, key.name)
        try:
            answer = self._cluster.request("GET", path, accept=watched.retention.accept.of_watches, timeout=timeout)
        except NotFound as error:
            if not error.names(key.name):
                return False
            if before is not None:
                watched.change(lambda: store.delete(name, before.uid, before.resource_version))
            return True
        except ClusterError:  # A list may be allowed where a get is not.
            return False
        record = read_at_least_the_name(watched.read, answer)
        watched.change(lambda: store.upsert(record))
        return True

    def _scopes(self, watched: Watched, scopes: Collection[Scope], version: int, deadline: float) -> None:
        with watched.renewing:  # The list of another thread, waited for here, may be new enough.
            behind = _behind(watched, scopes, version)
            if not behind or self._renew(watched, behind, max(0.0, deadline - time.monotonic())):
                return
        known = min(watched.store.seen(scope) for scope in behind)
        cause = watched.error_in(*behind[0]) or "the server has sent nothing since"
        raise NotSynced(
            f"{watched.resource}: not as new as resourceVersion {version}: it is known up to {known}: {cause}; "
            "wait, or see to the cause",
            code="GR706",
        )


def _behind(watched: Watched, scopes: Collection[Scope], version: int) -> list[Scope]:
    """The synced ones of these scopes that are not known up to this version; 0 is newer than any."""
    known = [scope for scope in scopes if watched.knows(*scope)]
    return [scope for scope in known if not version or watched.store.seen(scope) < version]


def matching(kinds: Iterable[Watched], sighting: Sighting) -> Watched | None:
    """The watched kind that holds the object, in any API version; None where there is none."""
    key = sighting.key
    if key is None:
        return None
    same = (watched for watched in kinds if (watched.resource.gvk.group, watched.resource.gvk.kind) == key[:2])
    return next((watched for watched in same if watched.scope_of(key.namespace, key.name) is not None), None)
