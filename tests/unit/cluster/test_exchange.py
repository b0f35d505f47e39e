"""Requests and answers byte by byte, over a socket that says what a test has written down."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
import threading

import pytest
from kubernetes.client import Configuration

import genreconcile.cluster
from genreconcile.cluster import DynamicCluster, Interrupt, transport
from genreconcile.errors import ClusterError, Conflict, Unreachable
from support.eventually import eventually
from support.ways import by_exchange, ways

pytestmark = pytest.mark.usefixtures("way")

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
END = object()
"""In place of an answer: the connection is closed."""
RESET = object()
"""The same, by RST."""
HELD = object()
"""In place of an answer: OK, once four requests have come."""


class Peer:
    """Answers each request with the next of its answers: pieces of bytes, or END."""

    def __init__(self):
        self.answers = []
        self.connections = 0
        self.requests = []
        self.closed = threading.Semaphore(0)
        self.held = threading.Barrier(4)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = self._start(self._accept)

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        return thread

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._start(self._serve, connection)

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError, threading.BrokenBarrierError):
            self._answer(connection)
        self.closed.release()

    def _answer(self, connection):
        while request := self._request(connection):
            self.requests.append(request)
            for piece in self.answers.pop(0):
                if piece is RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if piece in {END, RESET}:
                    return
                if piece is HELD:
                    self.held.wait(45)
                connection.sendall(OK if piece is HELD else piece)

    def has_taken_all(self):
        """Wait until it has begun with its last answer: a client that gives up may be faster."""
        eventually(lambda: not self.answers, pause=0.001)

    def _request(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += (piece := connection.recv(1 << 16))
            if not piece:
                return b""
        found = re.search(rb"content-length: (\d+)", data, re.IGNORECASE)
        length = data.index(b"\r\n\r\n") + 4 + int(found[1] if found else 0)
        while len(data) < length:
            data += connection.recv(1 << 16)
        return data

    def close(self):
        """Wait for the thread that accepts: the next socket may get its file descriptor, and it the next connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(45)
        self._listener.close()


@pytest.fixture
def peer():
    opened = Peer()
    yield opened
    opened.close()


@pytest.fixture
def cluster(peer):
    opened = to(f"http://127.0.0.1:{peer.port}")
    yield opened
    opened.close()


def to(host, **settings):
    configuration = Configuration(host=host)
    configuration.no_proxy = "" if settings else "*"
    for name, value in settings.items():
        setattr(configuration, name, value)
    return DynamicCluster(configuration, timeout=45)


def get(cluster):
    return cluster.request("GET", "/x")


def test_one_connection_serves_requests_one_after_the_other(peer, cluster):
    conflict = b'{"apiVersion":"v1","reason":"Conflict","message":"no"}'
    refused = b"HTTP/1.1 409 Conflict\r\nContent-Length: %d\r\n\r\n%b" % (len(conflict), conflict)
    peer.answers = [[OK], [refused], [OK], [OK]]
    get(cluster)
    with pytest.raises(Conflict):
        cluster.request("POST", "/x", body=b"[1]")
    get(cluster)
    with cluster.stream("/x", query={}, read_timeout=45) as chunks:
        assert b"".join(chunks) == b"{}"
    assert peer.connections == 1
    assert peer.requests[1].startswith(b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % peer.port)
    assert peer.requests[1].endswith(b"Content-Length: 3\r\n\r\n[1]")


@ways(
    ["answer"],
    {
        "Connection: close": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",),
        "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",),
    },
    exchange={"two answers": (OK + OK,), "more": (OK + b"\r\nHTTP",)},  # http.client throws away what it has read.
)
def test_a_connection_that_cannot_be_used_again(peer, cluster, answer):
    peer.answers = [[answer], [OK]]
    assert get(cluster) == get(cluster) == b"{}"
    assert peer.connections == 2


def test_a_connection_that_the_server_has_closed_is_opened_again_before_a_write(peer, cluster):
    peer.answers = [[OK, END], [OK]]
    get(cluster)
    assert peer.closed.acquire(timeout=45)
    assert cluster.request("POST", "/x", body=b"{}") == b"{}"
    assert peer.connections == 2


