"""Which failures a later try may not meet again: those of the network and the server, and none of the kubeconfig's."""

import errno
import http.client
import socket
import ssl

import pytest
from urllib3 import exceptions

import genreconcile as gr
from genreconcile.cluster.causes import no_answer, speaks_tls
from support.accounts import written


def of(cause, outer=exceptions.HTTPError):
    """An error of urllib3, as it stands around its cause."""
    error = outer("…")
    error.__cause__ = cause
    return error


def tls(kind, reason):
    error = kind(1, "…")
    error.reason = reason
    return error


def certificate(code):
    error = ssl.SSLCertVerificationError(1, "CERTIFICATE_VERIFY_FAILED")
    error.verify_code, error.verify_message = code, "…"
    return error


PASSING = {
    "refused": of(ConnectionRefusedError(errno.ECONNREFUSED, "…")),
    "reset": ConnectionResetError(errno.ECONNRESET, "…"),
    "closed": http.client.RemoteDisconnected("…"),
    "no network": of(OSError(errno.ENETUNREACH, "…")),
    "no host": of(OSError(errno.EHOSTUNREACH, "…")),
    "no name server": of(socket.gaierror(socket.EAI_AGAIN, "…")),
    "a time-out": TimeoutError("timed out"),
    "a time-out of the connection": exceptions.ConnectTimeoutError("…"),
    "a handshake that breaks off": of(tls(ssl.SSLEOFError, "UNEXPECTED_EOF_WHILE_READING")),
    "an answer that breaks off": exceptions.ProtocolError("the connection was closed before the end of the answer"),
    "a proxy that reaches nobody": of(OSError("Tunnel connection failed: 503 Service Unavailable")),
}
STAYING = {
    "no such name": of(socket.gaierror(socket.EAI_NONAME, "…")),
    "a certificate of another name": of(certificate(62)),
    "a certificate of another authority": of(certificate(19)),
    "no TLS": of(tls(ssl.SSLError, "WRONG_VERSION_NUMBER")),
    "no HTTP": of(http.client.BadStatusLine("…"), exceptions.ProtocolError),
    "a proxy that wants a password": of(OSError("Tunnel connection failed: 407 Proxy Authentication Required")),
    "no path": ValueError("the path has a character that no path may have"),
}


@pytest.mark.parametrize("error", [pytest.param(error, id=name) for name, error in {**PASSING, **STAYING}.items()])
def test_no_answer(error):
    with pytest.raises(gr.Unreachable) as caught, no_answer("GET http://x/"):
        raise error
    assert caught.value.may_pass is (error in PASSING.values())


@pytest.mark.parametrize(
    ("status", "may_pass"),
    [(401, False), (403, False), (404, False), (429, True), (500, True), (501, False), (502, True), (503, True)],
)
def test_an_answer(server, tmp_path, status, may_pass):
    server.behave = lambda handler: handler.answer(status, b"{}")
    cluster = gr.connect(kubeconfig=written(tmp_path, f"http://127.0.0.1:{server.server_port}", {}))
    with pytest.raises(gr.ClusterError) as caught:
        cluster.request("GET", "/x")
    assert caught.value.may_pass is may_pass


def test_what_the_kubeconfig_says_wrong(tmp_path):
    with pytest.raises(gr.Unreachable) as caught:
        gr.connect(kubeconfig=str(tmp_path / "none"))
    assert not caught.value.may_pass
    assert not speaks_tls("GET http://x/", 400, b"plain HTTP request was sent to HTTPS port").may_pass
