"""The entries of a kubeconfig, typed as client-go types them.

Invariants: a value of another type is refused, as by client-go; neither a message nor a repr quotes a value.
Source: ``k8s.io/client-go/tools/clientcmd/api/v1/types.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from genreconcile.structs import known


class _Entry(Struct, frozen=True, rename="kebab"):
    """An entry whose repr shows no value: most entries hold credentials."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class EnvEntry(_Entry, frozen=True):
    """One variable for a credential plugin."""

    name: str = ""
    value: str = ""


class ExecEntry(_Entry, frozen=True, rename="camel"):
    """A program to run for credentials. ``spelled`` is its name as the file has it."""

    command: str = ""
    args: tuple[str, ...] = ()
    env: tuple[EnvEntry, ...] = ()
    api_version: str = ""
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""
    spelled: str = field(default="", name="")


class ProviderEntry(_Entry, frozen=True):
    """An ``auth-provider``; ``oidc`` is the only one that client-go has kept."""

    name: str = ""
    config: dict[str, str] = {}


class UserEntry(_Entry, frozen=True):
    """A user: his credentials, of whatever kind, and his impersonation; ``*_data`` are base64."""

    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = field(default="", name="tokenFile")
    as_: str = field(default="", name="as")
    as_uid: str = ""
    as_groups: tuple[str, ...] = ()
    as_user_extra: dict[str, tuple[str, ...]] = {}
    username: str = ""
    password: str = ""
    auth_provider: ProviderEntry | None = None
    exec_: ExecEntry | None = field(default=None, name="exec")


class ExtensionEntry(_Entry, frozen=True):
    """Data of other programs, by name."""

    name: str = ""
    extension: Any = None


class ClusterEntry(_Entry, frozen=True):
    """The address of an API server, and the authority that vouches for its certificate."""

    server: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    proxy_url: str = ""
    disable_compression: bool = False
    extensions: tuple[ExtensionEntry, ...] = ()


class ContextEntry(_Entry, frozen=True):
    """A cluster, a user and a namespace that go together."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""


class NamedCluster(_Entry, frozen=True):
    """A cluster under its name."""

    name: str = ""
    cluster: ClusterEntry = ClusterEntry()


class NamedUser(_Entry, frozen=True):
    """A user under his name."""

    name: str = ""
    user: UserEntry = UserEntry()


class NamedContext(_Entry, frozen=True):
    """A context under its name."""

    name: str = ""
    context: ContextEntry = ContextEntry()


class Config(_Entry, frozen=True):
    """The content of one kubeconfig file."""

    kind: str = "Config"
    api_version: str = field(default="v1", name="apiVersion")
    current_context: str = ""
    clusters: tuple[NamedCluster, ...] = ()
    users: tuple[NamedUser, ...] = ()
    contexts: tuple[NamedContext, ...] = ()


known(Config)


def config(value: object) -> Config:
    """The ``Config`` of a decoded file. Raises ValueError, whose text names the place and quotes no value."""
    try:
        found = msgspec.convert(_without_nulls(value), Config)
    except msgspec.ValidationError as error:
        raise ValueError(f"it is no kubeconfig: {error}") from None
    if (found.kind or "Config", found.api_version or "v1") != ("Config", "v1"):
        raise ValueError("it is no kubeconfig: not of kind Config in v1")
    for name, entries in (("clusters", found.clusters), ("users", found.users), ("contexts", found.contexts)):
        if len({entry.name for entry in entries}) != len(entries):
            raise ValueError(f"it is ambiguous: a name comes twice among its {name}")
    return found


def _without_nulls(value: Any) -> Any:
    """The value without null fields: to Go, a null is an absent field."""
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if item is not None}
        return {key: item if key == "extension" else _without_nulls(item) for key, item in kept.items()}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
