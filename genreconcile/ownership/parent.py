"""The parent of a set: its id, its record, and the check that the set is ours.

Invariant: a set of another tool is refused, and so is a parent with the id of another one.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

from genreconcile.errors import PlanRefused
from genreconcile.objects import GVK, Object, ObjectKey, annotations_of, labels_of, metadata_of
from genreconcile.ownership.inventory import Inventory, Named, read_inventory
from genreconcile.ownership.tools import may_be_parent, version_of

ID: Final = "applyset.kubernetes.io/id"
TOOLING: Final = "applyset.kubernetes.io/tooling"
OWN_TOOL: Final = "genreconcile"


@dataclass(frozen=True, slots=True)
class Parent:
    """The object at the head of a set, which ``tool`` manages."""

    gvk: GVK
    key: ObjectKey
    tool: str = OWN_TOOL

    @property
    def id(self) -> str:
        """The set's id: a digest of the parent's key, so that no set of another parent has the same id."""
        text = f"{self.key.name}.{self.key.namespace}.{self.key.kind}.{self.key.group}"
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        return f"applyset-{digest}-v1"

    @property
    def field_manager(self) -> str:
        """The field manager that writes the parent: the tool's, so that tools that share it have no conflicts."""
        return f"{self.tool}-applyset"

    def inventory(self, live: Object | None, named: Named) -> Inventory:
        """The record of the live parent, empty where there is no parent yet. Raises PlanRefused."""
        if live is None or self._is_new(live):
            return Inventory()
        self._require_ours(live)
        return read_inventory(annotations_of(live), self.key, named)

    def is_written(self, live: Object | None, inventory: Inventory) -> bool:
        """Whether the live parent has this record and its id already, written by any version of the tool."""
        if live is None or labels_of(live).get(ID) != self.id:
            return False
        found = annotations_of(live)
        wanted = {**inventory.annotations(), TOOLING: found.get(TOOLING, "")}
        return _base_name(wanted[TOOLING]) == self.tool and wanted.items() <= {**_NOTHING, **found}.items()

    def body(self, inventory: Inventory, live: Object | None) -> Object:
        """The body of a creation, or of a server-side apply with the live parent's uid and resourceVersion."""
        written: dict[str, Any] = {"name": self.key.name}
        if self.key.namespace:
            written["namespace"] = self.key.namespace
        written |= {key: metadata_of(live)[key] for key in ("uid", "resourceVersion")} if live is not None else {}
        written["labels"] = {ID: self.id}
        written["annotations"] = {TOOLING: self._tooling(live), **inventory.annotations()}
        return {"apiVersion": self.gvk.api_version, "kind": self.gvk.kind, "metadata": written}

    def _tooling(self, live: Object | None) -> str:
        there = annotations_of(live or {}).get(TOOLING, "")
        if _base_name(there) == self.tool:
            return there
        return f"{self.tool}/{f'v{metadata.version(OWN_TOOL)}' if self.tool == OWN_TOOL else version_of(self.tool)}"

    def _is_new(self, live: Object) -> bool:
        """Whether live is a custom resource that is no parent yet: a user that names it as owner makes it one."""
        return not may_be_parent(self.key) and ID not in labels_of(live) and TOOLING not in annotations_of(live)

    def _require_ours(self, live: Object) -> None:
        if "deletionTimestamp" in metadata_of(live):
            raise self._refused("it is being deleted", "wait until it is gone, or choose another parent")
        there = annotations_of(live).get(TOOLING)
        if there is None:
            raise self._refused(
                f"it exists and is no parent of a set, for its annotation {TOOLING} is missing", "choose another parent"
            )
        # A set of ours may be handed over to the tool that shares it from now on.
        if _base_name(there) not in {self.tool, OWN_TOOL}:
            raise self._refused(
                f"it belongs to {there}",
                "choose another parent, or share the set by owner_tool (--applyset-tool) if that tool is kubectl",
            )
        found = labels_of(live).get(ID)
        if found != self.id:
            raise self._refused(f"its label {ID} is {found or 'missing'}, which is not its id", f"set it to {self.id}")

    def _refused(self, cause: str, advice: str) -> PlanRefused:
        return PlanRefused(f"{self.key}: not usable as an owner: {cause}; {advice}")


_NOTHING: Final = Inventory().annotations()


def _base_name(tooling: str) -> str:
    """The tool's name, ``kubectl`` of ``kubectl/v1.27``; a name may have slashes itself."""
    return tooling.rpartition("/")[0] or tooling
