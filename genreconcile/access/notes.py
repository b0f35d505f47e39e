"""Warnings for the person who grants the rights: the secrets that they reveal, and the objects that they do not cover.

Invariant: pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genreconcile.data import Access, shipped
from genreconcile.kinds.order import kind_name
from genreconcile.mask import fields_of
from genreconcile.objects import GVK, ObjectKey


def notes(expected: Iterable[Mapping[str, Any]]) -> list[str]:
    """The warnings, one for each object that grants rights itself and one for each kind that holds secrets."""
    found: dict[str, None] = {}
    for obj in expected:
        gvk = GVK.of(obj)
        why = shipped(Access).guarded.get(kind_name(gvk.group, gvk.kind))
        if why:
            found[f"{ObjectKey.of(obj)}: not covered: {why}; see to that yourself"] = None
        if fields_of(gvk):
            name = kind_name(gvk.group, gvk.kind)
            found[f"{name}: whoever may list and watch it reads the values of every one there"] = None
    return list(found)
