"""The keywords of ``plan`` and ``reconcile``.

Invariant: what cannot be meant is refused by a LoadError, before the cluster is asked for anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genreconcile.diff import EXACT
from genreconcile.errors import LoadError
from genreconcile.objects import GVK
from genreconcile.ownership import OWN_TOOL, is_shared_tool
from genreconcile.plan import OwnerRef, Prune
from genreconcile.selector import parse as parse_selector

Selector = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See ``Reconciler.plan``."""

    namespace: str = ""
    delete_from_namespace: str = ""
    delete_selector: Selector | None = None
    kinds: Iterable[str] = ()
    allow_empty: bool = False
    max_deletions: int | None = None
    delete_kinds: Iterable[str] = ()
    fields: str = EXACT
    verify: bool = False
    owner: str = ""
    owner_tool: str = OWN_TOOL
    prune_first: bool = False

    @property
    def prune(self) -> Prune:
        """What to delete. Raises LoadError."""
        if self.owner and (self.delete_from_namespace or self.delete_selector is not None):
            raise LoadError(
                "owner: not usable: a namespace and a selector say otherwise what to delete; give one of them"
            )
        if self.owner_tool != OWN_TOOL and not is_shared_tool(self.owner_tool):
            raise LoadError(f"owner_tool: not usable: sets of {self.owner_tool!r} cannot be shared; leave it out")
        return Prune(
            self.delete_from_namespace,
            None if self.delete_selector is None else parse_selector(self.delete_selector),
            self.allow_empty,
            self.max_deletions,
            frozenset(self.delete_kinds),
            frozenset(map(_gvk, self.kinds)),
            OwnerRef(self.owner, self.owner_tool) if self.owner else None,
            self.prune_first,
        )


def _gvk(kind: str) -> GVK:
    try:
        return GVK.parse(kind)
    except ValueError as error:
        raise LoadError(f"kinds: not usable: {error}") from None
