"""The user of a context → the credentials for the server, read anew whenever they may have changed.

Invariant: a credential that is named and cannot be read is an error, never left out.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from genreconcile.cluster.exec_plugin import Granted, ask
from genreconcile.cluster.kubeconfig import Chosen
from genreconcile.cluster.oidc import id_token


@dataclass(frozen=True, slots=True, repr=False)
class Proof:
    """The credentials for the server, and the authority that vouches for the server, None for the system's.

    ``authorization`` is a header's value, "" for none; all else is PEM, b"" for none.
    """

    authorization: str
    certificate: bytes
    key: bytes
    authority: bytes | None


def grant(chosen: Chosen, old: Granted | None = None) -> Granted | None:
    """The credentials of the exec plugin; None, as in client-go, where the user has others. Raises Unauthorized."""
    user = chosen.user
    if user.exec_ is None or user.token or user.token_file or user.username:
        return None
    if user.client_certificate or user.client_certificate_data:
        return None
    return ask(user.exec_, chosen.cluster, _authority(chosen), chosen.place, old)


def prove(chosen: Chosen, granted: Granted | None, *, text_serves: bool = False) -> Proof:
    """The proof of the context's user, or of a plugin's grant. Raises Unreachable.

    ``text_serves``: the kubeconfig's ``token`` may stand in for a ``tokenFile`` that cannot be read.
    """
    user = chosen.user
    authority = _authority(chosen)
    if granted is not None:
        authorization = f"Bearer {granted.token}" if granted.token else ""
        return Proof(authorization, granted.certificate, granted.key, authority)
    certificate = _content(chosen, user.client_certificate_data, user.client_certificate, "client-certificate")
    key = _content(chosen, user.client_key_data, user.client_key, "client-key") if certificate else b""
    return Proof(_authorization(chosen, text_serves=text_serves), certificate, key, authority)


def _authorization(chosen: Chosen, *, text_serves: bool) -> str:
    user = chosen.user
    if user.token or user.token_file:
        return f"Bearer {_token(chosen, text_serves=text_serves)}"
    if user.username:
        return f"Basic {base64.b64encode(f'{user.username}:{user.password}'.encode()).decode('ascii')}"
    return f"Bearer {id_token(chosen)}" if user.auth_provider is not None else ""


def _token(chosen: Chosen, *, text_serves: bool) -> str:
    """``tokenFile`` wins over ``token``, which serves as long as the file was never read."""
    user = chosen.user
    if not user.token_file:
        return user.token
    try:
        text = Path(user.token_file).read_text("utf-8").strip()
        problem = "" if text else "it is empty"
    except (OSError, ValueError) as error:
        text, problem = "", getattr(error, "strerror", "") or "it is no text"
    if not text and not (user.token and text_serves):
        raise chosen.unusable(f"the user's tokenFile {user.token_file}: {problem}", "have it written", code="GR604")
    return text or user.token


def _authority(chosen: Chosen) -> bytes | None:
    cluster = chosen.cluster
    if not (cluster.certificate_authority or cluster.certificate_authority_data):
        return None
    data, file = cluster.certificate_authority_data, cluster.certificate_authority
    return _content(chosen, data, file, "certificate-authority")


def _content(chosen: Chosen, data: str, file: str, name: str) -> bytes:
    """The bytes of an entry that is given as base64 or as a file; b"" where it is not given."""
    try:
        if data:
            return base64.b64decode(data.replace("\n", "").replace("\r", ""), validate=True)
        return Path(file).read_bytes() if file else b""
    except (binascii.Error, ValueError):
        problem = f"the {name}-data is no base64"
    except OSError as error:
        problem = f"the {name} {file}: {error.strerror}"
    raise chosen.unusable(problem, "correct the kubeconfig")


def signature(chosen: Chosen) -> tuple[object, ...]:
    """Time, inode and size of each file that the context names: they change when the file does."""
    user = chosen.user
    files = (user.token_file, user.client_certificate, user.client_key, chosen.cluster.certificate_authority)
    return tuple(_stat(file) for file in files if file)


def _stat(file: str) -> object:
    try:
        found = Path(file).stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
