"""Fixtures that several test files share."""

import gc

import pytest
from loopback import cluster, server

from genreconcile.cluster import exchange

__all__ = ["cluster", "server"]


def pytest_collection_finish():
    """What the modules hold stays until the end: the garbage collector need not look at it again and again."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A handshake with a server in the same process has to wait for its turn on a busy machine."""
    monkeypatch.setattr(exchange, "_CONNECT_TIMEOUT", 60.0)
