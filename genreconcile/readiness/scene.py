"""An object whose steps are being gone through, at a time.

Invariant: a view; neither the object nor the time changes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from genreconcile.data.steps import TypeName
from genreconcile.kinds.types import MISSING
from genreconcile.pointer import split_pointer

HERE: Final = "."
_LEAST, _MOST = -(2**63), 2**63 - 1
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(slots=True)
class Clock:
    """The time, and the ``soonest`` number of seconds after which a test of it that held no longer does."""

    now: dt.datetime
    soonest: float | None = None

    def is_younger(self, moment: Any, seconds: float) -> bool:
        """Whether a time (RFC 3339) is less than so many seconds ago; a text that is none is long ago."""
        then = time_of(moment)
        if then is None:
            return False
        left = seconds - (self.now - then).total_seconds()
        if left <= 0:
            return False
        self.soonest = min(left, seconds, self.soonest or seconds)
        return True


@dataclass(frozen=True, slots=True)
class Scene:
    """``root`` is the object, ``here`` the member that ``each`` has come to, else the object. ``defaults`` say what a
    path counts as where it has no value of their type. ``is_silent`` says whether the kind's controller would tell,
    and has not.
    """

    root: Mapping[str, Any]
    clock: Clock
    is_silent: Callable[[], bool]
    here: Any = None
    defaults: Mapping[str, int | str] = field(default_factory=dict)

    def inside(self, member: Any) -> Scene:
        """The same, at a member of a list."""
        return replace(self, here=member)

    def under(self, defaults: Mapping[str, int | str]) -> Scene:
        """The same, with other defaults."""
        return replace(self, defaults=defaults)

    def at(self, path: str) -> Any:
        """The value at a path, MISSING where there is none."""
        found = self._value(path)
        default = self.defaults.get(path, MISSING)
        if default is MISSING or type_of(found) == type_of(default):
            return found
        return default

    def _value(self, path: str) -> Any:
        if path == HERE:
            return self.here
        is_absolute = path.startswith("/")
        value = self.root if is_absolute else self.here
        for token in split_pointer(path if is_absolute else f"/{path}"):
            # A check against an abstract class costs ten times as much as the first one.
            is_map = value.__class__ is dict or isinstance(value, Mapping)
            value = value.get(token, MISSING) if is_map else MISSING
        return value


def type_of(value: Any) -> TypeName:
    """What JSON has here; a whole number has 64 bits, as in Go, and any other is a ``number``."""
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int):
        return "whole" if _LEAST <= value <= _MOST else "number"
    for kind, name in _TYPES:
        if isinstance(value, kind):
            return name
    return "null" if value is None else "missing"


_TYPES: Final[tuple[tuple[type, TypeName], ...]] = (
    (str, "text"),
    (float, "number"),
    (dict, "map"),
    (list, "list"),
    (Mapping, "map"),
)


def time_of(moment: Any) -> dt.datetime | None:
    """The time that a text of RFC 3339 names, None for anything else."""
    if not isinstance(moment, str) or not _RFC_3339.fullmatch(moment):
        return None
    try:
        return dt.datetime.fromisoformat(moment)
    except ValueError:  # As of a thirteenth month.
        return None
