"""The contexts that are refused, for they leave the user or the server unclear.

Invariant: a context that client-go refuses is refused here, before a credential is read, a program run or a request
sent.
Source: ``k8s.io/client-go/tools/clientcmd/validation.go``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from genreconcile.cluster.entries import ClusterEntry, ExecEntry, ProviderEntry, UserEntry
from genreconcile.cluster.kubeconfig import Chosen

API: Final = "client.authentication.k8s.io"
_VERSIONS: Final = (f"{API}/v1", f"{API}/v1beta1")
_MODES: Final = ("Never", "IfAvailable", "Always")
_PROXIES: Final = ("http", "https", "socks5")
_CORRECT: Final = "correct the kubeconfig"


def validate(chosen: Chosen) -> None:
    """Raise Unreachable for a context with a problem; the error names the first one."""
    for problem in (*_of_cluster(chosen.cluster), *_of_user(chosen.user)):
        raise chosen.unusable(problem, _CORRECT)
    if server_url(chosen).startswith("https:") and not has_credentials(chosen.user):
        raise chosen.unusable("its user has no credentials, so that you would be nobody", _CORRECT)


def mode_of(plugin: ExecEntry) -> str:
    """The interactiveMode of the plugin; v1beta1 has a default."""
    return plugin.interactive_mode or ("" if plugin.api_version == f"{API}/v1" else "IfAvailable")


def server_url(chosen: Chosen) -> str:
    """``https://host:port/path`` without a slash at the end. Raises Unreachable."""
    text = chosen.cluster.server
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise chosen.unusable("the cluster's server is no URL", "write https://host:port")
    if "@" in parts.netloc:
        raise chosen.unusable("the cluster's server has a user in its URL", "name it in the user's username")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def leaves_in_the_clear(url: str) -> bool:
    """Whether others may read requests to the URL: over plain HTTP kubectl sends no credentials."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    return parts.scheme == "http" and not is_here


def has_credentials(user: UserEntry) -> bool:
    """Whether the user has credentials of any kind."""
    certificate = user.client_certificate or user.client_certificate_data
    known = certificate or user.token or user.token_file or user.username
    return bool(known or user.exec_ is not None or user.auth_provider is not None)


def _of_cluster(cluster: ClusterEntry) -> Iterator[str]:
    if not cluster.server:
        yield "its cluster has no server"
    has_authority = bool(cluster.certificate_authority or cluster.certificate_authority_data)
    if cluster.certificate_authority and cluster.certificate_authority_data:
        yield "its cluster has both certificate-authority and certificate-authority-data"
    if has_authority and cluster.insecure_skip_tls_verify:
        yield "its cluster has both a certificate-authority and insecure-skip-tls-verify"
    if cluster.proxy_url and cluster.proxy_url.partition("://")[0].lower() not in _PROXIES:
        yield "the cluster's proxy-url begins neither with http:// nor https:// nor socks5://"


def _of_user(user: UserEntry) -> Iterator[str]:
    # As in client-go, a password without a username is never sent, and is an error only beside a token.
    if (user.token and (user.username or user.password)) or (user.token_file and user.username):
        yield "its user has both a token and a password"
    if user.client_certificate or user.client_certificate_data:
        yield from _of_certificate(user)
    if (user.as_uid or user.as_groups or user.as_user_extra) and not user.as_:
        yield "groups, uid or extra of a user are to be impersonated, but no user (as, --as)"
    if user.auth_provider is not None:
        yield from _of_provider(user.auth_provider)
    if user.exec_ is not None:
        yield from ["its user has both exec and auth-provider"] if user.auth_provider is not None else []
        yield from _of_plugin(user.exec_)


def _of_certificate(user: UserEntry) -> Iterator[str]:
    if user.client_certificate and user.client_certificate_data:
        yield "its user has both client-certificate and client-certificate-data"
    if user.client_key and user.client_key_data:
        yield "its user has both client-key and client-key-data"
    if not (user.client_key or user.client_key_data):
        yield "its user has a client-certificate, but no client-key"


def _of_provider(provider: ProviderEntry) -> Iterator[str]:
    if provider.name != "oidc":
        yield f"the auth-provider {provider.name!r} is no more part of Kubernetes; it is named under exec now"
    if not (provider.config.get("idp-issuer-url") and provider.config.get("client-id")):
        yield "the user's auth-provider oidc has no idp-issuer-url, or no client-id"


def _of_plugin(plugin: ExecEntry) -> Iterator[str]:
    if not plugin.command:
        yield "the user's exec has no command"
    if plugin.api_version not in _VERSIONS:
        yield f"the user's exec has an apiVersion other than {' and '.join(_VERSIONS)}"
    if not all(variable.name for variable in plugin.env):
        yield "the user's exec has an env without a name"
    if mode_of(plugin) not in _MODES:
        yield f"the user's exec has an interactiveMode other than {', '.join(_MODES)}"
