"""What programs look at in a ClusterError.

Invariant: no message is part of it, for messages change from version to version of Kubernetes.
"""

from __future__ import annotations


def said(error):
    """Its class, status and reason."""
    return type(error).__name__, error.status, error.reason


def causes(error):
    """Reason and field of each cause."""
    return [(cause["reason"], cause["field"]) for cause in error.details.get("causes") or ()]
