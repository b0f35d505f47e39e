"""Why a request got no answer, and the likeliest mistake behind it.

Invariants: an explanation is one line, which names one mistake; no exception is chained, and no text is quoted that
could hold a header or an answer.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from genreconcile.errors import Unreachable

_ADVICE: Final = "check the address and the network"
_AUTHORITY: Final = "correct certificate-authority in the kubeconfig"

# OpenSSL's X509_V_ERR_* → the fault of the server's certificate, the advice, and the code.
_REFUSED: Final = {
    **dict.fromkeys((18, 19, 20, 21), ("is signed by no authority that the kubeconfig trusts", _AUTHORITY, "GR606")),
    9: ("is not valid yet", "check the clocks", "GR608"),
    10: ("has expired", "have it renewed, or check the clocks", "GR608"),
}
_NAMES: Final = (62, 64)
_AWAY: Final = (errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH)
_ODD: Final = ("HttpParser", "RemoteDis", "BadStatus")
"""Prefixes of the names of the exceptions for an answer that is no HTTP: llhttp's, then those of http.client."""
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
_SPEAKS_TLS: Final = (b"Client sent an HTTP request to an HTTPS server", b"plain HTTP request was sent to HTTPS port")


@contextlib.contextmanager
def no_answer(name: str) -> Iterator[None]:
    """Turn the errors of urllib3 and the system into Unreachable; ``name`` is the request, method and URL.

    No exception is chained: urllib3's hold the headers.
    """
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (HTTPError, OSError, ValueError) as error:
        cause, advice, code = _explained(error, is_plain=" http://" in name)
        text = f"{name}: no answer: {cause}; {advice}"
        raise Unreachable(text, is_passing=_is_passing(error), code=code) from None


def speaks_tls(name: str, status: int, body: bytes) -> Unreachable | None:
    """The error for an answer by which a server tells that it expects TLS; None for any other answer."""
    if status != 400 or not any(words in body for words in _SPEAKS_TLS):
        return None
    return Unreachable(f"{name}: no answer: the server speaks TLS; write https:// in the kubeconfig", code="GR609")


def _is_passing(error: Exception) -> bool:
    """Whether the network or the server may be better later, with the same kubeconfig."""
    from urllib3.exceptions import ProtocolError
    from urllib3.exceptions import TimeoutError as Silence

    cause = _cause(error)
    if isinstance(cause, ssl.SSLError):  # A server behind a load balancer that comes up ends the handshake.
        return isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    if isinstance(cause, socket.gaierror):
        return cause.errno == socket.EAI_AGAIN
    if isinstance(cause, OSError):
        return isinstance(cause, ConnectionError | TimeoutError) or cause.errno in _AWAY or _of_proxy(cause)
    return isinstance(cause, ProtocolError | Silence)


def _of_proxy(cause: OSError) -> bool:
    """Whether a proxy says that it does not reach the server, as ``http.client`` tells it."""
    return str(cause).startswith("Tunnel connection failed: 5")


def _cause(error: Exception) -> BaseException:
    return error.__cause__ or error.__context__ or error


def _explained(error: Exception, *, is_plain: bool) -> tuple[str, str, str]:
    """The cause, the advice, and the code."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _of_certificate(cause)
    if isinstance(cause, ssl.SSLError):
        return _of_tls(cause)
    text = f": {cause}" if isinstance(cause, OSError) else ""
    # A TLS server answers plain HTTP by an alert, which is no HTTP, or closes or resets the connection.
    is_odd = isinstance(cause, ConnectionResetError) or type(cause).__name__.startswith(_ODD)
    shown = f"{type(cause).__name__}{text}"[:300]
    if is_plain and is_odd:
        return shown, "if the server speaks TLS, write https:// in the kubeconfig", "GR609"
    return shown, _ADVICE, "GR605"


def _of_certificate(error: ssl.SSLCertVerificationError) -> tuple[str, str, str]:
    code = error.verify_code
    if code in _NAMES:
        advice = "check the address, or name one of its names in tls-server-name"
        return f"the server's certificate is for another name: {error.verify_message}".rstrip("."), advice, "GR607"
    problem, advice, told = _REFUSED.get(code, (f"is not valid: {error.verify_message}", _AUTHORITY, "GR606"))
    return f"the server's certificate {problem}", advice, told


def _of_tls(error: ssl.SSLError) -> tuple[str, str, str]:
    reason = error.reason or "UNKNOWN"
    if reason in _NO_TLS:
        return "the server does not speak TLS", "check the port, or write http:// in the kubeconfig", "GR609"
    if "ALERT" in reason:
        said = reason.partition("ALERT_")[2].replace("_", " ").lower()
        return f"the server ends TLS: {said}", "check the client-certificate in the kubeconfig", "GR610"
    return f"TLS fails: {reason}", _ADVICE, "GR609"
