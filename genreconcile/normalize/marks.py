"""The marks by which other tools find their objects or keep their state: those of ``rules/tools.yaml``.

Invariant: knowledge of tools is data; whether a registry leaves the marks alone makes no difference here.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from genreconcile.normalize.path import Pattern
from genreconcile.normalize.registry import TOOLS, Registry
from genreconcile.objects import Object, annotations_of, labels_of
from genreconcile.pointer import token_matches

_READERS = {"annotations": annotations_of, "labels": labels_of}


def tool_marks(live: Object) -> list[str]:
    """The keys of the labels and annotations of an object that are marks of other tools, sorted."""
    return sorted(
        {
            key
            for field, reader in _READERS.items()
            for key in reader(live)
            if any(token_matches(token, key) for token in _tokens()[field])
        }
    )


@functools.cache
def _tokens() -> Mapping[str, tuple[str, ...]]:
    """The patterns of the marks among labels, and of those among annotations; not those that others make marks."""
    rules = (rule for rule in Registry.builtin().rules if rule.source.startswith(TOOLS) and rule.root)
    patterns: list[Pattern] = [rule.tokens for rule in rules if not rule.conditions]
    return {field: tuple(p[2] for p in patterns if p[:2] == ("metadata", field)) for field in _READERS}
