"""Warnings for the person who grants the rights: the secrets that they reveal, and the objects that they do not cover.

Invariant: pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from genreconcile.data import Access, shipped
from genreconcile.kinds.order import kind_name
from genreconcile.mask import fields_of
from genreconcile.notice import Notice
from genreconcile.objects import GVK, ObjectKey


def notes(expected: Iterable[Mapping[str, Any]]) -> list[Notice]:
    """The warnings, one for each object that grants rights itself and one for each kind that holds secrets."""
    found: dict[Notice, None] = {}
    for obj in expected:
        gvk = GVK.of(obj)
        why = shipped(Access).guarded.get(kind_name(gvk.group, gvk.kind))
        if why:
            found[Notice(f"{ObjectKey.of(obj)}: not covered: {why}; see to that yourself", "GR616")] = None
        if fields_of(gvk):
            name = kind_name(gvk.group, gvk.kind)
            told = f"{name}: whoever may list and watch it reads the values of every one there"
            found[Notice(told, "GR617")] = None
    return list(found)
