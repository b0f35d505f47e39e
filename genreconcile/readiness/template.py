"""Texts with paths in braces.

Invariant: a value is shown in one short line, and what is no text and no number as its type.
"""

from __future__ import annotations

import re
from typing import Any, Final

from genreconcile.readiness.scene import Scene, type_of

_PATH: Final = re.compile(r"\{([^{}]*)\}")
_LONGEST: Final = 1000
"""Characters of one value: controllers write whole logs into messages."""


def filled(template: str, scene: Scene) -> str:
    """The text with the values at its paths."""
    return _PATH.sub(lambda found: _shown(scene.at(found[1])), template) if "{" in template else template


def faults_of(template: str) -> str:
    """What is wrong with a text, "" for nothing."""
    rest = _PATH.sub("", template)
    if "{" in rest or "}" in rest:
        return "a brace has no other one"
    return "a pair of braces is empty" if "" in _PATH.findall(template) else ""


def _shown(value: Any) -> str:
    kind = type_of(value)
    if kind in {"text", "whole", "number"}:
        text = " ".join(str(value).split())
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return str(value).lower() if kind == "flag" else {"missing": "none", "null": "none"}.get(kind, f"a {kind}")
