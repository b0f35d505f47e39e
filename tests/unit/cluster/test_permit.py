"""When the question is asked whether a request may be sent: the connection is open, and no byte has gone out."""

from __future__ import annotations

import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from kubernetes.client import Configuration

from genreconcile.apply.leading import LeadingCluster
from genreconcile.cluster import DynamicCluster, Permit
from genreconcile.errors import NotLeading
from genreconcile.settings import Options
from support.eventually import eventually

pytestmark = pytest.mark.usefixtures("way")

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Peer:
    """One end of a socket, which a question looks at while the request waits for it."""

    def __init__(self, listener):
        self.listener, self.connection, self.seen = listener, None, []

    def look(self):
        """Note what has come so far; the connection is there, or this waits for ever."""
        if self.connection is None:
            self.connection, _ = self.listener.accept()
        self.connection.settimeout(0)
        try:
            self.seen.append(self.connection.recv(1 << 16))
        except BlockingIOError:
            self.seen.append("nothing")

    def answer(self):
        self.connection.settimeout(45)
        received, length = b"", None
        while length is None or len(received) < length:  # http.client sends head and body by themselves.
            received += self.connection.recv(1 << 16)
            head, end, _ = received.partition(b"\r\n\r\n")
            if end:
                body = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
                length = len(head) + len(end) + int(body[1] if body else 0)
        self.connection.sendall(OK)
        return received


@pytest.fixture
def peer():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(45)
        peer = Peer(listener)
        yield peer
        if peer.connection is not None:
            peer.connection.close()


@pytest.fixture
def cluster(peer):
    configuration = Configuration(host=f"http://127.0.0.1:{peer.listener.getsockname()[1]}")
    configuration.no_proxy = "*"
    cluster = DynamicCluster(configuration, timeout=45)
    yield cluster
    cluster.close()


def test_a_write_is_asked_for_with_the_connection_open_and_nothing_sent(peer, cluster):
    allowed = [False, True, True]

    def may_write():
        peer.look()
        return allowed.pop(0)

    leading = LeadingCluster(cluster, Options(may_write=may_write))
    with pytest.raises(NotLeading):
        leading.request("POST", "/x", body=b"{}")
    assert peer.seen.pop() == "nothing"
    peer.connection.settimeout(45)
    assert peer.connection.recv(1) == b"", "the connection ends, without a byte"
    peer.connection.close()
    peer.connection = None
    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):  # The second one finds the connection open.
            answered = pool.submit(leading.request, "POST", "/x", body=b"{}")
            eventually(lambda: peer.seen)
            assert peer.answer().startswith(b"POST /x")
            assert answered.result(45) == b"{}"
            assert peer.seen == ["nothing"]
            peer.seen.clear()
    assert allowed == []


def test_reads_and_dry_runs_are_not_asked_for(peer, cluster):
    leading = LeadingCluster(cluster, Options(may_write=lambda: 1 / 0))
    with ThreadPoolExecutor(1) as pool:
        for method, query in (("GET", None), ("POST", {"dryRun": "All"})):
            answered = pool.submit(leading.request, method, "/x", query=query, body=None)
            if peer.connection is None:
                peer.connection, _ = peer.listener.accept()
            peer.answer()
            assert answered.result(45) == b"{}"


class Silent:
    """A cluster that knows nothing of permits."""

    server = namespace = ""
    stream = close = None

    def request(self, *_, **__):
        return b"sent"


def test_a_cluster_that_does_not_ask_is_asked_for_before():
    answers = [False, True]
    leading = LeadingCluster(Silent(), Options(may_write=lambda: answers.pop(0)))
    with pytest.raises(NotLeading):
        leading.request("POST", "/x")
    assert leading.request("POST", "/x") == b"sent"


def sent():
    with Permit.sending():
        pass


def test_permits_are_of_their_thread_and_end_with_their_block():
    asked = []
    with Permit(lambda: asked.append("outer")):
        with Permit(lambda: asked.append("inner")):
            sent()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(sent).result()
        sent()
    sent()
    assert asked == ["inner", "outer", "outer"]


def test_one_sends_at_a_time_and_is_asked_when_it_is_its_turn(peer, cluster):
    turn = threading.Lock()
    leading = LeadingCluster(Turns(cluster, turn), Options(may_write=lambda: asked.append(turn.locked()) or True))
    asked = []
    with ThreadPoolExecutor(1) as pool:
        with turn:
            answered = pool.submit(leading.request, "POST", "/x", body=b"{}")
            peer.connection, _ = peer.listener.accept()
            assert asked == [], "it waits for its turn first"
        peer.answer()
        assert answered.result(45) == b"{}"
    assert (asked, turn.locked()) == ([True], False)


def test_a_refusal_gives_the_turn_on():
    turn = threading.Lock()
    with Permit(lambda: 1 / 0), Permit(turn=turn):
        with pytest.raises(ZeroDivisionError):
            sent()
        assert not turn.locked()


class Turns:
    """A cluster whose requests take turns."""

    server = namespace = ""
    stream = close = None
    asks_permit = True

    def __init__(self, cluster, turn):
        self.cluster, self.turn = cluster, turn

    def request(self, method, path, **more):
        with Permit(turn=self.turn):
            return self.cluster.request(method, path, **more)
