"""Owner sets: objects that belong together, by the ApplySet specification (KEP-3659).

A parent object names the set, and records of which kinds and in which namespaces its members are; each member carries
the set's label. So the set is known after a restart, and to other tools.

Invariant: pure. A label alone never makes an object a member: labels are copied, by operators and by people.
"""

from genreconcile.ownership.inventory import GroupKind, Inventory
from genreconcile.ownership.members import PART_OF, Membership
from genreconcile.ownership.parent import OWN_TOOL, Parent
from genreconcile.ownership.tools import default_parent, is_shared_tool, may_be_parent, parent_label

__all__ = [
    "OWN_TOOL",
    "PART_OF",
    "GroupKind",
    "Inventory",
    "Membership",
    "Parent",
    "default_parent",
    "is_shared_tool",
    "may_be_parent",
    "parent_label",
]
