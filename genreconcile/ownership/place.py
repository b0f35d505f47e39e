"""Where the members of a set may be.

Invariant: pure. What a parent records says where members were, and never where they may be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """``namespaces`` of members, None for all; ``cluster``: objects without a namespace may be members as well."""

    namespaces: frozenset[str] | None = None
    cluster: bool = True

    def __str__(self) -> str:
        names = "*" if self.namespaces is None else ",".join(sorted(self.namespaces))
        return f"{names}{' and none' if self.cluster else ''}"

    def allows(self, namespace: str) -> bool:
        """Whether members may be in this namespace, "" for objects without one."""
        if not namespace:
            return self.cluster
        return self.namespaces is None or namespace in self.namespaces

    def of(self, namespaces: Iterable[str]) -> frozenset[str]:
        """Those of ``namespaces`` that members may be in."""
        return frozenset(name for name in namespaces if name and self.allows(name))

    @property
    def named(self) -> frozenset[str]:
        """The namespaces that are allowed by name; none where all are."""
        return self.namespaces or frozenset()


ANYWHERE: Final = Place()
