"""TLS for servers and clients of tests.

Invariant: keys are in files for no longer than the ssl module needs to read them.
"""

from __future__ import annotations

import base64
import ssl
import tempfile
from collections.abc import Mapping, Sequence

from genreconcile.testing.certificates import Authority
from support.api.listener import HOST


def client_context(cluster: Mapping[str, str], user: Mapping[str, str]) -> ssl.SSLContext:
    """Of a kubeconfig's cluster and user, whose certificates are data."""
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    _load(context, *(base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key")))
    return context


def server_context(authority: Authority, names: Sequence[str] = ("localhost",)) -> ssl.SSLContext:
    """Of a server with a new certificate for these names; ``localhost`` stands for the address too."""
    credential = authority.server(list(names), [HOST] if "localhost" in names else [])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, credential.certificate, credential.key)
    return context


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """The ssl module reads files alone."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate + b"\n" + key)
        file.flush()
        context.load_cert_chain(file.name)
