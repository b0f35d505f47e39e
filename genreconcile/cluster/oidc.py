"""The ID token of ``auth-provider: oidc``, the only provider that client-go has kept.

Invariant: an ID token is sent only while it is valid; it is not refreshed, for that would rewrite the kubeconfig.
Source: ``k8s.io/client-go/plugin/pkg/client/auth/oidc``.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Final

from genreconcile.cluster.kubeconfig import Chosen

_EXEC: Final = "name a program under exec, as the provider's documentation has it"


def id_token(chosen: Chosen) -> str:
    """The token of the user's ``auth-provider``. Raises Unreachable."""
    provider = chosen.user.auth_provider
    assert provider is not None  # noqa: S101 - the caller has looked
    token = provider.config.get("id-token", "")
    if not token:
        raise chosen.unusable("the auth-provider oidc has no id-token", _EXEC, code="GR604")
    try:
        payload = token.split(".")[1]
        expires = float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
    except (LookupError, ValueError, TypeError):
        expires = 0.0
    if expires < time.time():
        raise chosen.unusable(
            "the id-token of the auth-provider oidc has expired", f"log in again, or {_EXEC}", code="GR604"
        )
    return token
