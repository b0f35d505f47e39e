"""A state of the cluster that somebody else has seen: an object in one version, or the version of a list or watch.

Invariant: resourceVersions are compared as numbers, and only within one cluster (KEP-5504).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from genreconcile.cache.transform import number
from genreconcile.errors import LoadError
from genreconcile.objects import GVK, ObjectKey


class Sighting(NamedTuple):
    """``key`` is the seen object's, None where only a resourceVersion is known; ``version`` 0 stands for no number."""

    version: int
    key: ObjectKey | None = None

    @classmethod
    def of(cls, given: Any) -> Self:
        """From an object as a dict, or a resourceVersion as a text or a number. Raises LoadError."""
        if isinstance(given, Mapping):
            return cls._of_object(given)
        text = str(given) if isinstance(given, str | int) and not isinstance(given, bool) else ""
        if not (text.isascii() and text.isdecimal() and int(text) > 0):
            raise LoadError(
                f"not_older_than: not usable: {_shown(given)} is no resourceVersion; give an object as a dict, or its "
                "metadata.resourceVersion",
                code="GR110",
            )
        return cls(int(text))

    @classmethod
    def _of_object(cls, obj: Mapping[str, Any]) -> Self:
        metadata = obj.get("metadata")
        version = metadata.get("resourceVersion") if isinstance(metadata, Mapping) else None
        if not isinstance(metadata, Mapping) or not isinstance(version, str) or not version:
            raise LoadError(
                "not_older_than: not usable: the object has no metadata.resourceVersion; give one that the server sent",
                code="GR110",
            )
        name, kind = metadata.get("name"), obj.get("kind")
        if isinstance(name, str) and name and isinstance(kind, str) and isinstance(obj.get("apiVersion"), str):
            namespace = str(metadata.get("namespace") or "")
            return cls(number(version), ObjectKey(GVK.of(obj).group, kind, namespace, name))
        return cls.of(version)


def _shown(given: object) -> str:
    return repr(given) if isinstance(given, str | int | float | None) else f"a {type(given).__name__}"
