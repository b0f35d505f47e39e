"""The allow-list of the programs that a kubeconfig may run for credentials.

Invariant: where an allow-list is given, no other program is started, whatever the file says.
"""

from __future__ import annotations

from collections.abc import Collection

from genreconcile.cluster.kubeconfig import Chosen
from genreconcile.errors import Unreachable


def require_allowed(chosen: Chosen, allowed: Collection[str] | None) -> None:
    """Raise Unreachable where the user names a program that is not in ``allowed``, as the file spells it.

    None allows all.
    """
    user = chosen.user
    programs = [user.exec_.spelled or user.exec_.command] if user.exec_ is not None else []
    programs += [user.auth_provider.config.get("cmd-path", "")] if user.auth_provider is not None else []
    for program in filter(None, programs):
        if allowed is not None and program not in allowed:
            raise Unreachable(
                f"{chosen.place}: not used: it would run {program!r} for credentials; add it to plugins to allow it",
                code="GR603",
            )
