"""What is known of other tools' sets and of parents: read from ``applyset.yaml``.

Invariant: knowledge of kinds and tools is data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import Any

from genreconcile.data import shipped
from genreconcile.objects import ObjectKey


def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = shipped("applyset.yaml")
    return data


def may_be_parent(key: ObjectKey) -> bool:
    """Whether this built-in kind may be the parent of a set."""
    return not key.group and key.kind in _data()["parents"]


def parent_label() -> str:
    """The label of a definition whose custom resources may be parents."""
    return str(_data()["parentLabel"])


def default_parent() -> str:
    """The resource of a parent that is given by its name alone."""
    return str(_data()["defaultParent"])


def is_shared_tool(tool: str) -> bool:
    """Whether sets can be shared with this tool."""
    return tool in _data()["tools"]


def version_of(tool: str) -> str:
    """The version that is stated for a tool whose sets are shared."""
    return str(_data()["tools"][tool]["version"])


def is_of_tool(tool: str, managers: Collection[str]) -> bool:
    """Whether these field managers, at least one, are all ones by which the tool writes members."""
    if not is_shared_tool(tool):
        return False
    known = _data()["tools"][tool]["managers"]
    return bool(managers) and all(any(fnmatchcase(name, glob) for glob in known) for name in managers)
