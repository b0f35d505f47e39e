"""Ways to a server: the engine's own client, with faults, and an administrator's, without.

Invariant: what an administrator does meets no fault and is in no log, so that a test can look without disturbing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from genreconcile.cluster import Cluster, DynamicCluster
from genreconcile.objects import Object
from genreconcile.testing.certificates import Authority
from genreconcile.testing.fake.wire import Answer, Request

JSON_PATCH = "application/json-patch+json"


class Refused(Exception):
    """The server said no; ``status`` is the HTTP code."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class Admin:
    """``ask`` answers requests. Methods raise Refused."""

    def __init__(self, ask: Callable[[Request], Answer]) -> None:
        self._ask = ask

    def get(self, path: str) -> Object:
        """Read an object."""
        return self._send("GET", path)

    def find(self, path: str) -> Object | None:
        """Read an object; None where there is none."""
        try:
            return self.get(path)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def list(self, path: str) -> dict[str, Object]:
        """The objects of a collection by name."""
        return {obj["metadata"]["name"]: obj for obj in self._send("GET", path)["items"]}

    def create(self, path: str, obj: Mapping[str, Any]) -> Object:
        """Create an object in the collection ``path``."""
        return self._send("POST", path, obj)

    def patch(self, path: str, *operations: Mapping[str, Any]) -> Object:
        """Send a JSON patch."""
        return self._send("PATCH", path, list(operations), JSON_PATCH)

    def delete(self, path: str, propagation: str = "") -> Object:
        """Delete an object; ``propagation`` is a policy such as ``Orphan``, the kind's own unless given."""
        return self._send("DELETE", path, {"propagationPolicy": propagation} if propagation else None)

    def _send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Object:
        data = b"" if body is None else json.dumps(body).encode()
        answer = self._ask(Request(method, path, {}, {"content-type": content_type}, data))
        found: Object = answer.json()
        if not 200 <= answer.status < 300:
            raise Refused(answer.status, str(found))
        return found


def cluster_of(url: str, *, token: str = "", authority: Authority | None = None, **settings: Any) -> Cluster:
    """The engine's client for a server; ``token`` is a bearer token, ``settings`` are DynamicCluster's.

    ``authority`` signed the server's certificate.
    """
    from kubernetes.client import Configuration

    configuration = Configuration(host=url)
    configuration.no_proxy = "*"
    if authority:
        configuration.ca_cert_data = authority.credential.certificate.decode()
    if token:
        configuration.api_key = {"authorization": f"Bearer {token}"}
    return DynamicCluster(configuration, **settings)
