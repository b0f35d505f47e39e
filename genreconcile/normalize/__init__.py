"""Normalization: rules that say what the server adds to an object, and an expected object as the server reads it.

Invariant: pure: no threads, no network.
"""

from genreconcile.normalize.prepare import Prepared, prepare
from genreconcile.normalize.registry import Registry, require_registry

__all__ = ["Prepared", "Registry", "prepare", "require_registry"]
