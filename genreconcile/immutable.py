"""How API servers say that a field cannot be changed.

Invariant: the texts are data; a text is looked at before its values are taken out, and only whether it matched goes on.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Final

import yaml

IMMUTABLE: Final = "immutable"
"""The key of an error's ``details`` that says so."""


@functools.cache
def _texts() -> tuple[str, ...]:
    text = (resources.files("genreconcile") / "immutable.yaml").read_text("utf-8")
    return tuple(yaml.safe_load(text)["texts"])


def says_immutable(text: str) -> bool:
    """Whether a server's message says that a field cannot be changed."""
    lowered = text.lower()
    return any(known in lowered for known in _texts())
