"""Normalization: rules for the values that others add to an object, and expected objects as the server decodes them.

Invariant: pure: no threads, no network.
"""

from genreconcile.normalize.prepare import Prepared, prepare
from genreconcile.normalize.registry import Registry, require_registry

__all__ = ["Prepared", "Registry", "prepare", "require_registry"]
