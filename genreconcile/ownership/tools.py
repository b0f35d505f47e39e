"""What is known of other tools' sets and of parents: read from ``applyset.yaml``.

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
    """The label of a definition whose custom resources may be parents."""
    return shipped(ApplySet).parent_label


def default_parent() -> str:
    """The resource of a parent that is given by its name alone."""
    return shipped(ApplySet).default_parent


def is_shared_tool(tool: str) -> bool:
    """Whether sets can be shared with this tool."""
    return tool in shipped(ApplySet).tools


def version_of(tool: str) -> str:
    """The version that is stated for a tool whose sets are shared."""
    return shipped(ApplySet).tools[tool].version


def is_of_tool(tool: str, managers: Collection[str]) -> bool:
    """Whether these field managers, at least one, are all ones by which the tool writes members."""
    if not is_shared_tool(tool):
        return False
    known = shipped(ApplySet).tools[tool].managers
    return bool(managers) and all(any(fnmatchcase(name, glob) for glob in known) for name in managers)
