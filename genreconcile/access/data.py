"""What ``manifests.yaml`` says. Knowledge of kinds is data; this module only reads it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from typing import Any

import yaml


@functools.cache
def data() -> Mapping[str, Any]:
    """The file, parsed; shared, so do not change it."""
    text = (resources.files("genreconcile.access") / "manifests.yaml").read_text("utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded
