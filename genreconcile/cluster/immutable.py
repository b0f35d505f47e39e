"""How API servers say that a field cannot be changed.

Invariant: the texts are data, and an error carries only whether one of them matched.
"""

from __future__ import annotations

from typing import Final

from genreconcile.data import Immutable, shipped

IMMUTABLE: Final = "immutable"
"""The key of a cause in an error's ``details``: True where the field is immutable."""


def says_immutable(text: str) -> bool:
    """Whether a server's message says that a field cannot be changed."""
    lowered = text.lower()
    return any(known in lowered for known in shipped(Immutable).texts)
