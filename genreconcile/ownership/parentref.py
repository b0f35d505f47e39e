"""The parent of a controller's children, as the controller describes it.

Invariant: the description comes from the controller alone; nothing in it is read from the parent's marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from genreconcile.arguments import refused, require_choice, require_name, require_text, texts
from genreconcile.objects import GVK, ObjectKey, uid_of
from genreconcile.ownership.inventory import Inventory
from genreconcile.ownership.parent import LONGEST_CONTROLLER, Parent, controller_tool
from genreconcile.ownership.place import Place

Adopt = Literal["never", "unowned", "any"]
"""Which live objects that are no members become members: none, those of nobody, or all but those of other sets."""
Namespaces = frozenset[str] | Literal["*"] | None
EVERYWHERE: Final = "*"
NOTHING: Final = Inventory()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentRef:
    """One object whose children ``controller`` reconciles; ``uid`` is that of the object that was seen.

    ``namespaces``: where children may be. None: in the parent's own alone, of a cluster-scoped parent in all; "*": in
    all, and without a namespace as well. ``known`` are kinds and namespaces in which members are looked for whatever
    the parent records: what it records counts only where it is in ``known``, for users write it as they like. So
    ``known`` holds what the controller knows from elsewhere, and is never taken from this parent alone. ``build`` is as
    in Parent.
    """

    gvk: GVK
    key: ObjectKey
    uid: str
    controller: str
    adopt: Adopt = "never"
    namespaces: Namespaces = None
    known: Inventory = NOTHING
    build: str = ""

    def __post_init__(self) -> None:
        require_text("controller", self.controller)
        if not 0 < len(self.controller) <= LONGEST_CONTROLLER:
            raise refused("controller", self.controller, f"has not 1 to {LONGEST_CONTROLLER} characters; name it anew")
        require_choice("adopt", self.adopt, Adopt)
        if not self.uid:
            raise refused("uid", self.uid, "is no uid; give the parent as the server returned it")
        if self.namespaces is not None and self.namespaces != EVERYWHERE:
            object.__setattr__(self, "namespaces", frozenset(texts("namespaces", self.namespaces, require_name)))

    @classmethod
    def of(cls, parent: Mapping[str, Any], controller: str, **more: Any) -> Self:
        """That of a live object; ``more`` are the other fields."""
        return cls(gvk=GVK.of(parent), key=ObjectKey.of(parent), uid=uid_of(parent), controller=controller, **more)

    @property
    def tool(self) -> str:
        """The tool whose set this is: two controllers on one parent never share one."""
        return controller_tool(self.controller)

    @property
    def text(self) -> str:
        """The parent, for messages."""
        return str(self.key)

    @property
    def parent(self) -> Parent:
        """The head of the set."""
        return Parent(self.gvk, self.key, self.tool, self.uid, is_controlled=True, build=self.build)

    @property
    def place(self) -> Place:
        """Where children may be."""
        own = self.key.namespace
        if self.namespaces == EVERYWHERE or (self.namespaces is None and not own):
            return Place()
        return Place(frozenset(self.namespaces or ()) | ({own} - {""}), cluster=not own)
