"""The rights that an expected set needs, those that the account lacks, and the Roles that grant them.

Invariant: a right is named only where a request of this package would use it; nothing here grants anything.
"""

from genreconcile.access.asking import is_review
from genreconcile.access.reach import is_better_read_whole
from genreconcile.access.review import Access, told
from genreconcile.access.right import READ, Right, Use, deleting, reading, recording, writing
from genreconcile.access.roles import Subject, manifests

__all__ = [
    "READ",
    "Access",
    "Right",
    "Subject",
    "Use",
    "deleting",
    "is_better_read_whole",
    "is_review",
    "manifests",
    "reading",
    "recording",
    "told",
    "writing",
]
