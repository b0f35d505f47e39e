"""Clusters that pass everything on to another one: the base of those that note, disturb or break what goes through.

Invariant: what a subclass does not say is as the cluster below has it.
"""

from __future__ import annotations

import json
from typing import Any

from genreconcile.cluster import Cluster


class Passing:
    """A ``Cluster`` over ``cluster``; a subclass says what becomes of ``request`` or ``stream``."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cluster, name)

    def request(self, method: str, path: str, **settings: Any) -> bytes:
        """See ``Cluster``."""
        return self.cluster.request(method, path, **settings)


class Recorded(Passing):
    """Remembers the requests that are no watches: (method, path, body, query)."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self.requests: list[tuple[str, str, Any, dict[str, str]]] = []

    def request(self, method: str, path: str, **settings: Any) -> bytes:
        """See ``Cluster``."""
        body = settings.get("body")
        self.requests.append((method, path, json.loads(body) if body else None, settings.get("query") or {}))
        return super().request(method, path, **settings)

    def sent(self, *methods: str) -> list[tuple[str, str]]:
        """Method and path of the requests by these methods."""
        return [(method, path) for method, path, *_ in self.requests if method in methods]

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Method and path of the requests that are no GET."""
        return [(method, path) for method, path, *_ in self.requests if method != "GET"]


class Counted(Passing):
    """``writes`` are the method and path of each request that is no GET; a test may clear them."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self.writes: list[tuple[str, str]] = []

    @property
    def admin(self) -> Cluster:
        """The way past the count."""
        return self.cluster

    def request(self, method: str, path: str, **settings: Any) -> bytes:
        """See ``Cluster``."""
        if method != "GET":
            self.writes.append((method, path))
        return super().request(method, path, **settings)
