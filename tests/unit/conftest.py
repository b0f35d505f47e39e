"""Fixtures that several test files share."""

import gc
import logging

import pytest

from genreconcile.cluster import message, transport
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


def pytest_collection_finish():
    """What the modules hold stays until the end: the garbage collector need not look at it again and again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A handshake with a server in the same process has to wait for its turn on a busy machine."""
    monkeypatch.setattr(message, "CONNECT_TIMEOUT", 60.0)


@pytest.fixture(autouse=True)
def _logs_as_before():
    """A test may run the command, which sets the logs up for its process."""
    logger = logging.getLogger("genreconcile")
    before = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.level, logger.propagate = before


@pytest.fixture(params=["exchange", "urlopen"])
def way(request, monkeypatch):
    """Which way requests go out: both, where a test does not choose by ``ways``."""
    if request.param == "urlopen":
        monkeypatch.setattr(transport, "_knows_urllib3", lambda: False)
    return request.param
