"""A TLS connection that broke spoils no other one of its thread."""

import threading

import pytest

import genreconcile as gr
from genreconcile.cluster import Interrupt
from genreconcile.errors import Unreachable
from genreconcile.testing.certificates import Authority
from support.accounts import b64, written
from support.api.loopback import Loopback, Talk
from support.api.tls import server_context
from support.eventually import eventually

pytestmark = pytest.mark.usefixtures("way")

ROUNDS = 20
"""What OpenSSL finds of a connection that was shut depends on the moment."""


def test_a_write_after_a_read_that_was_ended_is_answered(tmp_path):
    """On a connection that another thread has just given back. Else an object that was written would be failed."""
    authority, ended = Authority(), threading.Event()
    behave = {"/watch": lambda talk: talk.chunks(b"x"), "/slow": lambda talk: ended.wait(45) and talk.answer()}
    with Loopback(server_context(authority)) as server:
        server.behave = lambda talk: behave.get(talk.path, Talk.answer)(talk)
        cluster = {"certificate-authority-data": b64(authority.credential.certificate)}
        opened = gr.connect(kubeconfig=written(tmp_path, server.url, {"token": "t"}, cluster))
        for number in range(ROUNDS):
            ended.clear()
            interrupt = Interrupt()
            other = threading.Thread(target=opened.request, args=("GET", "/slow"))
            with interrupt, opened.stream("/watch", query={}, read_timeout=45) as chunks:
                assert next(chunks) == b"x"
                other.start()
                eventually(lambda: len(server.seen) == 3 * number + 2, pause=0.001)  # noqa: B023 - in this turn
                interrupt.set()
                with pytest.raises(Unreachable):
                    next(chunks)
            ended.set()
            other.join()
            assert opened.request("POST", "/x", body=b"{}") == b"{}"
        opened.close()
