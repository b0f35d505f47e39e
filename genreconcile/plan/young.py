"""Kinds that are served and that no OpenAPI document describes yet.

The documents follow a definition by a second or so. Until then nothing is known of a kind: neither its defaults nor
that it is a custom one.

Invariant: such a kind is waited for once, in a bound, and asked for again, ever more rarely, until it is described; a
kind that is described costs no request.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from genreconcile.catalog import Catalog
from genreconcile.errors import ClusterError, Unauthorized, Unreachable
from genreconcile.kinds.discovery import Resource
from genreconcile.kinds.storage import UNREADABLE, Definition
from genreconcile.objects import GVK

_PATIENCE: Final = 10.0  # Seconds for a kind that is met for the first time, and that something defines.
_IN_DOUBT: Final = 2.0  # Where nothing is known to define it: that may be younger than what has been read.
_POLL: Final = 0.1
_FIRST_PAUSE: Final = 1.0  # Seconds until a kind is asked for again; twice as many each time.
_LONGEST_PAUSE: Final = 60.0

_log = logging.getLogger("genreconcile.planner")


class Undescribed:
    """``definition`` gives what defines a kind, None where nothing is known to."""

    def __init__(
        self,
        catalog: Catalog,
        definition: Callable[[GVK], Definition | None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._catalog = catalog
        self._definition = definition
        self._clock = clock
        self._sleep = sleep
        self._next: dict[GVK, tuple[float, float]] = {}  # When to ask again, and the pause after that.

    def is_young(self, resource: Resource) -> bool:
        """Whether something defines the kind, and no document describes it."""
        return self._catalog.is_custom(resource) is None and self._is_defined(resource)

    def _is_defined(self, resource: Resource) -> bool:
        definition = self._definition(resource.gvk)
        return definition is not None and definition is not UNREADABLE

    def await_described(self, resources: Iterable[Resource]) -> list[Resource]:
        """Wait for those that are met for the first time, and ask again for others; returns what is described now."""
        left = [resource for resource in resources if self._catalog.is_custom(resource) is None]
        due = [resource for resource in left if self._is_due(resource)]
        if not due:
            return []
        met = [resource for resource in due if resource.gvk not in self._next]
        started, described = self._clock(), self._described(due)
        while any(self._may_come(resource, started) for resource in met if resource not in described):
            self._sleep(_POLL)
            described = self._described(due)
        for resource in due:
            self._note(resource, is_described=resource in described)
        return described

    def _is_due(self, resource: Resource) -> bool:
        return self._next.get(resource.gvk, (0.0, 0.0))[0] <= self._clock()

    def _may_come(self, resource: Resource, started: float) -> bool:
        patience = _IN_DOUBT if self._definition(resource.gvk) is None else _PATIENCE
        return self._clock() - started < patience

    def _described(self, due: list[Resource]) -> list[Resource]:
        try:
            self._catalog.ask_again()
        except (Unauthorized, Unreachable):
            raise
        except ClusterError as error:
            _log.info("%s: its OpenAPI document was not asked for: %s", due[0], error)
        return [resource for resource in due if self._catalog.is_custom(resource) is not None]

    def _note(self, resource: Resource, *, is_described: bool) -> None:
        if is_described:
            self._next.pop(resource.gvk, None)
            return
        pause = self._next.get(resource.gvk, (0.0, _FIRST_PAUSE))[1]
        self._next[resource.gvk] = self._clock() + pause, min(2 * pause, _LONGEST_PAUSE)
        _log.info("%s: no OpenAPI document describes it; it is asked for again in %.0f s", resource, pause)
