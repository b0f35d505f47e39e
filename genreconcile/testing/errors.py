"""The error of this package's control plane."""

from __future__ import annotations

from genreconcile.errors import ReconcileError


class ControlPlaneError(ReconcileError):
    """A control plane for tests cannot be found, built or started. The message says where its logs are kept."""
