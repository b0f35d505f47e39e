"""Requests whose answers are seen as the server sends them: the engine's own client leaves values out of refusals."""

import contextlib
import http.client
import json
import ssl
from urllib.parse import urlsplit


class Raw:
    """An administrator of a control plane that was started here."""

    def __init__(self, plane):
        folder = plane.kubeconfig.parent
        context = ssl.create_default_context(cafile=folder / "ca.crt")
        context.load_cert_chain(folder / "admin.crt", folder / "admin.key")
        self._connection = http.client.HTTPSConnection(urlsplit(plane.server).netloc, context=context)

    def request(self, method, path, body=None):
        """The answer as JSON: an object, or a Status; one of 500 where the server fails and hangs up."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        self._connection.request(method, path, data, {"Content-Type": "application/json"})
        try:
            return json.loads(self._connection.getresponse().read())
        except http.client.RemoteDisconnected:
            self._connection.close()  # The next request connects again.
            return {"kind": "Status", "code": 500, "message": "no answer"}

    def close(self):
        self._connection.close()


@contextlib.contextmanager
def raw_requests(plane):
    raw = Raw(plane)
    try:
        yield raw
    finally:
        raw.close()


def collection(kind, namespace):
    """The path of all objects of a kind."""
    base = "/api/v1" if not kind.group else f"/apis/{kind.api_version}"
    return f"{base}/namespaces/{namespace}/{kind.plural}" if kind.namespaced else f"{base}/{kind.plural}"
