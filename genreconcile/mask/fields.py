"""The secret fields of kinds, as patterns from an object's root.

Invariant: the case of a kind's letters makes no difference: a misspelled object is hidden as well.
"""

from __future__ import annotations

from functools import cache
from typing import Final, Protocol

from genreconcile.data import Mask, shipped
from genreconcile.data.shapes import Secret
from genreconcile.pointer import split_pointer

Fields = tuple[tuple[str, ...], ...]
"""Patterns as in rules: a token is a key, or a glob of ``*`` and ``?``; ``*`` stands for any member of a list, too."""

EVERYTHING: Final[Fields] = ((),)
"""The whole object is secret: for an object whose secret fields are not known."""


class Kind(Protocol):
    """A GVK or an ObjectKey."""

    @property
    def group(self) -> str:
        """The API group, "" for the core group."""

    @property
    def kind(self) -> str:
        """The kind's name."""


@cache
def _of_kinds() -> dict[tuple[str, str], Fields]:
    """By group and kind."""
    return {(entry.group, entry.kind.lower()): _fields(entry) for entry in shipped(Mask).secrets}


@cache
def _of_resources() -> dict[tuple[str, str], Fields]:
    """By group and resource."""
    return {(entry.group, entry.resource.lower()): _fields(entry) for entry in shipped(Mask).secrets}


def _fields(entry: Secret) -> Fields:
    return tuple(map(split_pointer, entry.fields))


def fields_of(kind: Kind) -> Fields:
    """The fields of this kind's objects that are secret by ``mask.yaml``."""
    return _of_kinds().get((kind.group.lower(), kind.kind.lower()), ())


def fields_of_resource(path: str) -> Fields:
    """The secret fields of the objects behind an API path, ``/api/v1/…`` or ``/apis/<group>/<version>/…``."""
    root, _, rest = path.strip("/").partition("/")
    group, _, rest = rest.partition("/") if root == "apis" else ("", "", rest)
    parts = rest.split("/")[1:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        parts = parts[2:]
    return _of_resources().get((group, parts[0]), ()) if parts else ()
