"""Who refused a request: the API's own validation of the object, or admission.

Invariant: told by how the server begins its message, which neither a webhook nor a policy can choose. Their causes,
codes and words are their own, and prove nothing.

Sources: ``NewInvalid`` and ``NewForbidden`` in k8s.io/apimachinery/pkg/api/errors, ``ToStatusErr`` in
k8s.io/apiserver/pkg/admission/plugin/webhook/errors.
"""

from __future__ import annotations

import re
from typing import Final

REFUSED_BY: Final = "refusedBy"
"""The key of an error's ``details``: VALIDATION, or ADMISSION; missing where neither is told."""
VALIDATION: Final = "validation"
ADMISSION: Final = "admission"

_NAME: Final = r'"(?:[^"\\]|\\.)*"'
_WEBHOOK: Final = re.compile(rf"admission webhook {_NAME} (?:denied the request|does not support dry run)")
# A plugin of the server, an admission policy among them; what an authorizer refuses names the user first.
_PLUGIN: Final = re.compile(rf'[\w.-]+ (?:{_NAME} )?is forbidden: (?!User ")')
_INVALID: Final = re.compile(rf"[\w.-]+ {_NAME} is invalid(?:: |$)")


def refused_by(reason: str, message: str) -> str:
    """VALIDATION, ADMISSION, or "" where the answer is of another kind."""
    if webhook_of(message) or _PLUGIN.match(message):
        return ADMISSION
    return VALIDATION if reason == "Invalid" and _INVALID.match(message) else ""


def webhook_of(message: str) -> str:
    """The words with which the server names the webhook that refused, "" where none did."""
    found = _WEBHOOK.match(message)
    return found[0] if found else ""
