"""Predicates on one or two values that need no rule.

Invariant: pure; ``True`` is never ``1``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from genreconcile.normalize.compiled import Child
from genreconcile.normalize.prepare import is_zero
from genreconcile.normalize.scalars import LONGEST_KEPT, is_quantity, kept_quantity

_LONGEST_KEPT: Final = LONGEST_KEPT


def is_amount(value: Any) -> bool:
    """``is_quantity``, compiled for the texts that come again and again."""
    if type(value) is str and len(value) <= _LONGEST_KEPT:
        return kept_quantity(value) is not None
    return is_quantity(value)


def is_identical(one: Any, other: Any) -> bool:
    """Whether two values are equal, with equal types at every depth."""
    if type(one) is not type(other) or one != other:
        return False
    if type(one) is dict:
        return all(is_identical(value, other[key]) for key, value in one.items())
    return type(one) is not list or all(map(is_identical, one, other))


def is_part(here: list[Any], there: list[Any]) -> bool:
    """Whether ``here`` has distinct strings alone, all of which are in ``there``."""
    if not all(type(one) is str for one in here):
        return False
    texts = {other for other in there if type(other) is str}
    return len(set(here)) == len(here) and texts.issuperset(here)


def stays(value: Any, child: Child) -> bool:
    """Whether preparing leaves a default unchanged: no part of it is null, or a zero that means missing."""
    if value is None or (child.field.zero == "value" and is_zero(value, child.field)):
        return False
    if isinstance(value, Mapping):
        return all(stays(entry, child.node.child(key)) for key, entry in value.items())
    member = child.node.member() if isinstance(value, list) else None
    return member is None or all(stays(entry, member) for entry in value)


def is_foldable(value: Any) -> bool:
    """Whether a write-only map holds strings alone, or is None."""
    return value is None or (type(value) is dict and all(type(text) is str for text in value.values()))
