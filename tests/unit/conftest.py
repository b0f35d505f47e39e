"""Fixtures that several test files share."""

import pytest
from loopback import cluster, server

from genreconcile.cluster import exchange

__all__ = ["cluster", "server"]


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A handshake with a server in the same process has to wait for its turn on a busy machine."""
    monkeypatch.setattr(exchange, "_CONNECT_TIMEOUT", 60.0)
