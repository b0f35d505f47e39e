"""Parts of sentences that messages share.

Invariant: pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def first_of(found: Sequence[Any], most: int, shown: Callable[[Any], str] = str) -> str:
    """The first ``most``, and how many more there are: ``a, b and 3 more``; "" for none."""
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return f"{', '.join(map(shown, found[:most]))}{more}"
