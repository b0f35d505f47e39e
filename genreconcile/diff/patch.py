"""Differences written as one JSON patch (RFC 6902) that is right or refused.

Invariant: every precondition that the operations rely on is a ``test`` in front of them; a patch without operations
is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import jsonpatch

from genreconcile.diff.operation import Difference
from genreconcile.objects import resource_version_of, uid_of
from genreconcile.pointer import join_pointer

RESOURCE_VERSION: Final = "/metadata/resourceVersion"


def to_patch(differences: Iterable[Difference], live: Mapping[str, Any]) -> jsonpatch.JsonPatch:
    """The patch that removes these differences from ``live``.

    A patch that is right only for this very version replaces the resourceVersion by itself: the server answers 409
    where it has another. The others go without, so that writers of status cannot starve them.
    """
    found = list(differences)
    if not found:
        return jsonpatch.JsonPatch([])
    operations = _identity(live)
    if any(difference.structural for difference in found) and resource_version_of(live):
        operations.append({"op": "replace", "path": RESOURCE_VERSION, "value": resource_version_of(live)})
    tests = {join_pointer(path): value for difference in found for path, value in difference.guards}
    operations += [{"op": "test", "path": path, "value": value} for path, value in tests.items()]
    return jsonpatch.JsonPatch([*operations, *(difference.to_json() for difference in found)])


def _identity(live: Mapping[str, Any]) -> list[dict[str, Any]]:
    uid = uid_of(live)
    return [{"op": "test", "path": "/metadata/uid", "value": uid}] if uid else []
