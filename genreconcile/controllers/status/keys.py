"""The keys of a status: those that a run set, and those that it set before.

Invariant: of the keys that the run did not set only those of our own field manager go, at every depth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from genreconcile.controllers.status.operations import STATUS, Operations, Path
from genreconcile.controllers.status.room import default_of
from genreconcile.gojson import dumps_sorted
from genreconcile.kinds.types import MISSING
from genreconcile.managers import Owner, Owners
from genreconcile.normalize.compiled import Child

_NONE: Final[frozenset[str]] = frozenset()


class Owned:
    """The places of a live object's status that a field manager owns."""

    def __init__(self, live: Mapping[str, Any], field_manager: str) -> None:
        self._owners = Owners(live)
        self._manager = field_manager

    def is_ours(self, path: Path) -> bool:
        """Whether we own the value, or a part of it."""
        return any(map(self._is_us, self._owners.of(path)))

    def is_of_others(self, path: Path) -> bool:
        """Whether anybody else owns the value, or a part of it."""
        return any(owner.manager != self._manager for owner in self._owners.of(path))

    def _is_us(self, owner: Owner) -> bool:
        return owner.manager == self._manager and owner.subresource == STATUS


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 and true are not."""
    return dumps_sorted(one) == dumps_sorted(other)


@dataclass(frozen=True, slots=True)
class Keys:
    """What is known of the keys of one live status, and the operations that are gathered."""

    owned: Owned
    operations: Operations

    def draft(
        self,
        wanted: Mapping[str, Any],
        live: Mapping[str, Any],
        child: Child,
        path: Path,
        apart: frozenset[str] = _NONE,
    ) -> None:
        """Bring the live keys at a path to the wanted ones; those ``apart`` are somebody else's task."""
        for key, value in wanted.items():
            known = live.get(key)
            if isinstance(value, dict) and isinstance(known, dict):
                self.draft(value, known, child.node.child(key), (*path, key))
            elif key not in live or not same(value, known):
                self.operations.test((*path, key), known)  # Who comes late undoes nothing.
                self.operations.set((*path, key), value)
        for key in [key for key in live if key not in wanted and key not in apart]:
            default = default_of(child, key)
            if default is MISSING or not same(default, live[key]):  # The server would bring it back.
                self._drop(live[key], child.node.child(key), (*path, key))

    def _drop(self, value: Any, child: Child, path: Path) -> None:
        """Remove what we own of a value."""
        if not self.owned.is_ours(path):
            return
        if not self.owned.is_of_others(path):
            self.operations.test(path, value)  # Where somebody else has written it since, it is not ours any more.
            self.operations.remove(path)
        elif isinstance(value, dict):
            self.draft({}, value, child, path)
