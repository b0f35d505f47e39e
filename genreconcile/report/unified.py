"""A unified diff of two lists of lines.

Invariant: the time is near-linear in the lines, however they differ. ``difflib``, whose diffs read better, takes cubic
time at worst, and so is used for short texts only.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Final

from genreconcile.compare.common import Classes
from genreconcile.compare.lists import Equality, by_position

_SHORT: Final = 1000
_CONTEXT: Final = 3

Block = tuple[int, int, int, int]
"""Lines that differ: (start, stop) in ``before``, (start, stop) in ``after``."""


def unified(before: Sequence[str], after: Sequence[str], old: str, new: str) -> Iterator[str]:
    """The lines of the diff; none where there is no difference. ``old`` and ``new`` are the names of the sides."""
    if max(len(before), len(after)) <= _SHORT:
        yield from difflib.unified_diff(before, after, old, new, lineterm="")
        return
    hunks = list(_hunks(_blocks(before, after)))
    if hunks:
        yield from (f"--- {old}", f"+++ {new}")
    for hunk in hunks:
        yield from _hunk(hunk, before, after)


def _blocks(before: Sequence[str], after: Sequence[str]) -> Iterator[Block]:
    equality = Equality(lambda new, old: after[new] == before[old], lambda: Classes(after, before))
    pairs, _ = by_position(len(after), len(before), equality, lambda _: set())
    equal = [(old, new) for new, old in pairs if after[new] == before[old]]
    old = new = 0
    for end_old, end_new in [*equal, (len(before), len(after))]:
        if end_old > old or end_new > new:
            yield (old, end_old, new, end_new)
        old, new = end_old + 1, end_new + 1


def _hunks(blocks: Iterator[Block]) -> Iterator[list[Block]]:
    """The blocks in hunks: blocks whose context lines meet are in one."""
    hunk: list[Block] = []
    for block in blocks:
        if hunk and block[0] - hunk[-1][1] > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(block)
    if hunk:
        yield hunk


def _hunk(hunk: list[Block], before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    first, last = hunk[0], hunk[-1]
    lead = min(_CONTEXT, first[0])
    trail = min(_CONTEXT, len(before) - last[1])
    yield f"@@ -{_range(first[0] - lead, last[1] + trail)} +{_range(first[2] - lead, last[3] + trail)} @@"
    at = first[0] - lead
    for old, end_old, new, end_new in hunk:
        yield from (f" {line}" for line in before[at:old])
        yield from (f"-{line}" for line in before[old:end_old])
        yield from (f"+{line}" for line in after[new:end_new])
        at = end_old
    yield from (f" {line}" for line in before[at : at + trail])


def _range(start: int, stop: int) -> str:
    """The range of lines as ``diff -u`` writes it."""
    if stop - start == 1:
        return str(start + 1)
    return f"{start + (stop > start)},{stop - start}"
