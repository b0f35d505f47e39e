"""The keywords of ``plan``, ``reconcile`` and ``rights``: the one place where they are declared and checked.

Invariant: what cannot be meant is refused by an InputError or a LoadError, before the cluster is asked for anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from genreconcile.arguments import (
    ABSENT,
    Absent,
    Fields,
    OwnerTool,
    refused,
    require_choice,
    require_flag,
    require_namespace,
    require_text,
    require_whole,
    shown,
    texts,
)
from genreconcile.cache import Sighting
from genreconcile.errors import InputError, LoadError
from genreconcile.objects import GVK
from genreconcile.ownership import OWN_TOOL, is_shared_tool
from genreconcile.selector import ParsedSelector
from genreconcile.selector import parse as parse_selector
from genreconcile.settings.prune import EVERY_KIND, OwnerRef, Prune

Selector = str | Mapping[str, Any] | ParsedSelector
"""Labels: ``"app=web"`` as kubectl's ``-l``, ``{"app": "web"}``, or a ``LabelSelector`` as a mapping."""
NotOlderThan = Mapping[str, Any] | str | int | None
"""An object as a dict, or a resourceVersion; None: as new as the cache is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See ``Reconciler.plan``."""

    namespace: str = ""
    delete_from_namespace: str | Absent | None = ABSENT
    delete_selector: Selector | Absent | None = ABSENT
    kinds: Iterable[str] = ()
    allow_empty: bool = False
    max_deletions: int | None = None
    delete_kinds: Iterable[str] = ()
    fields: Fields = "exact"
    verify: bool = False
    owner: str = ""
    owner_tool: OwnerTool = "genreconcile"
    prune_first: bool = False
    not_older_than: NotOlderThan = None

    def __post_init__(self) -> None:
        require_namespace("namespace", self.namespace)
        require_choice("fields", self.fields, Fields)
        require_flag("verify", self.verify)
        require_flag("allow_empty", self.allow_empty)
        require_flag("prune_first", self.prune_first)
        require_text("owner", self.owner)
        require_text("owner_tool", self.owner_tool)
        if self.max_deletions is not None:
            require_whole("max_deletions", self.max_deletions, 0)
        # An iterator can be read only once.
        object.__setattr__(self, "kinds", (EVERY_KIND,) if self.kinds == EVERY_KIND else texts("kinds", self.kinds))
        object.__setattr__(self, "delete_kinds", texts("delete_kinds", self.delete_kinds, _require_kind_name))

    @property
    def sighting(self) -> Sighting | None:
        """The state that the cache has to have seen, None without one. Raises LoadError."""
        return None if self.not_older_than is None else Sighting.of(self.not_older_than)

    @property
    def prune(self) -> Prune:
        """What to delete. Raises InputError, LoadError."""
        namespace, selector = self._where
        if self.owner and (namespace or selector is not None):
            raise LoadError(
                "owner: not usable: a namespace and a selector say otherwise what to delete; give one of them",
                code="GR111",
            )
        if self.owner_tool != OWN_TOOL and not is_shared_tool(self.owner_tool):
            raise LoadError(
                f"owner_tool: not usable: sets of {shown(self.owner_tool)} cannot be shared; leave it out", code="GR111"
            )
        return Prune(
            namespace,
            None if selector is None else parse_selector(selector),
            self.allow_empty,
            self.max_deletions,
            frozenset(self.delete_kinds),
            frozenset(_gvk(kind) for kind in self.kinds if kind != EVERY_KIND),
            OwnerRef(self.owner, self.owner_tool) if self.owner else None,
            EVERY_KIND in self.kinds,
            self.prune_first,
        )

    @property
    def _where(self) -> tuple[str, Selector | None]:
        """The namespace and the selector of deletion; "" or None skips it. Raises InputError for one given alone."""
        given, selector = self.delete_from_namespace, self.delete_selector
        namespace = "" if isinstance(given, Absent) or given is None else given
        require_namespace("delete_from_namespace", namespace)
        if namespace and isinstance(selector, Absent):
            raise InputError(
                "delete_from_namespace: not usable alone: nothing says what to delete there; give delete_selector as "
                "well, or None as the selector to delete nothing",
                code="GR111",
            )
        if isinstance(selector, Absent) or selector is None:
            return namespace, None
        if isinstance(given, Absent) and not self.owner:
            raise InputError(
                "delete_selector: not usable alone: nothing says where to delete; give delete_from_namespace as well, "
                'or "" as the namespace to delete nothing',
                code="GR111",
            )
        return namespace, selector


def _require_kind_name(name: str, value: str) -> None:
    require_text(name, value)
    if not value or "/" in value or " " in value:
        raise refused(name, value, "is no name of a kind; write Kind or Kind.group, without the version")


def _gvk(kind: str) -> GVK:
    try:
        return GVK.parse(kind)
    except ValueError:
        raise refused("kinds", kind, "is no kind: write version/Kind or group/version/Kind") from None


CHILDREN: Final = Settings(allow_empty=True)
"""The settings for the children of a parent, unless a controller gives others."""
