"""Whether the children of a parent do what they are for: the profile ``wait`` of readiness, with the cluster's schemas.

Invariant: what an object's status means is said by ``genreconcile.readiness`` alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genreconcile.catalog import Catalog
from genreconcile.readiness import Status


@dataclass(frozen=True, slots=True)
class ReadyCheck:
    """How objects are, under the rules of the catalog; ``now`` is the time of day."""

    catalog: Catalog
    now: Callable[[], dt.datetime]

    def status(self, live: Mapping[str, Any]) -> Status:
        """How a live object is."""
        return self.catalog.status(live, self.now())

    def is_ready(self, live: Mapping[str, Any]) -> bool:
        """Whether a live object is Current."""
        return self.status(live).is_current
