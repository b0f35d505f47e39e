"""Whether kinds are read namespace by namespace, or in the whole cluster.

Invariant: the whole cluster is read only where the account may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from genreconcile.access.review import Access
from genreconcile.access.right import reading
from genreconcile.kinds.discovery import Resource

_FEW: Final = 5
"""Up to so many namespaces are listed one by one; with more, the whole cluster is listed."""


def is_better_read_whole(access: Access, namespaces: Collection[str], resources: Iterable[Resource]) -> bool:
    """Whether one list of the whole cluster is to be made of each kind, which is cheaper than one for each of many
    namespaces. Without the right to read the first of the kinds, those for the others are not reviewed.

    Raises Unauthorized and Unreachable.
    """
    if len(namespaces) <= _FEW:
        return False
    # Sorted, so that each run sends the same reviews; cluster-scoped kinds are last, for they are often readable.
    known = sorted(resources, key=lambda resource: (not resource.namespaced, resource.gvk))
    kinds = [set(reading(resource, None)) for resource in known]
    return not any(access.missing(rights) for rights in (*kinds[:1], set().union(*kinds)))
