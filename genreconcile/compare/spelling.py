"""Whether a ``test`` operation can express a live value: the server compares JSON texts, and only values are known.

Invariant: pure, and in doubt the answer is no.
"""

from __future__ import annotations

from typing import Any

from genreconcile.normalize.compiled import Child


def is_testable(value: Any, child: Child) -> bool:
    """Whether encoding a live value surely gives the server's own text."""
    kind = child.field.type
    if kind.is_spelled_anew:
        return True
    if kind.is_raw:
        return not value
    if kind.scalar == "number":
        return bool(value != 0)  # The server's float64 may be -0.
    node = child.node.alternative() if kind.shape == "any" else child.node
    if isinstance(value, dict):
        return all(is_testable(entry, node.child(key)) for key, entry in value.items())
    return not isinstance(value, list) or all(is_testable(member, node.member()) for member in value)
