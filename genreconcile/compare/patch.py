"""Differences written as one JSON patch (RFC 6902) that is right or refused.

Invariant: every precondition that the operations rely on is a ``test`` in front of them; a patch without operations
is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import jsonpatch

from genreconcile.compare.operation import Difference
from genreconcile.gojson import dumps
from genreconcile.kinds.types import MISSING
from genreconcile.mask import EVERYTHING, Fields, mask_patch
from genreconcile.objects import resource_version_of, uid_of
from genreconcile.pointer import join_pointer, split_pointer

RESOURCE_VERSION: Final = "/metadata/resourceVersion"
MOST_OPERATIONS: Final = 10_000
"""The limit of one patch, preconditions included: ``maxJSONPatchOperations`` of the API server's patch handler."""
_LONGEST_TESTS: Final = 16 * 1024
"""Bytes of values for which the version stands in: they would double the request."""
_ANNOTATIONS: Final = "/metadata/annotations"
"""As a whole: the cache leaves one of them out."""
_ON_VALUES: Final = frozenset({"add", "replace", "remove"})
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


def under_values(patch: Patch, live: Mapping[str, Any]) -> Patch:
    """The patch, which the server refuses where a value that it replaces or removes is another by now, or where one
    that it adds is there: whoever sends it late undoes nothing. It names the version where no ``test`` can tell that.
    """
    if names_version(patch) or not patch.patch:
        return patch
    tests = value_tests(patch.patch, live)
    if tests is None or len(dumps(tests)) > _LONGEST_TESTS or len(patch.patch) + len(tests) > MOST_OPERATIONS:
        return under_version(patch, live)
    first = next(at for at, operation in enumerate(patch.patch) if operation["op"] != "test")
    return Patch([*patch.patch[:first], *tests, *patch.patch[first:]], patch.fields)


def value_tests(operations: Sequence[Mapping[str, Any]], live: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """A ``test`` of each value that operations replace, remove or find missing; None where that cannot be said.

    Places that are tested already, and those below them, are left out. No operation may change the members of a list.
    """
    tested = {operation["path"] for operation in operations if operation["op"] == "test"}
    tests: dict[str, Any] = {}
    for operation in operations:
        path = operation["path"]
        if operation["op"] == "test" or path in tests or any(_is_in(path, place) for place in tested):
            continue
        is_told = operation["op"] in _ON_VALUES and path != _ANNOTATIONS
        value = tested_value(live, path) if is_told else MISSING
        if value is MISSING or holds_null_member(value):
            return None
        tests[path] = value
    return [{"op": "test", "path": path, "value": value} for path, value in tests.items()]


def _is_in(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def tested_value(live: Any, path: str) -> Any:
    """What a ``test`` of a JSON patch sees at a pointer: None where its parent has no such member, as the API server
    does; MISSING where there is no parent, or no such list member.
    """
    *parents, last = split_pointer(path)
    for token in parents:
        if isinstance(live, list) and token.isdecimal() and int(token) < len(live):
            live = live[int(token)]
        elif isinstance(live, Mapping) and token in live:
            live = live[token]
        else:
            return MISSING
    if isinstance(live, list):
        return live[int(last)] if last.isdecimal() and int(last) < len(live) else MISSING
    return live.get(last) if isinstance(live, Mapping) else MISSING


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
