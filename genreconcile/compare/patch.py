"""Differences written as one JSON patch (RFC 6902) that is right or refused.

Invariant: every precondition that the operations rely on is a ``test`` in front of them; a patch without operations
is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import jsonpatch

from genreconcile.compare.operation import Difference
from genreconcile.kinds.types import MISSING
from genreconcile.mask import EVERYTHING, Fields, mask_patch
from genreconcile.objects import resource_version_of, uid_of
from genreconcile.pointer import join_pointer

RESOURCE_VERSION: Final = "/metadata/resourceVersion"
MOST_OPERATIONS: Final = 10_000
"""The limit of one patch, preconditions included: ``maxJSONPatchOperations`` of the API server's patch handler."""
MOST_BYTES: Final = 3 * 1024 * 1024
"""The limit of one request's body, unless the server was started with another one."""


class Patch(jsonpatch.JsonPatch):
    """A JSON patch whose ``str`` and ``repr`` hide secrets; ``patch`` and ``to_string()`` have the real values.

    ``fields`` are the paths of the object's secret fields; None: they are not known, and every value is hidden.
    """

    def __init__(self, operations: Iterable[Mapping[str, Any]], fields: Fields | None = None) -> None:
        super().__init__(list(operations))
        self.fields = fields

    def __str__(self) -> str:
        return json.dumps(mask_patch(EVERYTHING if self.fields is None else self.fields, self.patch))

    def __repr__(self) -> str:
        return f"<Patch {self}>"

    def shown(self, fields: Fields) -> Patch:
        """The same patch, with the secret fields known."""
        return Patch(self.patch, fields)


def to_patch(differences: Iterable[Difference], live: Mapping[str, Any]) -> Patch:
    """The patch that removes these differences from ``live``.

    A patch with a structural difference, or a guard that no ``test`` expresses, replaces the resourceVersion by itself:
    the server answers 409 where it has another. Other patches do without, so that writers of status cannot starve them.
    """
    found = list(differences)
    if not found:
        return Patch([])
    guards = {join_pointer(path): value for difference in found for path, value in difference.guards}
    tests = {path: value for path, value in guards.items() if value is not MISSING and not holds_null_member(value)}
    operations = _identity(live)
    if (len(tests) < len(guards) or any(d.structural for d in found)) and resource_version_of(live):
        operations.append({"op": "replace", "path": RESOURCE_VERSION, "value": resource_version_of(live)})
    operations += [{"op": "test", "path": path, "value": value} for path, value in tests.items()]
    return Patch([*operations, *(difference.to_json() for difference in found)])


def under_version(patch: Patch, live: Mapping[str, Any]) -> Patch:
    """The patch, which the server refuses where the object is not in the very version of ``live``."""
    if names_version(patch) or not patch.patch or not resource_version_of(live):
        return patch
    guard = {"op": "replace", "path": RESOURCE_VERSION, "value": resource_version_of(live)}
    identity = _identity(live)
    return Patch([*identity, guard, *patch.patch[len(identity) :]], patch.fields)


def names_version(patch: Patch) -> bool:
    """Whether the server refuses the patch where the object is in another version."""
    return any(operation["path"] == RESOURCE_VERSION for operation in patch.patch)


def _identity(live: Mapping[str, Any]) -> list[dict[str, Any]]:
    uid = uid_of(live)
    return [{"op": "test", "path": "/metadata/uid", "value": uid}] if uid else []


def holds_null_member(value: Any) -> bool:
    """Whether a list in a value holds null: the API server ends the connection on a ``test`` of such a one (1.37.2)."""
    if isinstance(value, Mapping):
        return any(map(holds_null_member, value.values()))
    return isinstance(value, list) and any(member is None or holds_null_member(member) for member in value)
