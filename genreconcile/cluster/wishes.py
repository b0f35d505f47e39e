"""The check of the arguments of ``connect``.

Invariant: an argument of a wrong type is refused before a file is read.
"""

from __future__ import annotations

from os import PathLike
from typing import Any

from genreconcile.arguments import refused, require_text, texts


def require_wishes(kubeconfig: Any, context: Any, plugins: Any) -> None:
    """Raise InputError for an argument of a wrong type."""
    if kubeconfig is not None and not isinstance(kubeconfig, str | PathLike):
        raise refused("kubeconfig", kubeconfig, "is no path; give a file, or leave it out")
    if context is not None:
        require_text("context", context)
    if plugins is not None:
        texts("plugins", plugins)
