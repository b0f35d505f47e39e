"""One request and its answer by urllib3's own ``urlopen``, for a urllib3 that ``exchange`` does not know.

It is three times as slow as ``exchange``, and uses the public parts of urllib3 and ``http.client`` alone.

Invariants: no request is sent twice; the errors are those of ``exchange``, and quote nothing of an answer; after one
connection fell silent or was reset, no idle one of its pool is used again; an answer whose end ``http.client`` would
not find is an error.
"""

from __future__ import annotations

import http.client
import logging
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, InsecureRequestWarning, ProtocolError, ProxyError, ReadTimeoutError, SSLError

from genreconcile.cluster import message
from genreconcile.cluster.interrupt import Interrupt, register, shut
from genreconcile.cluster.permit import Permit

_WRAPPERS = (ProtocolError, ProxyError, ReadTimeoutError, SSLError)

_T = TypeVar("_T")


def urlopen(pool: urllib3.HTTPConnectionPool, request: message.Request, timeout: float | None) -> Response:
    """Send ``request`` and read the head of the answer; see ``exchange.exchange``."""
    if Interrupt.is_current_set():  # Were it sent, the answer might come before the connection ends.
        raise ProtocolError("interrupted")
    kind = _observed(pool)
    headers = urllib3.HTTPHeaderDict()
    for name, value in request.headers:
        headers.add(name, value.encode().decode("latin-1"))  # http.client encodes in Latin-1; servers expect UTF-8.

    def send() -> urllib3.BaseHTTPResponse:
        return pool.urlopen(
            request.method,
            request.target,
            body=request.body,
            headers=headers,
            retries=False,
            redirect=False,
            assert_same_host=False,  # A proxy is asked for another host's URL.
            timeout=urllib3.Timeout(connect=message.CONNECT_TIMEOUT, read=timeout),
            preload_content=False,
            decode_content=False,
        )

    response = Response(kind, _unwrapping(kind, send))
    _unwrapping(kind, response.require_framing)
    return response


class _Observed(HTTPConnection):
    """A connection that an Interrupt may end, and that counts as dropped once another of its pool broke.

    ``breaks``, an attribute of each pool's own subclass, counts the connections that fell silent or were reset;
    ``born`` is that count when the connection was opened.
    """

    debuglevel = 0  # Configuration(debug=True) would have http.client print headers, a proxy's credentials as well.
    breaks = 0
    born = 0
    interrupt: Interrupt | None = None
    awaited: Any = None
    """The socket of the last answer; http.client forgets it where the answer is the connection's last."""

    def connect(self) -> None:
        self.born = type(self).breaks
        super().connect()

    @property
    def is_connected(self) -> bool:
        return self.born == type(self).breaks and super().is_connected

    def request(self, *arguments: Any, **options: Any) -> None:
        self.interrupt = None  # The one of the thread that had the connection before.
        if self.sock is None:
            self.connect()  # Else http.client does it, after the question.
        with Permit.sending():
            super().request(*arguments, **options)

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override] # As in urllib3.
        self.awaited = self.sock
        register(self, self.sock)
        return super().getresponse()


def _observed(pool: urllib3.HTTPConnectionPool) -> type[_Observed]:
    """The class of the pool's connections, set at the first call; urllib3 lets its users set ``ConnectionCls``."""
    kind: Any = pool.ConnectionCls
    if not issubclass(kind, _Observed):
        kind = pool.ConnectionCls = type(f"Observed{kind.__name__}", (_Observed, kind), {})
        # The log tells once that no certificate is verified; urllib3 would warn at each request.
        said = f".*host '{re.escape(pool.host)}'"
        warnings.filterwarnings("ignore", message=said, category=InsecureRequestWarning)
        logging.getLogger("urllib3.connection").addFilter(_has_no_error)
    return kind  # type: ignore[no-any-return] # issubclass says it of the class that stays.


def _has_no_error(record: logging.LogRecord) -> bool:
    """Whether to keep a log record: urllib3 logs a malformed header with an error that quotes it."""
    return not record.exc_info


def _unwrapping(kind: type[_Observed], call: Callable[[], _T]) -> _T:
    """The call's result. Raises as ``exchange``, outside of the handler: a ``__context__`` would pass for the cause."""
    try:
        return call()
    except (HTTPError, http.client.HTTPException, OSError) as raised:
        error = _unwrapped(raised)
    if isinstance(error, OSError) and not isinstance(error, http.client.RemoteDisconnected):
        kind.breaks += 1  # An orderly close of one connection says nothing of the others.
    raise error


def _unwrapped(error: Exception) -> Exception:
    while isinstance(error, _WRAPPERS) and (inner := _inner(error)):
        error = inner
    is_of_http = isinstance(error, http.client.HTTPException)  # urllib3's IncompleteRead as well.
    if isinstance(error, OSError) or not is_of_http:
        return error
    odd = ProtocolError("no HTTP")
    if isinstance(error, http.client.BadStatusLine):
        odd.__cause__ = http.client.BadStatusLine("")  # Without the server's line.
    return odd


def _inner(error: Exception) -> Exception | None:
    return next((inner for inner in (error.__cause__, *reversed(error.args)) if isinstance(inner, Exception)), None)


class Response(message.Response):
    """An answer whose head has been read, and whose body is read on demand. Not thread-safe, but for ``end``."""

    def __init__(self, kind: type[_Observed], raw: Any) -> None:
        self._kind = kind
        self._raw = raw
        self._sock = raw.connection.awaited
        self._is_left = False

    @property
    def status(self) -> int:
        """See ``message.Response``."""
        return int(self._raw.status)

    @property
    def headers(self) -> Mapping[str, str]:
        """See ``message.Response``."""
        return {name.lower(): value for name, value in self._raw.headers.items()}

    def require_framing(self) -> None:
        """Raise where ``http.client`` misreads a head: a head that broke off passes for whole, a 103 for the last."""
        headers, length = self.headers, self._raw.headers.get("content-length")
        has_end = length is not None or "transfer-encoding" in headers or self.status in {204, 304}
        if self.status < 200 or (length is not None and not length.isdigit()):
            self.close()
            raise ProtocolError("no HTTP")
        if not has_end and self._raw.version > 10 and headers.get("connection", "").lower() != "close":
            self.close()
            raise http.client.RemoteDisconnected("the connection was closed without an answer")

    def read1(self) -> bytes:
        """See ``message.Response``."""
        if self._is_left:
            raise ProtocolError("the answer was closed before its end")
        try:
            part: bytes | None = _unwrapping(self._kind, lambda: self._raw.read1(message.CHUNK, decode_content=False))
        except BaseException:
            self._leave()
            raise
        return part or b""

    def wait_at_most(self, seconds: float) -> None:
        """See ``message.Response``."""
        if not self._raw.closed:
            self._sock.settimeout(seconds)

    def close(self) -> None:
        """See ``message.Response``."""
        if not self._raw.closed:
            self._leave()

    def end(self) -> None:
        """See ``message.Response``."""
        if not self._raw.closed:
            shut(self._sock)

    def _leave(self) -> None:
        self._is_left = True
        self._raw.close()
        self._raw.release_conn()  # A closed connection is opened again when it is used.
