"""An API server that takes and gives raw JSON: the ``Cluster`` protocol and its adapter over ``DynamicClient``.

Invariants: request bodies go out byte for byte as the caller hands them in (a JSON patch ``test`` compares raw
spelling); no request is sent twice, except a GET whose idle connection the server had closed and a request that met a
401; every failure is a ``ClusterError``, whose text and details hold no value of any object. No other package imports
``kubernetes``, and this one imports it only when a connection is made.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

from genreconcile.cluster.answer import answer_error, status_error
from genreconcile.cluster.api import Cluster
from genreconcile.cluster.around import Around
from genreconcile.cluster.causes import no_answer
from genreconcile.cluster.credentials import Credentials, Renewable
from genreconcile.cluster.interrupt import Interrupt
from genreconcile.cluster.permit import Permit
from genreconcile.cluster.preview import Preview
from genreconcile.cluster.transport import POOL_SIZE, Transport, chunks, keepalive
from genreconcile.cluster.wishes import require_wishes
from genreconcile.errors import ClusterError, Unauthorized
from genreconcile.log import logger
from genreconcile.mask import hiding_answer
from genreconcile.process import Process

if TYPE_CHECKING:
    from genreconcile.cluster.identity import Identity
    from genreconcile.cluster.message import Response

__all__ = ["Around", "Cluster", "DynamicCluster", "Interrupt", "Permit", "Preview", "connect", "status_error"]

_READ_TIMEOUT = 65.0  # The API server ends a request itself after 60 s.
_HEAD_TIMEOUT = 20.0  # A stream is open as soon as its head has come; only then may it be silent for long.

_log = logger(__name__)


def connect(  # noqa: PLR0913 - all by name; each is a flag of kubectl
    *,
    kubeconfig: str | PathLike[str] | None = None,
    context: str | None = None,
    plugins: Collection[str] | None = None,
    as_: str | None = None,
    as_groups: Collection[str] = (),
    as_uid: str | None = None,
    as_user_extra: Mapping[str, Sequence[str]] | None = None,
) -> Cluster:
    """Connect as kubectl does: the given file and context, else ``$KUBECONFIG`` or ``~/.kube/config``, else in-cluster.

    ``kubeconfig`` is a path, or the text of such a file. A kubeconfig may name a credential plugin, a program that is
    run here: pass only files that you trust, or list in ``plugins`` the programs that may run, as the file spells
    them, ``()`` for none. ``as_`` is the user to impersonate; the other ``as_*`` are his groups, uid and extra. A value
    that is not given here comes from the kubeconfig. No request is sent. Credentials that expire or rotate are renewed.
    Raises Unreachable where no usable configuration is found, and Unauthorized where a program gives no credentials.
    """
    require_wishes(kubeconfig, context, plugins)
    from kubernetes.client import Configuration

    from genreconcile.cluster.choice import Choice
    from genreconcile.cluster.identity import Identity
    from genreconcile.cluster.impersonation import Impersonation

    wished = Impersonation.of(as_, as_groups, as_uid, as_user_extra)
    identity = Identity(Choice(kubeconfig, context, plugins, wished).load)
    configuration = cast("Any", Configuration)(host=identity.server)
    configuration.proxy = None  # Identity's pool manager uses the proxy.
    configuration.verify_ssl = identity.verifies
    return DynamicCluster(configuration, namespace=identity.namespace, identity=identity)


def _without_user(url: str) -> str:
    """The URL without ``user:password@``, for messages."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"


