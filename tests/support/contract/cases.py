"""The registry of the cases.

Invariant: an id is given once, and says group, what holds, and the row of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

CONTROLLERS = "controllers"
"""Of a case that needs the garbage collector, the namespace controller, or the deletion of a definition's objects."""


@dataclass(frozen=True)
class Case:
    """``run`` is called with the place, and with the row where the case stands in a table."""

    run: Callable[..., None]
    needs: str = ""
    row: tuple[Any, ...] = ()

    def __call__(self, place):
        self.run(place, *self.row)


CASES: dict[str, Case] = {}


def case(function=None, *, needs="", rows: Mapping[str, Any] | None = None):
    """Enter a function as a case, or as one for each of ``rows``: name of the row to its value, a tuple spread out."""

    def entered(run):
        name = f"{run.__module__.rpartition('.')[2]}-{run.__name__}"
        for row_name, row in ({"": ()} if rows is None else rows).items():
            found = f"{name}[{row_name}]" if row_name else name
            if found in CASES:
                raise ValueError(f"{found}: two cases have this id")
            CASES[found] = Case(run, needs, row if isinstance(row, tuple) else (row,))
        return run

    return entered if function is None else entered(function)