def test_a_stream_that_is_left_takes_its_connection_along(peer, cluster):
    peer.answers = [[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234"], [OK]]
    with cluster.stream("/x", query={}, read_timeout=45) as chunks:
        assert next(chunks) == b"1234"
    assert get(cluster) == b"{}"
    assert peer.connections == 2


def test_a_stream_is_not_read_after_it_was_closed(peer, cluster):
    peer.answers = [[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234"]]
    with cluster.stream("/x", query={}, read_timeout=45) as chunks:
        assert next(chunks) == b"1234"
    with pytest.raises(Unreachable):
        next(chunks)


INTERIM = b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@ways(
    ["answer"],
    {
        "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef",),
        "chunks": (CHUNKED + b"3\r\nabc\r\n3;x=y\r\ndef\r\n0\r\n\r\n",),
        "trailers": (CHUNKED + b"6\r\nabcdef\r\n0\r\nX-Trailer: yes\r\n\r\n",),
        "100": (b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef",),
    },
    exchange={"interim answers": (INTERIM + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef",)},
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_answers_in_pieces_of_any_size(peer, cluster, answer, size):
    peer.answers = [[answer[start : start + size] for start in range(0, len(answer), size)], [OK]]
    assert get(cluster) == b"abcdef"
    assert get(cluster) == b"{}"
    assert peer.connections == 1


def test_an_answer_that_ends_with_its_connection(peer, cluster):
    peer.answers = [[b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", b"def", END], [OK]]
    assert get(cluster) == b"abcdef"
    assert get(cluster) == b"{}"


HUGE = [b"HTTP/1.1 200 OK\r\n", *[b"X: %b\r\n" % (b"canary" * 1000)] * 50]
NO_CHUNKS = [CHUNKED + b"canary\r\n"]
NO_HTTP = [b"SSH-2.0-canary\r\n\r\n"]
NO_LENGTH = [b"HTTP/1.1 200 OK\r\nContent-Length: canary\r\n\r\n"]
UPGRADE = [b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: canary\r\n\r\n"]


@ways(
    ["answer", "cause"],
    {
        "nothing": ([END], "RemoteDisconnected"),
        "status line": ([b"HTTP/1.1 200 O", END], "RemoteDisconnected"),
        "length": ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234", END], "ProtocolError"),
        "chunk": ([CHUNKED + b"9\r\n1234", END], "ProtocolError"),
        "chunks": ([CHUNKED + b"4\r\n1234\r\n", END], "ProtocolError"),
    },
    exchange={
        "no chunks": (NO_CHUNKS, "HttpParserError"),
        "no HTTP": (NO_HTTP, "HttpParser"),
        "no length": (NO_LENGTH, "HttpParserError"),
        "upgrade": (UPGRADE, "HttpParserUpgrade"),
        "huge head": (HUGE, "ProtocolError"),
    },
    urlopen={
        "no chunks": (NO_CHUNKS, "ProtocolError"),
        "no HTTP": (NO_HTTP, "BadStatusLine; if the server speaks TLS"),
        "no length": (NO_LENGTH, "ProtocolError"),
        "upgrade": (UPGRADE, "ProtocolError"),
        "interim answers": ([INTERIM + OK], "ProtocolError"),  # http.client takes 103 for the answer.
    },
)
def test_what_is_no_answer(peer, cluster, answer, cause):
    peer.answers = [answer, [OK]]
    with pytest.raises(Unreachable, match=f"POST .*: no answer: {cause}") as caught:
        cluster.request("POST", "/x", body=b"{}")
    assert "canary" not in str(caught.value)
    assert get(cluster) == b"{}"
    assert peer.connections == 2


@pytest.mark.parametrize("path", ["/x\r\nHost: elsewhere", "/x y", "/ä", "/x\0"])
def test_a_path_that_cannot_be_sent(peer, cluster, path):
    with pytest.raises(ClusterError):
        cluster.request("GET", path)
    assert peer.requests == []


def test_a_server_below_a_path(peer):
    peer.answers = [[OK]]
    cluster = to(f"http://127.0.0.1:{peer.port}/k8s/clusters/c-1")
    cluster.request("GET", "/api", query={"limit": "1"})
    assert peer.requests[0].startswith(b"GET /k8s/clusters/c-1/api?limit=1 HTTP/1.1\r\n")
    cluster.close()


def test_a_proxy_is_asked_for_the_whole_url(peer):
    peer.answers = [[OK]]
    cluster = to("http://server.invalid:8080", proxy=f"http://127.0.0.1:{peer.port}", proxy_headers={"X-Proxy": "me"})
    assert get(cluster) == b"{}"
    head = peer.requests[0].decode().splitlines()
    assert head[0] == "GET http://server.invalid:8080/x HTTP/1.1"
    assert "Host: server.invalid:8080" in head
    assert "X-Proxy: me" in head
    cluster.close()


def test_a_proxy_is_asked_for_a_tunnel_to_a_server_with_tls(peer):
    peer.answers = [[b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", END]]
    cluster = to("https://server.invalid:6443", proxy=f"http://127.0.0.1:{peer.port}", proxy_headers={"X-Proxy": "me"})
    with pytest.raises(Unreachable, match="Tunnel connection failed: 403"):
        cluster.request("POST", "/x", body=b"{}")
    assert peer.requests[0].startswith(b"CONNECT server.invalid:6443 HTTP/1.")
    assert b"X-Proxy: me\r\n" in peer.requests[0]
    cluster.close()


def test_after_close_it_connects_anew(peer, cluster):
    peer.answers = [[OK], [OK]]
    get(cluster)
    cluster.close()
    assert get(cluster) == b"{}"
    assert peer.connections == 2


@pytest.mark.parametrize("broken", ["silent", "reset"])
def test_r3_7_after_one_connection_broke_no_idle_one_is_used_again(peer, cluster, broken):
    """Whatever forgot that connection has forgotten the others: each would wait for its own time-out."""
    peer.answers = [[HELD] for _ in range(4)]
    threads = [threading.Thread(target=get, args=(cluster,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(45)
    assert peer.connections == 4
    peer.answers = [[] if broken == "silent" else [RESET]]
    with pytest.raises(Unreachable):
        cluster.request("POST", "/x", body=b"[1]", timeout=0.1)
    peer.has_taken_all()
    peer.answers = [[OK]] * 4
    for _ in range(4):
        assert get(cluster) == b"{}"
    assert peer.connections == 5


def test_r3_7_a_stream_that_fell_silent_takes_the_idle_connections_along(peer, cluster):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    peer.answers = [[head], [OK], [OK]]
    with cluster.stream("/x", query={}, read_timeout=0.3) as chunks:
        get(cluster)
        with pytest.raises(Unreachable):
            list(chunks)
    get(cluster)
    assert peer.connections == 3


def test_r3_7_the_head_of_a_stream_is_not_waited_for_as_long_as_its_body(peer, cluster, monkeypatch):
    monkeypatch.setattr(genreconcile.cluster, "_HEAD_TIMEOUT", 0.1)
    peer.answers = [[]]
    with pytest.raises(Unreachable), cluster.stream("/x", query={}, read_timeout=60):
        pass
    peer.has_taken_all()


@by_exchange  # urllib3 has a word for each.
def test_r3_11_more_connections_than_the_pool_keeps_are_closed_without_a_word(peer, monkeypatch, caplog):
    monkeypatch.setattr(genreconcile.cluster, "POOL_SIZE", 2)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    peer.answers = [[head]] * 6
    with contextlib.closing(to(f"http://127.0.0.1:{peer.port}")) as cluster, contextlib.ExitStack() as streams:
        for _ in range(6):
            streams.enter_context(cluster.stream("/x", query={}, read_timeout=45))
    for _ in range(6):
        assert peer.closed.acquire(timeout=45)
    assert caplog.messages == []


def test_r3_6_a_connection_from_before_the_fork_is_refused(peer, cluster, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(ClusterError, match="made before the fork"):
        get(cluster)
    with pytest.raises(ClusterError, match="made before the fork"), cluster.stream("/x", query={}, read_timeout=45):
        pass
    assert peer.connections == 0


@by_exchange  # And then by urlopen.
def test_both_ways_send_the_same(peer, monkeypatch):
    sent = []
    for knows in (True, False):
        monkeypatch.setattr(transport, "_knows_urllib3", lambda knows=knows: knows)
        peer.answers = [[OK]] * 3
        with contextlib.closing(to(f"http://127.0.0.1:{peer.port}", api_key={"authorization": "Bearer x"})) as cluster:
            cluster.request("GET", "/api%2Fx/y:z", query={"labelSelector": "a in (b,c),d=\u00e4", "limit": "1"})
            cluster.request("PATCH", "/x", body='["\u00e4"]'.encode(), content_type="application/json-patch+json")
            cluster.request("DELETE", "/x", body=b"{}")
        sent.append(peer.requests[-3:])
    assert sent[0] == sent[1]


def test_an_interrupt_ends_an_answer_that_is_the_last_of_its_connection(peer, cluster):
    """http.client lets go of such a connection as soon as the head has come."""
    peer.answers = [[b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", HELD]]
    interrupt, ended = Interrupt(), []

    def read():
        with interrupt, cluster.stream("/x", query={}, read_timeout=45) as chunks:
            ended.append(next(chunks))
            begun.set()
            ended.extend(chunks)

    begun = threading.Event()
    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(45)
    interrupt.set()
    thread.join(30)
    assert not thread.is_alive()
    assert ended == [b"abc"]
    peer.held.abort()
