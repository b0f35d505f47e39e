"""A real control plane for tests and demos."""

from __future__ import annotations

from genreconcile.testing.control_plane import ControlPlane
from genreconcile.testing.errors import ControlPlaneError

__all__ = ["ControlPlane", "ControlPlaneError"]
