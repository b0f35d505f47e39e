"""A quick check that there surely is no drift; it makes no differences, paths or copies.

Invariant: ``is_clean`` is True only where ``compare`` would find no difference and no error; False means that only
``compare`` can tell. Property tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genreconcile.compare.quick.check import DRIFT, object_check
from genreconcile.compare.quick.state import State
from genreconcile.normalize.compiled import Node
from genreconcile.normalize.place import Others


def is_clean(
    expected: Mapping[str, Any],
    live: Mapping[str, Any],
    node: Node,
    *,
    subset: bool = False,
    others: Others | None = None,
) -> bool:
    """Whether live surely has no drift; neither object is changed. ``subset`` and ``others`` as in ``Policy``."""
    if type(expected) is not dict or type(live) is not dict:
        return False
    metadata = live.get("metadata")
    has_managers = type(metadata) is dict and "managedFields" in metadata  # Drift may depend on the owners of fields.
    state = State(node, others, subset=subset, owned=live if has_managers else None)
    return object_check(node).check(expected, live, None, state) != DRIFT and state.is_sound
