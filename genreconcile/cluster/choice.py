"""The account that ``connect`` uses: from its arguments, then kubeconfig files, then the Pod.

Invariant: every load gives the same context; only its content may differ.
Source: ``k8s.io/client-go/tools/clientcmd``, ``DeferredLoadingClientConfig``.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace

from genreconcile.cluster.entries import UserEntry
from genreconcile.cluster.impersonation import Impersonation
from genreconcile.cluster.incluster import in_cluster
from genreconcile.cluster.kubeconfig import Chosen, default_places, merged, unusable
from genreconcile.cluster.plugins import require_allowed
from genreconcile.cluster.validation import leaves_in_the_clear, server_url, validate


class Choice:
    """The arguments of ``connect``, by which the account is loaded, at the start and after a 401."""

    def __init__(
        self,
        kubeconfig: str | os.PathLike[str] | None,
        context: str | None,
        plugins: Collection[str] | None,
        impersonation: Impersonation,
    ) -> None:
        self._kubeconfig = kubeconfig or None
        self._context = context or None
        self._plugins = plugins
        self._impersonation = impersonation

    def load(self) -> Chosen:
        """The account as it is now, checked. Raises Unreachable."""
        found = self._chosen()
        self._context = found.context or None
        chosen = replace(found, user=self._impersonation.over(found.user))
        require_allowed(chosen, self._plugins)
        validate(chosen)
        return replace(chosen, user=_impersonated(chosen.user)) if leaves_in_the_clear(server_url(chosen)) else chosen

    def _chosen(self) -> Chosen:
        found = merged(self._kubeconfig)
        if found is not None and (found.current or self._kubeconfig is not None or self._context is not None):
            return found.choose(self._context)
        if self._context is not None:
            raise unusable("kubeconfig", f"{self._context!r} is no context, for there is no {default_places()}")
        # As client-go: the Pod's account counts where no file names a context.
        return in_cluster(f"{found.place}: it has no current-context" if found is not None else "")


def _impersonated(user: UserEntry) -> UserEntry:
    """The user's impersonation alone, without his credentials."""
    return UserEntry(as_=user.as_, as_uid=user.as_uid, as_groups=user.as_groups, as_user_extra=user.as_user_extra)
