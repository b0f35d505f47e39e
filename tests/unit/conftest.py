"""Fixtures that several test files share."""

import pytest

from genreconcile.cluster import exchange
from support.api.client import cluster_of
from support.api.loopback import Loopback


@pytest.fixture
def server():
    """A plain HTTP server that behaves as the test says."""
    with Loopback() as opened:
        yield opened


@pytest.fixture
def cluster(server):
    """The engine's client for it."""
    opened = cluster_of(server.url, token="token-of-the-user")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A handshake with a server in the same process has to wait for its turn on a busy machine."""
    monkeypatch.setattr(exchange, "_CONNECT_TIMEOUT", 60.0)
