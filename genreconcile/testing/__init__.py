"""For tests: a real control plane, and a cluster in memory."""

from __future__ import annotations

from genreconcile.testing.control_plane import ControlPlane
from genreconcile.testing.errors import ControlPlaneError
from genreconcile.testing.fake.fakecluster import FakeCluster

__all__ = ["ControlPlane", "ControlPlaneError", "FakeCluster"]
