"""Fixtures that several test files share."""

import pytest

from genreconcile.cluster import exchange
from support.loopback import cluster, server

__all__ = ["cluster", "server"]


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A handshake with a server in the same process has to wait for its turn on a busy machine."""
    monkeypatch.setattr(exchange, "_CONNECT_TIMEOUT", 60.0)
