"""The objects and files that set-up makes, as data: no kind's name stands in this package's code."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def load(template: str, /, **metadata: Any) -> dict[str, Any]:
    """Return a new object from ``data/<template>.json``, with ``metadata`` added to its own."""
    text = resources.files("genreconcile.testing").joinpath("data", f"{template}.json").read_text(encoding="utf-8")
    obj: dict[str, Any] = json.loads(text)
    if metadata:
        obj["metadata"].update(metadata)
    return obj
