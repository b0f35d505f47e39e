"""The YAML files of the package, in which knowledge of kinds, tools and texts stands.

Invariant: each is read once; what is returned is shared, and not to be changed.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import yaml


@functools.cache
def shipped(name: str, folder: str = "genreconcile") -> Any:
    """The content of a file, parsed; ``folder`` is the package that it lies in."""
    return yaml.safe_load((resources.files(folder) / name).read_text("utf-8"))
