"""Certificates → one SSLContext, and the pool of connections that uses it.

Invariants: a context is made from bytes once, so that no connection depends on a file; OpenSSL, which reads client
certificates from files alone, gets a file in memory, or a private file that is gone before the function returns; TLS is
1.2 or newer.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from genreconcile.cluster.proxies import proxy_of
from genreconcile.cluster.transport import POOL_SIZE, keepalive

if TYPE_CHECKING:
    import urllib3

_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----\r?\n.*?-----END CERTIFICATE-----", re.DOTALL)


class UnusableError(ValueError):
    """A certificate, key or proxy is not usable; the text quotes nothing of it."""


def tls_context(authority: bytes | None, certificate: bytes, key: bytes, *, verifies: bool) -> ssl.SSLContext:
    """An SSLContext from PEM; ``authority`` None stands for the system's authorities, ``certificate`` b"" for none.

    Raises UnusableError. As Go does, the context accepts an authority that another one has signed, or the server's own
    certificate, and certificates that lack extensions required by RFC 5280.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not verifies:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif authority is None:
        _trust_system(context)
    else:
        _trust(context, authority)
    if certificate:
        _identify(context, certificate, key)
    return context


def _trust_system(context: ssl.SSLContext) -> None:
    import certifi

    context.load_default_certs()
    if not context.cert_store_stats()["x509_ca"]:  # A slim image has none, or OpenSSL loads them as they are needed.
        context.load_verify_locations(certifi.where())


def _trust(context: ssl.SSLContext, authority: bytes) -> None:
    found = 0
    for block in _CERTIFICATE.findall(authority):
        with contextlib.suppress(ssl.SSLError, ValueError):  # As Go: other certificates may be readable.
            context.load_verify_locations(cadata=block.decode("ascii"))
            found += 1
    if not found:
        raise UnusableError("the certificate-authority has no certificate in PEM")


def _identify(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    def refuse() -> bytes:  # Without it, OpenSSL would ask for a password on the terminal.
        raise UnusableError("the client-key is encrypted")

    with _file(certificate) as one, _file(key) as other:
        try:
            context.load_cert_chain(one, other, password=refuse)
        except UnusableError:
            raise
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or "not in PEM"
            text = f"the client-certificate and client-key do not fit, or are not readable: {reason}"
            raise UnusableError(text) from None


@contextlib.contextmanager
def _file(content: bytes) -> Iterator[str]:
    """A path under which OpenSSL reads the content."""
    with contextlib.ExitStack() as stack:
        path = _in_memory(content, stack) or _in_private(content, stack)
        yield path


def _in_memory(content: bytes, stack: contextlib.ExitStack) -> str:
    if not hasattr(os, "memfd_create"):
        return ""
    file = stack.enter_context(os.fdopen(os.memfd_create("pem"), "wb", buffering=0))
    file.write(content)
    path = f"/proc/self/fd/{file.fileno()}"
    return path if Path(path).exists() else ""


def _in_private(content: bytes, stack: contextlib.ExitStack) -> str:
    file = Path(stack.enter_context(tempfile.TemporaryDirectory()), "pem")  # Only its owner can read it.
    file.touch(mode=0o600)
    file.write_bytes(content)
    return str(file)


def pool_manager(
    server: str, proxy_url: str, context: ssl.SSLContext | None, *, server_name: str
) -> urllib3.PoolManager:
    """The pool manager for ``server``, a URL; ``context`` is None for plain HTTP. Raises UnusableError."""
    import urllib3

    options: dict[str, Any] = {"maxsize": POOL_SIZE, "socket_options": keepalive()}
    if context is not None:
        verifies = context.verify_mode == ssl.CERT_REQUIRED
        options |= {"ssl_context": context, "cert_reqs": context.verify_mode}
        options |= {"server_hostname": server_name} if server_name else {}
        options |= {} if verifies else {"assert_hostname": False}
    proxy = proxy_of(server, proxy_url)
    if not proxy:
        return urllib3.PoolManager(**options)
    if proxy.lower().startswith("socks"):
        return _through_socks(proxy, options)
    parts = urlsplit(proxy)
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    headers = urllib3.make_headers(proxy_basic_auth=user) if "@" in parts.netloc else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, proxy_ssl_context=context, **options)


def _through_socks(proxy: str, options: dict[str, Any]) -> urllib3.PoolManager:
    if find_spec("socks") is None:
        raise UnusableError("a proxy that speaks SOCKS needs the package PySocks: pip install pysocks")
    from urllib3.contrib.socks import SOCKSProxyManager

    # As Go: the proxy looks names up.
    manager: urllib3.PoolManager = SOCKSProxyManager(f"socks5h://{proxy.partition('://')[2]}", **options)
    return manager
