"""The table on the terminal.

Invariant: pure: entries in, text out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks import targets
from benchmarks.contest import OURS, Entry
from benchmarks.results import figure, peers_of

_HEAD = ("metric", "contender", "median", "± spread", "unit", "ours / it", "target", "met")
_MET = {True: "yes", False: "NO", None: "?"}
_WIDEST = 90


def text(entries: Iterable[Entry]) -> str:
    """A row for ours in each entry, with its targets, and below it one for each peer."""
    rows = [_HEAD, *(row for entry in entries for row in _rows(entry))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(_line(row, widths) for row in rows) + "\n"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _rows(entry: Entry) -> Iterator[tuple[str, ...]]:
    title = f"{entry.name} ({entry.size})" if entry.size > 1 else entry.name
    met = _MET[targets.met(entry)]
    if entry.error:
        yield title, OURS, "failed", "", "", "", targets.words(entry), met
        yield "", f"  {entry.error[:_WIDEST]}", "", "", "", "", "", ""
        return
    yield title, OURS, figure(entry.median()), figure(entry.spread()), entry.unit, "", targets.words(entry), met
    for name in peers_of(entry):
        if name in entry.missing:
            yield "", f"{name}: missing: {entry.missing[name][:_WIDEST]}", "", "", "", "", "", ""
            continue
        median, spread, ratio = entry.median(name), entry.spread(name), targets.ratio(entry, name)
        yield "", name, figure(median), figure(spread), entry.unit, figure(ratio), "", ""
