"""The author of a refusal: the API's own validation of the object, or admission.

Invariant: only the beginning of the server's message decides, which neither a webhook nor a policy can choose; the
causes, codes and words that they do choose prove nothing.

Sources: ``NewInvalid`` and ``NewForbidden`` in k8s.io/apimachinery/pkg/api/errors, ``ToStatusErr`` in
k8s.io/apiserver/pkg/admission/plugin/webhook/errors.
"""

from __future__ import annotations

import re
from typing import Final

REFUSED_BY: Final = "refusedBy"
"""The key of an error's ``details``; its value is one of the following, and it is missing where none is known."""
VALIDATION: Final = "validation"
"""The API's own validation of the object."""
ADMISSION: Final = "admission"
"""A webhook or a policy: its words may be anything."""
PLUGIN: Final = "plugin"
"""A plugin of the server itself, such as that for quotas."""

_NAME: Final = r'"(?:[^"\\]|\\.)*"'
_WEBHOOK: Final = re.compile(rf"admission webhook {_NAME} (?:denied the request|does not support dry run)")
# An authorizer's refusal begins with the user, a policy's with the policy.
_FORBIDDEN: Final = re.compile(rf'[\w.-]+ (?:{_NAME} )?is forbidden: (?!User ")')
_POLICY: Final = re.compile(r"\w+ ['\"][^'\"]*['\"] (?:with binding '[^']*' )?denied request")
_INVALID: Final = re.compile(rf"[\w.-]+ {_NAME} is invalid(?:: |$)")


def refused_by(reason: str, message: str) -> str:
    """``VALIDATION``, ``ADMISSION`` or ``PLUGIN``; "" where the answer is none of these refusals."""
    if webhook_of(message):
        return ADMISSION
    if found := _FORBIDDEN.match(message):
        return ADMISSION if _POLICY.match(message, found.end()) else PLUGIN
    return VALIDATION if reason == "Invalid" and _INVALID.match(message) else ""


def webhook_of(message: str) -> str:
    """The words with which the server names the webhook that refused, "" where none did."""
    found = _WEBHOOK.match(message)
    return found[0] if found else ""
