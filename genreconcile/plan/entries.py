"""The entries of a draft that are known to be in sync; the others are in ``fresh``.

Invariant: data only. No entry is part of a reference cycle, so Python's garbage collector need not track the many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from genreconcile.cache import Record, Store
from genreconcile.cache.related import Consulted
from genreconcile.cache.transform import Name
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import ObjectKey
from genreconcile.plan import Change


class InSync(msgspec.Struct, eq=False, gc=False):
    """An object that was in sync. ``labels`` are those of expected, ``brings`` the kinds that the object defines.

    ``content`` is the digest of expected; ``version`` the one of the store at which the record was last found to be
    the live one. Only ``version`` ever changes.
    """

    key: ObjectKey
    name: Name
    change: Change
    resource: Resource
    store: Store
    record: Record
    consulted: Consulted
    labels: Mapping[str, str]
    brings: tuple[Resource, ...]
    content: bytes
    version: int = -1


class Settled(NamedTuple):
    """A whole call of objects in sync, in their order, and what its plan holds of each."""

    entries: list[InSync]
    order: tuple[ObjectKey, ...]
    unchanged: tuple[Change, ...]
