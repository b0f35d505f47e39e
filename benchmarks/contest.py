"""Contenders that take turns, and what comes of it.

Invariant: within one repetition every contender runs once, each in a process of its own; a peer that cannot run is
noted with the reason, and stops nobody.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

OURS = "genreconcile"
Figures = Mapping[str, float]


class Missing(Exception):
    """A contender cannot run; the text says why."""


@dataclass(frozen=True, slots=True)
class Contender:
    """``run`` makes one run and returns figures by the name of the entry. It raises Missing where it cannot."""

    name: str
    run: Callable[[], Figures]


def of_fewer(name: str, size: int, full: int, noun: str = "objects") -> str:
    """The name of a contender that has ``size`` objects where the entry has ``full``: it tells, in every output."""
    return name if size == full else f"{name} ({size:,} {noun})"


@dataclass(slots=True)
class Entry:
    """All figures of one entry of the results: ``samples`` and ``missing`` by the contender's name.

    ``error`` says why there is no figure of ours.
    """

    name: str
    unit: str
    size: int
    samples: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    error: str = ""

    def median(self, name: str = OURS) -> float | None:
        """The median of a contender, None without figures."""
        samples = self.samples.get(name)
        return statistics.median(samples) if samples else None

    def spread(self, name: str = OURS) -> float | None:
        """Half the distance between the smallest and the largest figure, None without figures."""
        samples = self.samples.get(name)
        return (max(samples) - min(samples)) / 2 if samples else None


def hold(units: Mapping[str, str], size: int, contenders: Sequence[Contender], repetitions: int) -> list[Entry]:
    """Let the contenders take turns; one Entry per name in ``units``, in that order.

    The one that begins changes with each repetition. Raises Missing where ours cannot run.
    """
    entries = [Entry(name, unit, size) for name, unit in units.items()]
    missing: dict[str, str] = {}
    for repetition in range(repetitions):
        first = repetition % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            if contender.name not in missing:
                _run(contender, entries, missing)
    return entries


def _run(contender: Contender, entries: Sequence[Entry], missing: dict[str, str]) -> None:
    try:
        figures = contender.run()
    except Missing as reason:
        if contender.name == OURS:
            raise
        missing[contender.name] = str(reason)
        for entry in entries:
            entry.missing[contender.name] = str(reason)
            entry.samples.pop(contender.name, None)
        return
    for entry in entries:
        if entry.name in figures:
            entry.samples.setdefault(contender.name, []).append(figures[entry.name])
    told = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    sys.stderr.write(f"  {contender.name}: {told}\n")
