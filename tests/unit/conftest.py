"""Fixtures that several test files share."""

from loopback import cluster, server

__all__ = ["cluster", "server"]
