"""Impersonation: requests in the name of another user, whom the API server then authorizes and audits.

Invariant: a caller who impersonates a user never sends a request as himself: a value that cannot be sent is an error.
Source: ``k8s.io/client-go/transport``, which wraps each request in the same way.
"""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from genreconcile.cluster.entries import UserEntry
from genreconcile.errors import InputError

# The characters of RFC 9110's token, without the percent sign, which escapes the others.
_LEGAL: Final = frozenset(string.ascii_letters + string.digits + "!#$&'*+-.^_`|~")


@dataclass(frozen=True, slots=True)
class Impersonation:
    """The impersonation that a call asks for; an empty field leaves the kubeconfig's value."""

    user: str = ""
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        user: str | None,
        groups: Collection[str],
        uid: str | None,
        extra: Mapping[str, Sequence[str]] | None,
    ) -> Impersonation:
        """The impersonation that the arguments of ``connect`` give. Raises InputError for one of a wrong type."""
        for name, text in (("as_", user), ("as_uid", uid)):
            if text is not None and not isinstance(text, str):
                raise InputError(f"{name}: not usable: {text!r} is no text; give a string", code="GR110")
        if extra is not None and not isinstance(extra, Mapping):
            raise InputError("as_user_extra: not usable: it is no mapping; give lists of texts by key", code="GR110")
        for name, values in (
            ("as_groups", groups),
            *((f"as_user_extra[{key!r}]", of_key) for key, of_key in (extra or {}).items()),
        ):
            if isinstance(values, str):
                raise InputError(f"{name}: not usable: {values!r} is one text; give a list: [{values!r}]", code="GR110")
            if not isinstance(values, Collection) or not all(isinstance(value, str) for value in values):
                raise InputError(f"{name}: not usable: it is no list of texts; give one", code="GR110")
        return cls(user or "", tuple(groups), uid or "", {key: tuple(values) for key, values in (extra or {}).items()})

    def over(self, user: UserEntry) -> UserEntry:
        """The kubeconfig's user with this impersonation."""
        return structs.replace(
            user,
            as_=self.user or user.as_,
            as_groups=self.groups or user.as_groups,
            as_uid=self.uid or user.as_uid,
            as_user_extra={**user.as_user_extra, **self.extra},
        )


def impersonation_headers(user: UserEntry) -> list[tuple[str, str]]:
    """The headers in their order; a name may repeat. Empty where nobody is impersonated."""
    if not user.as_:
        return []
    headers = [("Impersonate-User", user.as_)]
    headers += [("Impersonate-Uid", user.as_uid)] if user.as_uid else []
    headers += [("Impersonate-Group", group) for group in user.as_groups]
    for key, values in user.as_user_extra.items():
        headers += [(f"Impersonate-Extra-{_escaped(key)}", value) for value in values]
    return headers


def _escaped(key: str) -> str:
    """The key as a part of a header's name, in lower case, for the server ignores case there."""
    return "".join(chr(byte) if chr(byte) in _LEGAL else f"%{byte:02X}" for byte in key.lower().encode())
