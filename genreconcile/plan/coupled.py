"""Differences in one list, some of which are left alone: the indexes of the others.

A patch adds, moves and removes members one after the other, so an index is right only after all operations before it.

Invariant: pure; leaving an operation out never brings the index of a later one behind the end of the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from genreconcile.compare.operation import Difference, Path


class Held(NamedTuple):
    """Why a difference is left alone, "" where it is patched; ``pause``: seconds until the next repair in a fight."""

    why: str = ""
    pause: float | None = None


def together(differences: Sequence[Difference], held: Sequence[Held]) -> list[Held]:
    """``held``, but a fight about one member of a list holds all its members: half of a swap does harm."""
    fought: dict[Path, Held] = {}
    for difference, why in zip(differences, held, strict=True):
        if why.pause is not None and (place := _list_of(difference)) is not None:
            fought[place] = why
    if not fought:
        return list(held)
    return [
        why if why.why else fought.get(_list_of(difference) or (), why)
        for difference, why in zip(differences, held, strict=True)
    ]


def left_over(differences: Sequence[Difference], held: Sequence[Held]) -> list[Difference]:
    """The differences that are not left alone, each at the index that is right without the others."""
    missing: dict[Path, list[int]] = {}
    found: list[Difference] = []
    for difference, why in zip(differences, held, strict=True):
        place = _list_of(difference)
        if place is None:
            if not why.why:
                found.append(difference)
        elif why.why:
            if difference.op == "add":
                missing.setdefault(place, []).append(_index(difference.path))
        else:
            found.append(_shifted(difference, missing.get(place, [])))
    return found


def _list_of(difference: Difference) -> Path | None:
    """The path of the list in which an operation changes a whole member, None for any other operation."""
    is_member = bool(difference.path) and isinstance(difference.path[-1], int)
    return difference.path[:-1] if is_member else None


def _shifted(difference: Difference, missing: Sequence[int]) -> Difference:
    if not missing or difference.op not in {"add", "move"}:  # All other operations come first, at the indexes of live.
        return difference
    origin = difference.origin and (*difference.origin[:-1], _without(_index(difference.origin), missing))
    path = (*difference.path[:-1], _without(_index(difference.path), missing))
    return replace(difference, path=path, origin=origin)


def _without(index: int, missing: Sequence[int]) -> int:
    return index - sum(other < index for other in missing)


def _index(path: Path) -> int:
    return path[-1] if isinstance(path[-1], int) else 0
