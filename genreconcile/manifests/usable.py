"""The check that an expected object is usable: it has an apiVersion, a kind and a name.

Invariant: no message quotes a value, because it may be a Secret's. The check runs for each object of a set.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Final

from genreconcile.errors import LoadError

_PATTERNS: Final = {"apiVersion": re.compile(r"[^/\s]+(/[^/\s]+)?"), "kind": re.compile(r"[^/\s]+")}


def is_list(obj: Any) -> bool:
    """Whether an object is a list, which stands for its ``items``."""
    if not isinstance(obj, dict) or not str(obj.get("kind") or "").endswith("List"):
        return False
    metadata = obj.get("metadata")
    has_name = isinstance(metadata, dict) and bool(metadata.get("name"))
    return "items" in obj and isinstance(obj["items"], list | None) and not has_name


def refuse_unusable(obj: Any, origin: str) -> None:
    """Raise LoadError unless an API server could be asked for this object."""
    if not isinstance(obj, dict):
        raise LoadError(f"{origin}: not an object: {type(obj).__name__}; give a mapping", code="GR206")
    for field, example in (("apiVersion", "v1 or apps/v1"), ("kind", "Example")):
        value = obj.get(field)
        if not isinstance(value, str) or not _matches(field, value):
            problem = f"no {field}" if not value else f"invalid {field}"
            raise LoadError(f"{origin}: {problem}; write one such as {example}", code="GR206")
    if problem := _metadata_problem(obj.get("metadata")):
        raise LoadError(f"{origin}: {obj['kind']}{problem}", code="GR206")


@functools.lru_cache(1024)  # There are few kinds, and many objects of each.
def _matches(field: str, value: str) -> bool:
    return _PATTERNS[field].fullmatch(value) is not None


def _metadata_problem(metadata: Any) -> str:
    """The problem and the advice, in words that follow the kind in a message; "" for no problem."""
    if not isinstance(metadata, dict):
        return ": no metadata; give metadata.name"
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if metadata.get("generateName") and not name:  # Beside a name the server ignores it.
        return ": generateName: each run would create another object; give metadata.name in place of it"
    if not name:
        return ": no name; give metadata.name"
    if not _is_path_segment(name):
        return ": invalid metadata.name; give a string without / and %, other than . and .."
    if namespace is not None and namespace != "" and not _is_path_segment(namespace):
        return f" {name}: invalid metadata.namespace; give a string without / and %"
    return ""


def _is_path_segment(name: Any) -> bool:
    """Whether a name passes the API server's check (k8s.io/apimachinery/pkg/api/validation/path), and is printable."""
    if not isinstance(name, str):
        return False
    return name not in {".", ".."} and name.isprintable() and "/" not in name and "%" not in name
