"""Credentials from an exec plugin, a program that the kubeconfig names.

Invariants: an incomplete answer is an error, never a weaker identity; a message quotes the program's stderr, bounded
and without credentials, and nothing of its stdout. Source: ``k8s.io/client-go/plugin/pkg/client/auth/exec``.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from genreconcile.cluster.entries import ClusterEntry, ExecEntry
from genreconcile.cluster.said import quoted, settings_of
from genreconcile.cluster.validation import API, mode_of
from genreconcile.errors import LoadError, Unauthorized
from genreconcile.manifests.parse import documents
from genreconcile.structs import known

TIMEOUT: Final = 120.0
"""Seconds; a program that talks with a person has no limit."""

_INFO: Final = "KUBERNETES_EXEC_INFO"
_CLUSTER_CONFIG: Final = f"{API}/exec"


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""
    expiration_timestamp: str = ""


class _ExecCredential(msgspec.Struct, frozen=True, rename="camel"):
    kind: str = ""
    api_version: str = ""
    status: _Status | None = None


known(_ExecCredential)


@dataclass(frozen=True, slots=True, repr=False)
class Granted:
    """The credentials that a program granted, in PEM; ``expires`` is in seconds of the epoch, None for never."""

    token: str
    certificate: bytes
    key: bytes
    expires: float | None


def ask(
    plugin: ExecEntry, cluster: ClusterEntry, authority: bytes | None, place: str, old: Granted | None = None
) -> Granted:
    """Run the program and return its credentials.

    ``authority`` is the cluster's, in PEM; ``place`` names the kubeconfig in messages; ``old`` are the credentials of
    the run before, which messages must not quote. Raises Unauthorized.
    """

    def refuse(problem: str, advice: str = "run it by hand") -> Unauthorized:
        name = plugin.spelled or plugin.command
        return Unauthorized(
            f"{place}: no credentials: the program {name!r} {problem}; {advice}", status=401, code="GR602"
        )

    is_interactive = _is_interactive(plugin)
    if is_interactive is None:
        raise refuse("wants to talk with you, and there is no terminal", "start it from one")
    program = _found(plugin.command)
    if program is None:
        hint = quoted(plugin.install_hint.encode(), {})
        raise refuse("was not found", f"install it: {hint}" if hint else "install it")
    environment = _environment(plugin, cluster_info(cluster, authority), is_interactive=is_interactive)
    try:
        code, out, err = _run([program, *plugin.args], environment, is_interactive=is_interactive)
    except subprocess.TimeoutExpired:
        raise refuse(f"gave no answer within {TIMEOUT:.0f} s") from None
    except (OSError, ValueError) as error:
        cause = getattr(error, "strerror", "") or "its args or its env cannot be passed on"
        raise refuse(f"did not start: {cause}") from None
    if code:
        shown = [out.decode("utf-8", "replace"), *((old.token, old.key.decode()) if old is not None else ())]
        words = quoted(err, {**environment, **settings_of(plugin.args)}, *shown)
        silence = "its words are above" if is_interactive else "it said nothing"
        raise refuse(f"failed with exit code {code}: {words or silence}", "log in again, or run it by hand")
    found = _granted(out, plugin.api_version)
    if isinstance(found, str):
        raise refuse(found)
    return found


def _environment(plugin: ExecEntry, info: dict[str, Any], *, is_interactive: bool) -> dict[str, str]:
    spec = {"interactive": is_interactive, **({"cluster": info} if plugin.provide_cluster_info else {})}
    told = json.dumps({"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec})
    return {**os.environ, **{variable.name: variable.value for variable in plugin.env}, _INFO: told}


def cluster_info(cluster: ClusterEntry, authority: bytes | None) -> dict[str, Any]:
    """The ``spec.cluster`` of the ExecCredential that a program is handed."""
    config = next((entry.extension for entry in cluster.extensions if entry.name == _CLUSTER_CONFIG), None)
    info = {
        "server": cluster.server,
        "tls-server-name": cluster.tls_server_name,
        "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
        "certificate-authority-data": base64.b64encode(authority or b"").decode("ascii"),
        "proxy-url": cluster.proxy_url,
        "disable-compression": cluster.disable_compression,
    }
    return {**{key: value for key, value in info.items() if value}, "config": config}


def _is_interactive(plugin: ExecEntry) -> bool | None:
    """Whether the program may talk with a person; None where it must, and there is no terminal."""
    mode = mode_of(plugin)
    with contextlib.suppress(AttributeError, ValueError):  # There is no stdin, or it is closed.
        if mode != "Never" and sys.stdin.isatty():
            return True
    return None if mode == "Always" else False


def _found(command: str) -> str | None:
    """The path of the program, None where there is none; as in Go, relative folders in $PATH do not count."""
    path = os.path.normpath(command)
    if os.sep in command:
        return path
    found = shutil.which(path)
    return found if found is not None and os.path.isabs(found) else None  # noqa: PTH117 - of which, for execve


def _run(arguments: list[str], environment: dict[str, str], *, is_interactive: bool) -> tuple[int, bytes, bytes]:
    """Exit code, stdout, stderr. An interactive program writes its stderr to the terminal, for it may ask something."""
    process = subprocess.Popen(  # noqa: S603 - to run it is what the kubeconfig asks for
        arguments,
        env=environment,
        stdin=None if is_interactive else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if is_interactive else subprocess.PIPE,
    )
    try:
        out, err = process.communicate(timeout=None if is_interactive else TIMEOUT)
    except BaseException:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):  # Children of the program may hold the other ends.
            if pipe is not None:
                pipe.close()
        raise
    return process.returncode, out, err or b""


def _granted(out: bytes, api_version: str) -> Granted | str:
    """The credentials on stdout, or the problem with them as a part of a message."""
    try:
        value = next(documents(out.decode("utf-8"), "stdout"), (None, 0))[0]
        found = msgspec.convert(_without_nulls(value), _ExecCredential)
    except (LoadError, ValueError):  # The texts of these errors may quote stdout.
        return "wrote no ExecCredential to stdout"
    if (found.kind, found.api_version) != ("ExecCredential", api_version):
        return f"wrote no ExecCredential of {api_version} to stdout"
    status = found.status or _Status()
    if not (status.token or status.client_certificate_data or status.client_key_data):
        return "granted neither a token nor a certificate"
    if bool(status.client_certificate_data) != bool(status.client_key_data):
        return "granted only one of certificate and key"
    try:
        expires = _epoch(status.expiration_timestamp)
    except ValueError:
        return "granted credentials whose expirationTimestamp is no time"
    return Granted(status.token, status.client_certificate_data.encode(), status.client_key_data.encode(), expires)


def _epoch(timestamp: str) -> float | None:
    if not timestamp:
        return None
    time = dt.datetime.fromisoformat(timestamp)
    if time.tzinfo is None:
        raise ValueError
    return time.timestamp()


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value
