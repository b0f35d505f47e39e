"""The parent of a set: its id, its record, and the check that the set is ours.

Invariant: a set of another tool is refused, and so is a parent with the id of another one; only a controller, which
knows its parents without their marks, writes marks anew that are lost.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Final

from genreconcile.errors import ParentChanged, PlanRefused
from genreconcile.installed import own_version
from genreconcile.managers import LONGEST_MANAGER
from genreconcile.objects import GVK, Object, ObjectKey, annotations_of, labels_of, metadata_of
from genreconcile.ownership.inventory import KINDS, Inventory, Named, read_inventory, read_what_is_there
from genreconcile.ownership.tools import is_shared_tool, may_be_parent, version_of
from genreconcile.pointer import join_pointer

ID: Final = "applyset.kubernetes.io/id"
TOOLING: Final = "applyset.kubernetes.io/tooling"
OWN_TOOL: Final = "genreconcile"
LONGEST_CONTROLLER: Final = LONGEST_MANAGER - len(f"{OWN_TOOL}-")


def controller_tool(controller: str) -> str:
    """The tool whose sets a controller's are, which is its field manager as well; never the command line's."""
    return f"{OWN_TOOL}-{controller}"


@dataclass(frozen=True, slots=True)
class Parent:
    """The object at the head of a set, which ``tool`` manages. ``uid`` is "" where any object of that name will do.

    ``is_controlled``: ``tool`` is a controller, which has chosen this very object as a parent. ``build`` is the one of
    the tool that is to stand in the record, as build metadata of SemVer; "" leaves the one that is there.
    """

    gvk: GVK
    key: ObjectKey
    tool: str = OWN_TOOL
    uid: str = ""
    is_controlled: bool = False
    build: str = ""

    @property
    def id(self) -> str:
        """The set's id: a digest of the parent's key, so that no set of another parent has the same id."""
        text = f"{self.key.name}.{self.key.namespace}.{self.key.kind}.{self.key.group}"
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        return f"applyset-{digest}-v1"

    @property
    def field_manager(self) -> str:
        """The field manager that writes the parent: the tool's, so that tools that share it have no conflicts."""
        return self.tool if self.is_controlled else f"{self.tool}-applyset"

    @property
    def is_applied(self) -> bool:
        """Whether the parent is written by server-side apply, as the tool that shares it does."""
        return is_shared_tool(self.tool)

    def inventory(self, live: Object | None, named: Named) -> Inventory:
        """The record of the live parent, empty where there is no parent yet. Raises PlanRefused."""
        if live is not None and self.is_controlled:
            self._require_tool(live)
            return read_what_is_there(annotations_of(live), self.key)
        if live is None or self._is_new(live):
            return Inventory()
        self._require_ours(live)
        return read_inventory(annotations_of(live), self.key, named)

    def is_lost(self, live: Object) -> bool:
        """Whether the record of a controller's parent is incomplete, or was never written."""
        return self.is_controlled and (KINDS not in annotations_of(live) or TOOLING not in annotations_of(live))

    def is_recorded(self, live: Object) -> bool:
        """Whether the tool has a record on this live object."""
        return _base_name(annotations_of(live).get(TOOLING, "")) == self.tool

    def is_written(self, live: Object | None, inventory: Inventory) -> bool:
        """Whether the live parent has this record and its id already, written by any version of the tool."""
        if live is None:
            return False
        found = annotations_of(live)
        if self.is_controlled and inventory == Inventory() and TOOLING not in found:
            return True  # There is nothing to record.
        if labels_of(live).get(ID) != self.id:
            return False
        wanted = {**inventory.annotations(), TOOLING: found.get(TOOLING, "")}
        if self.build not in {"", build_of(live)}:
            return False
        return _base_name(wanted[TOOLING]) == self.tool and wanted.items() <= {**_NOTHING, **found}.items()

    def body(self, inventory: Inventory, live: Object | None) -> Object:
        """The body of a creation, or of a server-side apply with the live parent's uid and resourceVersion."""
        written: dict[str, Any] = {"name": self.key.name}
        if self.key.namespace:
            written["namespace"] = self.key.namespace
        written |= {key: metadata_of(live)[key] for key in ("uid", "resourceVersion")} if live is not None else {}
        written |= self._marks(inventory, live)
        return {"apiVersion": self.gvk.api_version, "kind": self.gvk.kind, "metadata": written}

    def patch(self, inventory: Inventory, live: Object) -> list[dict[str, Any]]:
        """The JSON patch that writes the record into the live parent, and tests its uid and resourceVersion."""
        metadata = metadata_of(live)
        operations: list[dict[str, Any]] = [
            {"op": "test", "path": f"/metadata/{key}", "value": metadata[key]} for key in ("uid", "resourceVersion")
        ]
        for field, marks in self._marks(inventory, live).items():
            there = metadata.get(field) or {}
            if not there:
                operations.append({"op": "add", "path": f"/metadata/{field}", "value": marks})
                continue
            operations += [
                {"op": "add", "path": join_pointer(("metadata", field, key)), "value": value}
                for key, value in marks.items()
                if there.get(key) != value
            ]
        return operations

    def _marks(self, inventory: Inventory, live: Object | None) -> dict[str, dict[str, str]]:
        annotations = {TOOLING: self._tooling(live), **inventory.annotations()}
        return {"labels": {ID: self.id}, "annotations": annotations}

    def _tooling(self, live: Object | None) -> str:
        there = annotations_of(live or {}).get(TOOLING, "")
        if _base_name(there) == self.tool and self.build in {"", _build(there)}:
            return there
        build = f"+{self.build}" if self.build else ""
        return f"{self.tool}/{version_of(self.tool) if self.is_applied else f'v{own_version()}'}{build}"

    def _is_new(self, live: Object) -> bool:
        """Whether live is a custom resource that is no parent yet: a user that names it as owner makes it one."""
        return not may_be_parent(self.key) and ID not in labels_of(live) and TOOLING not in annotations_of(live)

    def _require_tool(self, live: Object) -> None:
        there = annotations_of(live).get(TOOLING)
        if there is not None and _base_name(there) != self.tool:
            raise self._refused(
                f"{there} has a set there already", f"let one of the two go, or remove its annotation {TOOLING}"
            )

    def require_staying(self, live: Object) -> None:
        """Raise PlanRefused for a parent that is being deleted."""
        if "deletionTimestamp" in metadata_of(live):
            raise self._refused("it is being deleted", "wait until it is gone, or choose another parent")

    def _require_ours(self, live: Object) -> None:
        self.require_staying(live)
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
        return PlanRefused(f"{self.key}: not usable as an owner: {cause}; {advice}", code="GR805")


def foreign_tool(live: Object) -> str:
    """Who has a set that this object heads, "" where nobody has, or a controller or user of this package."""
    tooling = annotations_of(live).get(TOOLING, "")
    own = _base_name(tooling)
    return "" if own == OWN_TOOL or own.startswith(f"{OWN_TOOL}-") else tooling


def build_of(live: Object) -> str:
    """The build of the tool that wrote the record of this parent last; "" where none stands there."""
    return _build(annotations_of(live).get(TOOLING, ""))


def require_same(parent: Parent, uid: str) -> None:
    """Raise ParentChanged where the object of the parent's name, "" for none, is not the one that was meant."""
    if parent.uid and uid != parent.uid:
        why = f"another object has its name, with the uid {uid}" if uid else "it is gone"
        raise ParentChanged(
            f"the parent {parent.key} with the uid {parent.uid} is not there any more: {why}", status=409, reason="Gone"
        )


_NOTHING: Final = Inventory().annotations()


def _base_name(tooling: str) -> str:
    """The tool's name, ``kubectl`` of ``kubectl/v1.27``; a name may have slashes itself."""
    return tooling.rpartition("/")[0] or tooling


def _build(tooling: str) -> str:
    return tooling.partition("+")[2]
