"""Owner sets: ApplySets (KEP-3659), whose objects are applied and pruned together.

A parent object identifies the set, and records the kinds and the namespaces of its members; each member has the set's
label. So the set is known after a restart, and to other tools.

Invariant: pure. A label alone never makes an object a member: operators and people copy labels.
"""

from genreconcile.ownership.inventory import GroupKind, Inventory
from genreconcile.ownership.members import PART_OF, Membership
from genreconcile.ownership.parent import (
    LONGEST_CONTROLLER,
    OWN_TOOL,
    Parent,
    build_of,
    controller_tool,
    foreign_tool,
    require_same,
)
from genreconcile.ownership.parentref import EVERYWHERE, Adopt, ParentRef
from genreconcile.ownership.place import ANYWHERE, Place
from genreconcile.ownership.tools import default_parent, is_shared_tool, may_be_parent, parent_label

__all__ = [
    "ANYWHERE",
    "EVERYWHERE",
    "LONGEST_CONTROLLER",
    "OWN_TOOL",
    "PART_OF",
    "Adopt",
    "GroupKind",
    "Inventory",
    "Membership",
    "Parent",
    "ParentRef",
    "Place",
    "build_of",
    "controller_tool",
    "default_parent",
    "foreign_tool",
    "is_shared_tool",
    "may_be_parent",
    "parent_label",
    "require_same",
]
