"""A minimal client of a control plane's API server, for readiness and set-up. No proxies, no redirects, no retries."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from genreconcile.errors import ClusterError

_TIMEOUT = 10.0
_PAUSE = 0.05


class Requests(Protocol):
    """The client that set-up needs; a ``genreconcile.cluster.Cluster`` is one too."""

    def request(self, method: str, path: str, *, body: bytes | None = None) -> bytes:
        """Return the answer's body. Raises ClusterError, with the HTTP status of an error."""


class Client:
    """An administrator of the API server ``server`` (a URL); ``state`` holds ca.crt, admin.crt and admin.key."""

    def __init__(self, server: str, state: Path) -> None:
        self._address = urlsplit(server).netloc
        self._context = ssl.create_default_context(cafile=str(state / "ca.crt"))
        self._context.load_cert_chain(state / "admin.crt", state / "admin.key")

    def request(self, method: str, path: str, *, body: bytes | None = None) -> bytes:
        """Send one request on a connection of its own; return the answer's body, or raise ClusterError."""
        connection = http.client.HTTPSConnection(self._address, timeout=_TIMEOUT, context=self._context)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ClusterError(
                f"{method} {path}: no answer: {error}; is the API server running?", code="GR605"
            ) from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise ClusterError(f"{method} {path}: refused: {data[:500].decode()}", status=answer.status, code="GR500")
        return data


def get(client: Requests, path: str) -> dict[str, Any]:
    """Return the JSON object at ``path``."""
    answer: dict[str, Any] = json.loads(client.request("GET", path))
    return answer


def running_version(client: Requests) -> str:
    """Return the version of the API server, such as ``1.37.2``."""
    return str(get(client, "/version")["gitVersion"]).removeprefix("v")


def exists(client: Requests, path: str) -> bool:
    """Whether there is an object at ``path``."""
    try:
        client.request("GET", path)
    except ClusterError as error:
        if error.status != 404:
            raise
        return False
    return True


def send(client: Requests, method: str, path: str, obj: dict[str, Any]) -> dict[str, Any]:
    """Send an object and return it as the server stores it."""
    answer: dict[str, Any] = json.loads(client.request(method, path, body=json.dumps(obj).encode()))
    return answer


def ensure(client: Requests, path: str, obj: dict[str, Any]) -> None:
    """Create an object in the collection ``path``; one that exists already is left alone."""
    try:
        send(client, "POST", path, obj)
    except ClusterError as error:
        if error.status != 409:
            raise


def wait(what: str, condition: Callable[[], bool], seconds: float) -> None:
    """Wait until ``condition`` holds. Raises ClusterError after ``seconds``; ``what`` names the condition in it."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{what}: did not happen within {seconds:.0f} s; see the logs of its controller", code="GR951"
            )
        time.sleep(_PAUSE)
