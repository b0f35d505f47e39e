"""What each entry has to reach: data, read from ``targets.yaml``.

Invariant: pure but for reading that file; what cannot be told is neither met nor missed.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.contest import Entry

_FILE = Path(__file__).with_name("targets.yaml")
_LIMITS: Final = {
    "at_least": ("≥", operator.ge),
    "at_most": ("≤", operator.le),
    "below": ("<", operator.lt),
}


@dataclass(frozen=True, slots=True)
class Target:
    """One condition; ``against`` is the contender by whose figure ours is divided, "" for ours itself."""

    limit: str
    value: float
    against: str
    text: str

    def met(self, entry: Entry) -> bool | None:
        """Whether it is met; None where a figure is missing."""
        figure = ratio(entry, self.against) if self.against else entry.median()
        return None if figure is None else bool(_LIMITS[self.limit][1](figure, self.value))


def ratio(entry: Entry, name: str) -> float | None:
    """Our median divided by that of a contender; None where one is missing or nothing."""
    ours, theirs = entry.median(), entry.median(name)
    return ours / theirs if ours is not None and theirs else None


def met(entry: Entry) -> bool | None:
    """Whether all targets are met; None where that cannot be told, or there are none."""
    found = [target.met(entry) for target in targets().get(entry.name, ())]
    if entry.error or False in found:
        return False
    return None if None in found or not found else True


def words(entry: Entry) -> str:
    """The targets, for readers."""
    return "; ".join(target.text for target in targets().get(entry.name, ()))


@cache
def targets() -> Mapping[str, Sequence[Target]]:
    """All of them, by the entry's name. Raises ValueError where the file is not as it should be."""
    data = yaml.safe_load(_FILE.read_text("utf-8"))
    return {name: [_target(name, condition) for condition in conditions] for name, conditions in data.items()}


def _target(name: str, condition: Mapping[str, Any]) -> Target:
    limits = sorted(condition.keys() & _LIMITS)
    unknown = condition.keys() - _LIMITS - {"against", "text"}
    if len(limits) != 1 or unknown:
        raise ValueError(f"{_FILE.name}: {name}: needs one of {', '.join(_LIMITS)}, not {', '.join(condition)}")
    [limit] = limits
    against = condition.get("against", "")
    text = f"{_LIMITS[limit][0]} {condition[limit]:g}" + (f" × {against}" if against else "")  # noqa: RUF001 - the sign is meant
    return Target(limit, float(condition[limit]), against, condition.get("text", text))
