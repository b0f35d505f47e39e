"""Which refusals mean that only a new object can have the expected value.

Invariant: pure; what is not recognised is an ordinary refusal, and nothing is deleted for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from genreconcile.errors import Invalid
from genreconcile.immutable import IMMUTABLE
from genreconcile.normalize.compiled import Node
from genreconcile.plan import Change
from genreconcile.pointer import split_pointer
from genreconcile.protection import protection, takes_others


def unlosable(change: Change) -> str:
    """Why an object is not to be deleted, not even to be created again at once; "" where it may be."""
    if takes_others(change.key):
        return "not recreated: others, or data, would go with it; delete it yourself"
    found = protection(change.key, change.live or {})
    return f"not recreated: {found.reason}" if found is not None else ""


def is_immutable(error: Invalid, paths: Iterable[str], root: Node) -> bool:
    """Whether the server refused a patch of these paths because a field is immutable.

    The answer said so, or the schema of a custom resource forbids a transition at one of the paths.
    """
    return bool(error.details.get(IMMUTABLE)) or any(_forbids_transition(root, split_pointer(path)) for path in paths)


def _forbids_transition(root: Node, tokens: tuple[str, ...]) -> bool:
    """Whether a validation rule at the place, or above it, holds only where the value stays as it was."""
    node = root
    for token in tokens:
        node = node.member().node if node.type.shape == "list" else node.child(token).node
        if node.type.is_frozen:
            return True
    return False
