"""The control plane that all tests of this folder share."""

from __future__ import annotations

from genreconcile.testing.plugin import control_plane, namespace, pytest_collection_finish

__all__ = ["control_plane", "namespace", "pytest_collection_finish"]
