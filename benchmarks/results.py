"""Entries → the two JSON files.

``latest.json`` has for each entry unit, size, ours, peers, ratio, target and met, figures being medians. Beside it,
``latest.details.json`` has every single figure, the spreads, and why a contender or an entry is missing. The figures of
operators have files of their own, which are replaced without a whole run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import targets
from benchmarks.contest import OURS, Entry

FOLDER = Path(__file__).with_name("results")
LATEST = FOLDER / "latest.json"
OPERATORS = FOLDER / "operators.json"
OPERATORS_LARGE = FOLDER / "operators_large.json"
FILES = (LATEST, OPERATORS, OPERATORS_LARGE)
_DIGITS = 5


def file_of(name: str) -> Path:
    """Where the figures of an entry, or a metric, go."""
    apart = (file for file in (OPERATORS_LARGE, OPERATORS) if name.startswith(file.stem))
    return next(apart, LATEST)


def document(machine: Mapping[str, Any], entries: Iterable[Entry]) -> dict[str, Any]:
    """The results. A contender that is missing has null, and so has ``ours`` where the metric failed."""
    return {"machine": dict(machine), "metrics": {entry.name: _metric(entry) for entry in entries}}


def details(machine: Mapping[str, Any], entries: Iterable[Entry]) -> dict[str, Any]:
    """All that was seen."""
    return {"machine": dict(machine), "metrics": {entry.name: _detail(entry) for entry in entries}}


def write(file: Path, machine: Mapping[str, Any], entries: Sequence[Entry]) -> None:
    """Write both files."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _dump(file, document(machine, entries))
    _dump(file.with_suffix(".details.json"), details(machine, entries))


def peers_of(entry: Entry) -> list[str]:
    """The names of the others, also of those that are missing."""
    return [name for name in (*entry.samples, *entry.missing) if name != OURS]


def figure(value: float | None) -> str:
    """For readers: three digits, no decimals in large numbers; nothing where there is no figure."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _metric(entry: Entry) -> dict[str, Any]:
    peers = sorted(peers_of(entry))
    return {
        "unit": entry.unit,
        "size": entry.size,
        "ours": _rounded(entry.median()),
        "peers": {name: _rounded(entry.median(name)) for name in peers},
        "ratio": {name: _rounded(targets.ratio(entry, name)) for name in peers},
        "target": targets.words(entry),
        "met": targets.met(entry),
    }


def _detail(entry: Entry) -> dict[str, Any]:
    return {
        "samples": {name: [_rounded(value) for value in values] for name, values in entry.samples.items()},
        "spread": {name: _rounded(entry.spread(name)) for name in entry.samples},
        "missing": entry.missing,
        "error": entry.error,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")


def _dump(file: Path, data: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
