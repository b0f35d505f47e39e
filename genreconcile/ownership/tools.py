"""Facts about parents, and about tools that share sets, read from ``applyset.yaml``.

Invariant: knowledge of kinds and tools is data.
"""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase

from genreconcile.data import ApplySet, shipped
from genreconcile.objects import ObjectKey


def may_be_parent(key: ObjectKey) -> bool:
    """Whether this built-in kind may be the parent of a set."""
    return not key.group and key.kind in shipped(ApplySet).parents


def parent_label() -> str:
    """The label on a CustomResourceDefinition whose custom resources may be parents."""
    return shipped(ApplySet).parent_label


def default_parent() -> str:
    """The resource of a parent that is given by its name alone."""
    return shipped(ApplySet).default_parent


def is_shared_tool(tool: str) -> bool:
    """Whether sets can be shared with this tool."""
    return tool in shipped(ApplySet).tools


def version_of(tool: str) -> str:
    """The version that is written for a tool that shares its sets."""
    return shipped(ApplySet).tools[tool].version


def is_of_tool(tool: str, managers: Collection[str]) -> bool:
    """Whether there are field managers, and the tool writes members under each of them."""
    if not is_shared_tool(tool):
        return False
    known = shipped(ApplySet).tools[tool].managers
    return bool(managers) and all(any(fnmatchcase(name, glob) for glob in known) for name in managers)
