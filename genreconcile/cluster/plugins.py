"""Which programs a kubeconfig may have run for credentials.

Invariant: where an allow-list is given, no other program is started, whatever the file says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from genreconcile.errors import Unreachable


def require_allowed(kubeconfig: str | None, context: str | None, allowed: Collection[str]) -> None:
    """Raise Unreachable where the context's user names a program that is not in ``allowed``, as the file spells it.

    Where the files cannot be read nothing is raised: the client, which reads them in the same way, will run nothing.
    """
    for program in _programs(_merged(kubeconfig), context):
        if program not in allowed:
            place = kubeconfig or "kubeconfig"
            raise Unreachable(
                f"{place}: not used: it would run {program!r} for credentials; add it to plugins to allow it"
            )


def _merged(kubeconfig: str | None) -> Mapping[str, Any]:
    from kubernetes.config import kube_config

    module = cast("Any", kube_config)
    try:
        merged = module.KubeConfigMerger(kubeconfig or module.KUBE_CONFIG_DEFAULT_LOCATION).config
        value = merged.value if merged is not None else {}
    except Exception:  # noqa: BLE001 - connect tells what is wrong with it
        return {}
    return value if isinstance(value, Mapping) else {}


def _programs(config: Mapping[str, Any], context: str | None) -> Iterator[str]:
    chosen = _named(config.get("contexts"), context or config.get("current-context"), "context")
    user = _named(config.get("users"), chosen.get("user"), "user")
    for path in (("exec", "command"), ("auth-provider", "config", "cmd-path")):
        value: Any = user
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value:
            yield str(value)


def _named(entries: Any, name: Any, key: str) -> Mapping[str, Any]:
    listed: Sequence[Any] = entries if isinstance(entries, list) else ()
    for entry in (getattr(wrapped, "value", wrapped) for wrapped in listed):
        if isinstance(entry, Mapping) and entry.get("name") == name and isinstance(entry.get(key), Mapping):
            found: Mapping[str, Any] = entry[key]
            return found
    return {}
