"""Other live objects that rules consult, such as the autoscalers that target a workload.

Invariant: reads the cache and sends nothing; a kind that cannot be read is unknown, never empty.
"""

from __future__ import annotations

from collections.abc import Iterable

from genreconcile.cache import Cache
from genreconcile.errors import CacheError
from genreconcile.objects import Object


class Related:
    """What ``Policy.others`` asks; one for each plan, whose look-ups it remembers."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._found: dict[tuple[str, str], Iterable[Object] | None] = {}

    def __call__(self, kind: str, namespace: str) -> Iterable[Object] | None:
        """The objects of a kind in a namespace, None where they are not known."""
        if (kind, namespace) not in self._found:
            self._found[kind, namespace] = self._read(kind, namespace)
        return self._found[kind, namespace]

    def _read(self, kind: str, namespace: str) -> Iterable[Object] | None:
        try:
            return self._cache.list(kind, namespace=namespace)
        except CacheError:
            return None
