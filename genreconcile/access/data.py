"""The content of ``data/access.yaml``. Knowledge of kinds is data; this module only reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genreconcile.data import shipped


def data() -> Mapping[str, Any]:
    """The file, parsed; shared, so do not change it."""
    loaded: Mapping[str, Any] = shipped("access.yaml")
    return loaded
