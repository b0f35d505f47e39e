"""``data/strategy.yaml``: what the endpoints of kinds do.

Invariant: read once.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from genreconcile.testing.fake.kinds import Kind

_DATA = Path(__file__).parents[1] / "data"


@functools.cache
def table() -> Mapping[str, Any]:
    """By section."""
    found: Mapping[str, Any] = yaml.safe_load((_DATA / "strategy.yaml").read_text("utf-8"))
    return found


def name_of(kind: Kind) -> str:
    """``Kind.group`` as refusals and the data have it."""
    return f"{kind.kind}.{kind.group}" if kind.group else kind.kind
