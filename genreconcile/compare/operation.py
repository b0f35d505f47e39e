"""One difference, with the preconditions of its operation.

Invariant: plain data. A path is a tuple of keys and list indexes; indexes count in the live object before the patch,
but in the steps of one list, each of which counts in the result of the one before.
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
"""A path in the live object, and the value that a ``test`` demands there; MISSING where no ``test`` can express it."""


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
    """A live value that a rule explains: ``rule`` is the rule's id, or ``schema`` for the schema's own default.

    ``for_now``: the rule holds because of another live field; once that is repaired, the value may be a difference.
    ``kept``: no patch writes the value, not even unchanged. ``note`` tells more, such as the manager that pinned the
    value. ``by`` and ``fixed`` are as in Rule.
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
    """The writer for whom objects are compared: its field manager; ``of_set``, the names of the list members that its
    owner set has added to a live object; ``has_added`` (uid, name), whether this process has added it. None: no member.
    ``outlived``: the names of those members that go whoever added them, references to an earlier parent.
    """

    manager: str = DEFAULT_MANAGER
    of_set: Callable[[Mapping[str, Any]], frozenset[str]] | None = None
    has_added: Callable[[str, str], bool] | None = None
    outlived: Callable[[Mapping[str, Any]], frozenset[str]] | None = None

    @property
    def has_own_name(self) -> bool:
        """Whether the field manager is a chosen name: all programs that choose none share the default."""
        return self.manager != DEFAULT_MANAGER


@dataclass(frozen=True, slots=True)
class Intervention:
    """Drift that no patch repairs: ``owner`` has set a value that a controller or (``allocated``) the server chooses,
    and the value before is not known, or the server refuses it. ``rule`` is the id of the rule for the value.
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
)  # Not frozen: each compared key makes one, and making a frozen one takes thrice the time.
class Spot:
    """The position of a walk: ``place`` in expected, ``path`` in live, and the guards of the list members on the way.

    ``subset``: live-only values are no drift here. ``others`` gives the objects that rules may consult. ``own`` are the
    paths of the list members that the writer (``Ours``) has added.
    """

    place: Place | None = None
    path: Path = ()
    guards: tuple[Guard, ...] = ()
    subset: bool = False
    others: Others | None = None
    own: frozenset[Path] = frozenset()

    def under(self, holder: Mapping[str, Any], key: str, live: Mapping[str, Any]) -> Spot:
        """The spot of a key of ``holder``, the expected object or map at this spot; ``live`` is the live one."""
        place = Place(holder, key, self.place, None if self.place else self.others, live)
        return Spot(place, (*self.path, key), self.guards, self.subset, self.others, self.own)

    def member(self, index: int, guards: tuple[Guard, ...]) -> Spot:
        """The spot of a member of the live list at this spot; places leave lists out."""
        return Spot(self.place, (*self.path, index), (*self.guards, *guards), self.subset, self.others, self.own)
