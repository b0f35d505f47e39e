"""Checks of what a cache is made of.

Invariant: a wrong argument is refused before anything is watched.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from genreconcile.arguments import refused
from genreconcile.cache.lister import Kind, gvk_of
from genreconcile.cache.pace import Pace
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK


def require_parts(cluster: Any, discovery: Any, pace: Any) -> None:
    """Raise InputError for an argument of a wrong type. A method is enough: tests pass clusters of their own."""
    if not callable(getattr(cluster, "request", None)):
        raise refused("cluster", cluster, "is no cluster; give what gr.connect() returns")
    if discovery is not None and not callable(getattr(discovery, "get", None)):
        raise refused("discovery", discovery, "is no discovery; leave it out")
    if pace is not None and not isinstance(pace, Pace):
        raise refused("pace", pace, "is no pace; give gr.Pace(...)")


def as_kinds(kinds: Any) -> tuple[Kind, ...]:
    """The kinds as a tuple. Raises InputError for a single kind or no iterable, CacheError for a member of no kind."""
    if isinstance(kinds, str | GVK | Resource) or not isinstance(kinds, Iterable):
        raise refused("kinds", str(kinds), "is no list of kinds; give a list, such as ['apps/v1/Example']")
    found = tuple(kinds)
    for kind in found:
        gvk_of(kind)
    return found