class DynamicCluster:
    """``Cluster`` over ``DynamicClient``; ``configuration`` is a ``kubernetes.client.Configuration``, and is copied.

    An operator may pass its own ``DynamicClient`` or ``ApiClient`` instead; the default headers of that client, which
    may impersonate a user, are taken over. ``timeout`` is the longest silence in seconds of a request that names no
    other. ``renew`` returns a Configuration with fresh credentials; it is called when the server answers 401.
    ``identity`` takes the place of the configuration's credentials and TLS.
    """

    asks_permit = True

    def __init__(
        self,
        configuration: Any,
        *,
        namespace: str = "",
        timeout: float = _READ_TIMEOUT,
        renew: Callable[[], Any] | None = None,
        identity: Identity | None = None,
    ) -> None:
        from copy import deepcopy

        from kubernetes.client import ApiClient
        from kubernetes.dynamic import DynamicClient

        given = getattr(configuration, "client", configuration)  # ``client`` of a DynamicClient is its ApiClient.
        own = deepcopy(getattr(given, "configuration", given))
        own.connection_pool_maxsize = POOL_SIZE
        self.server: str = _without_user(own.host)
        self.namespace = namespace
        self._timeout = timeout
        self._process = Process()
        self._credentials: Renewable = identity or Credentials(own, renew)
        if not own.verify_ssl:
            _log.warning(
                "%s: its certificate is not verified (insecure-skip-tls-verify)", self.server, extra={"code": "GR612"}
            )
        client = cast("Any", ApiClient)(own)
        client.default_headers |= getattr(given, "default_headers", {})
        client.user_agent = "genreconcile"
        if identity is None:
            manager = client.rest_client.pool_manager
            manager.connection_pool_kw["socket_options"] = getattr(own, "socket_options", None) or keepalive()
            self._transport = Transport(manager, own.host)
        else:
            self._transport = Transport(identity.manager, own.host, identity.headers)
            identity.on_new_tls = self._transport.replace
        client.rest_client = self._transport
        # The client's own discovery sends a request per group and keeps a cache file in the shared temp folder.
        self._client: Any = cast("Any", DynamicClient)(client, discoverer=lambda *_: None)

    def __repr__(self) -> str:
        return f"<Cluster {self.server}{f' namespace {self.namespace}' if self.namespace else ''}>"

    def request(  # noqa: PLR0913 - as in Cluster
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float | None = None,
    ) -> bytes:
        """See ``Cluster.request``."""
        response = self._send(
            method,
            path,
            query or {},
            body=body,
            header_params={"Accept": accept},
            content_type=content_type,
            _request_timeout=timeout or self._timeout,
        )
        with no_answer(f"{method} {self.server}{path}"):
            return response.read(begun=Preview.current())

    @contextlib.contextmanager
    def stream(
        self, path: str, *, query: Mapping[str, str], read_timeout: float, accept: str = "application/json"
    ) -> Iterator[Iterator[bytes]]:
        """See ``Cluster.stream``."""
        headers = {"Accept": accept}
        timeout = min(read_timeout, _HEAD_TIMEOUT)
        response = self._send("GET", path, query, header_params=headers, _request_timeout=timeout)
        self._transport.stream(response)
        try:
            response.wait_at_most(read_timeout)
            yield chunks(f"GET {self.server}{path}", response)
        finally:
            response.close()

    def headers(self, path: str) -> Mapping[str, str]:
        """The headers of the answer to a GET, whatever its status, by name in lower case. Raises ClusterError."""
        self._credentials.refresh()
        options = {"header_params": {"Accept": "application/json"}, "_request_timeout": _HEAD_TIMEOUT}
        response = self._send_once(f"GET {self.server}{path}", "GET", path, options)
        try:
            return dict(response.headers)
        finally:
            response.close()

    def close(self) -> None:
        """See ``Cluster.close``."""
        self._transport.close()

    def _send(self, method: str, path: str, query: Mapping[str, str], **options: Any) -> Response:
        from kubernetes.config import ConfigException

        name = f"{method} {self.server}{path}"
        if not self._process.is_this:  # Two processes that share a connection break it for both.
            raise ClusterError(f"{name}: {self._process.told('the connection')}", code="GR003")
        target = path + _encoded(tuple(query.items()))
        try:
            self._credentials.refresh()
            sent = self._credentials.current
            response = self._send_once(name, method, target, options)
            if response.status == 401 and self._credentials.renew(sent):
                response.close()
                response = self._send_once(name, method, target, options)
        except (ConfigException, Unauthorized) as error:  # The hook that renews the token raises ConfigException.
            raise Unauthorized(
                f"{name}: no credentials: {error}; check the kubeconfig", status=401, code="GR604"
            ) from None
        if not 200 <= response.status < 300:
            raise answer_error(name, response, hiding_answer(method, path, options.get("body")))
        return response

    def _send_once(self, name: str, method: str, target: str, options: Mapping[str, Any]) -> Response:
        with no_answer(name):
            response: Response = self._client.request(method, target, serialize=False, **options)
            return response


@functools.lru_cache(maxsize=64)
def _encoded(query: tuple[tuple[str, str], ...]) -> str:
    """The query as it stands in a URL, "" for none. Cached: writes share a few, and the client's encoding is slow."""
    return f"?{urlencode(query, quote_via=quote)}" if query else ""
