"""The keywords of ``plan`` and ``reconcile``.

Invariant: what cannot be meant is refused by a LoadError, before the cluster is asked for anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genreconcile.cache import Seen
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
    not_older_than: Mapping[str, Any] | str | int | None = None

    @property
    def seen(self) -> Seen | None:
        """What the cache is to have seen. Raises LoadError."""
        return None if self.not_older_than is None else Seen.of(self.not_older_than)

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
        )


def _gvk(kind: str) -> GVK:
    try:
        return GVK.parse(kind)
    except ValueError as error:
        raise LoadError(f"kinds: not usable: {error}") from None
