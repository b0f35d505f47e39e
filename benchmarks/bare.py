"""A bare HTTP client: what a script without any library does. The harness and the floors use it.

Invariant: nothing of genreconcile is imported, so that no change of it moves a floor.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_TIMEOUT = 120.0
_CHUNK = 1 << 20


class Refused(Exception):
    """The server answered with an error; ``status`` is the HTTP code."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Server:
    """An API server and the client certificate of a user, from a kubeconfig; hands out connections."""

    def __init__(self, kubeconfig: str | Path) -> None:
        config = yaml.safe_load(Path(kubeconfig).read_text("utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.address = urlsplit(cluster["server"]).netloc
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._context = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile() as pem:  # The ssl module takes client certificates from files only.
            pem.write(base64.b64decode(user["client-certificate-data"]))
            pem.write(base64.b64decode(user["client-key-data"]))
            pem.flush()
            self._context.load_cert_chain(pem.name)

    def connect(self) -> Connection:
        """A new connection; for one thread."""
        return Connection(http.client.HTTPSConnection(self.address, timeout=_TIMEOUT, context=self._context))


class Connection:
    """One persistent connection."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self._connection = connection

    def request(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> bytes:
        """Send one request and return the answer's body. Raises Refused for an error of the server."""
        self._connection.request(method, path, body, {"Content-Type": content_type, "Accept": "application/json"})
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status >= 400:
            raise Refused(answer.status, f"{method} {path}: {answer.status}: {data[:300].decode(errors='replace')}")
        return data

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at ``path``."""
        found: dict[str, Any] = json.loads(self.request("GET", f"{path}?{urlencode(query or {})}"))
        return found

    def fetch(self, path: str) -> int:
        """Read a body in pieces, keep nothing; its length in bytes."""
        self._connection.request("GET", path, headers={"Accept": "application/json"})
        answer, length = self._connection.getresponse(), 0
        while piece := answer.read(_CHUNK):
            length += len(piece)
        return length

    def watch(self, path: str, resource_version: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(type, object) of each event after ``resource_version``; ends when the server ends it."""
        query = {"watch": "1", "resourceVersion": resource_version}
        self._connection.request("GET", f"{path}?{urlencode(query)}", headers={"Accept": "application/json"})
        answer = self._connection.getresponse()
        while line := answer.readline():
            event = json.loads(line)
            yield event["type"], event["object"]

    def close(self) -> None:
        """Close it."""
        self._connection.close()
