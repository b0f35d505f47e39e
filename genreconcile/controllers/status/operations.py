"""The operations of one JSON patch on a status, as they are gathered.

Invariant: what an operation relies on is tested in front of all of them, so that another writer's change in between
refuses the whole patch; without an operation there is no patch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from genreconcile.compare.patch import RESOURCE_VERSION, holds_null_member
from genreconcile.objects import resource_version_of, uid_of
from genreconcile.pointer import join_pointer

Path = tuple[str | int, ...]
Operation = dict[str, Any]

STATUS: Final = "status"
_STATUS: Final = "/status"
_UID: Final = "/metadata/uid"


class Operations:
    """Operations on the status of a live object, in the order of the calls. A status that is not there is made."""

    def __init__(self, live: Mapping[str, Any]) -> None:
        self._live = live
        self._tests: dict[str, Any] = {}
        self._changes: list[Operation] = []
        self._is_exact = False

    def test(self, path: Path, value: Any) -> None:
        """Let the patch rely on a live value; None: it is not there."""
        if holds_null_member(value):  # No ``test`` can tell of such a one: the whole object has to be as it was.
            self._is_exact = True
        else:
            self._tests[join_pointer(path)] = value

    def set(self, path: Path, value: Any) -> None:
        """Put a value in the place of the one that is there, if any; ``-`` at the end appends it to a list."""
        self._changes.append({"op": "add", "path": join_pointer(path), "value": value})

    def remove(self, path: Path) -> None:
        """Take away the value that is there."""
        self._changes.append({"op": "remove", "path": join_pointer(path)})

    def all(self) -> list[Operation]:
        """The patch, empty where nothing is to be changed."""
        if not self._changes:
            return []
        found: list[Operation] = [{"op": "test", "path": _UID, "value": uid_of(self._live)}]
        if not isinstance(self._live.get(STATUS), Mapping):
            found += [{"op": "test", "path": _STATUS, "value": None}, {"op": "add", "path": _STATUS, "value": {}}]
        if self._is_exact:
            found.append({"op": "replace", "path": RESOURCE_VERSION, "value": resource_version_of(self._live)})
        found += [{"op": "test", "path": path, "value": value} for path, value in self._tests.items()]
        return found + self._changes
