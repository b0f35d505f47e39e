"""Which kinds deletion looks at beside those of the expected set.

Invariant: a kind that the server cannot show now is named in a warning, and never taken for one without objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from genreconcile.discovery import Discovery, Resource
from genreconcile.errors import ClusterError, Unauthorized, Unreachable
from genreconcile.objects import GVK


class Further(NamedTuple):
    """The resources, and warnings of kinds that have none."""

    resources: list[Resource]
    warnings: list[str]


def further(
    discovery: Discovery, asked: Iterable[GVK], seen_before: Iterable[GVK], expected: Mapping[GVK, Resource]
) -> Further:
    """The kinds that were ``asked`` for, and those ``seen_before``, less those of ``expected``.

    Raises Unauthorized and Unreachable.
    """
    there = {(gvk.group, gvk.kind) for gvk in expected}
    resources: dict[tuple[str, str], Resource] = {}
    warnings: list[str] = []
    for gvk, is_asked in [*((gvk, True) for gvk in sorted(asked)), *((gvk, False) for gvk in sorted(seen_before))]:
        place = (gvk.group, gvk.kind)
        if place in there or place in resources:
            continue
        try:
            found = discovery.get(gvk) if is_asked else discovery.find(gvk)
        except (Unauthorized, Unreachable):
            raise
        except ClusterError as error:
            warnings.append(f"{gvk}: nothing deleted: {error}")
            continue
        if found is not None:
            resources[place] = found
        elif is_asked:
            warnings.append(f"{gvk}: nothing deleted: the server has no such kind; correct it in kinds (--kinds)")
    return Further(list(resources.values()), warnings)
