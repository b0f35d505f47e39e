"""The YAML files beside this module, in which knowledge of kinds, tools and texts stands.

Invariant: each is read once; what is returned is shared, and not to be changed.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import yaml


@functools.cache
def shipped(name: str) -> Any:
    """The content of a file of this folder, parsed."""
    return yaml.safe_load((resources.files(__name__) / name).read_text("utf-8"))
