"""How API servers say that a field cannot be changed.

Invariant: the texts are data; a text is looked at before its values are taken out, and only whether it matched goes on.
"""

from __future__ import annotations

from typing import Final

from genreconcile.data import Immutable, shipped

IMMUTABLE: Final = "immutable"
"""The key of an error's ``details`` that says so."""


def says_immutable(text: str) -> bool:
    """Whether a server's message says that a field cannot be changed."""
    lowered = text.lower()
    return any(known in lowered for known in shipped(Immutable).texts)
