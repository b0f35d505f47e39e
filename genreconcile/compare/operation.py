"""One difference, with what must hold for its operation to be right.

Invariant: plain data. A path is a tuple of keys and list indexes; indexes count in the live object as it is before the
patch, except for the steps of one list, which follow each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from genreconcile.kinds.types import MISSING
from genreconcile.normalize.place import Others, Place
from genreconcile.pointer import join_pointer

DEFAULT_MANAGER: Final = "genreconcile"
Path = tuple[str | int, ...]
Guard = tuple[Path, Any]
"""A path in the live object, and the value that a ``test`` demands there; MISSING where none can."""


@dataclass(frozen=True, slots=True)
class Difference:
    """``op`` is add, remove, replace or move (from ``origin``). ``expected`` and ``live`` are MISSING where absent.

    ``structural``: the operation creates a missing parent or changes the members of a list, so that it is right only
    for the very version of the object that it was computed from.
    """

    op: str
    path: Path
    # The values may be secret.
    expected: Any = field(default=MISSING, repr=False)
    live: Any = field(default=MISSING, repr=False)
    origin: Path = ()
    structural: bool = False
    guards: tuple[Guard, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """The RFC 6902 operation."""
        operation: dict[str, Any] = {"op": self.op, "path": join_pointer(self.path)}
        if self.op == "move":
            operation["from"] = join_pointer(self.origin)
        elif self.op != "remove":
            operation["value"] = self.expected
        return operation


@dataclass(frozen=True, slots=True)
class Covered:
    """A live-only value that a rule explains: ``rule`` is the rule's id, or ``schema`` for the schema's own default.

    ``for_now``: only as long as live is as it is elsewhere; when that is repaired, this may become a difference.
    ``kept``: it is never written, not even as it is. ``note`` tells more, such as who pinned a value. ``by`` are the
    managers that may own it, as in Rule.
    """

    path: Path
    rule: str
    value: Any = field(repr=False)
    for_now: bool = False
    kept: bool = False
    note: str = ""
    by: tuple[str, ...] | None = None
    fixed: bool = False
    guards: tuple[Guard, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Ours:
    """Who compares: under which field manager it writes, the names of those members of lists that its owner set has
    added to a live object, and whether it has itself added one to the object with this uid; None: none.
    """

    manager: str = DEFAULT_MANAGER
    of_set: Callable[[Mapping[str, Any]], frozenset[str]] | None = None
    has_added: Callable[[str, str], bool] | None = None

    @property
    def has_own_name(self) -> bool:
        """Whether no other program writes under its name, as all do that choose none."""
        return self.manager != DEFAULT_MANAGER


@dataclass(frozen=True, slots=True)
class Intervention:
    """Drift that no patch repairs: ``owner`` has set a value that others are to choose, and what it was before is not
    known, or the server lets nobody set it back. ``rule`` is the id of the rule for the value.
    """

    path: Path
    rule: str
    owner: str
    live: Any = field(repr=False)
    allocated: bool = False

    def __str__(self) -> str:
        whose = "the API server allots" if self.allocated else "a controller writes"
        return (
            f"{join_pointer(self.path)} was set by {self.owner}, where {whose} the value; "
            "it is not repaired: write into the manifest what it is to be"
        )


@dataclass(
    slots=True, repr=False
)  # Not frozen: there is one for each key that is compared, and that takes thrice the time.
class Spot:
    """Where a walk stands: ``place`` in expected, ``path`` in live, and the guards of the list members on the way.

    ``subset``: what only live has is nobody's business here. ``others`` gives objects that rules may consult. ``own``
    are the paths of members of lists that we ourselves have added.
    """

    place: Place | None = None
    path: Path = ()
    guards: tuple[Guard, ...] = ()
    subset: bool = False
    others: Others | None = None
    own: frozenset[Path] = frozenset()

    def under(self, holder: Mapping[str, Any], key: str, live: Mapping[str, Any]) -> Spot:
        """The spot of a key of ``holder``, the expected object or map that stands here; ``live`` is the live one."""
        place = Place(holder, key, self.place, None if self.place else self.others, live)
        return Spot(place, (*self.path, key), self.guards, self.subset, self.others, self.own)

    def member(self, index: int, guards: tuple[Guard, ...]) -> Spot:
        """The spot of a member of the live list that stands here; places leave lists out."""
        return Spot(self.place, (*self.path, index), (*self.guards, *guards), self.subset, self.others, self.own)
