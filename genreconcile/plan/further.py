"""The kinds that deletion looks at beside those of the expected set.

Invariant: a kind that the server cannot show now is named in a warning, and never taken for one without objects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from genreconcile.arguments import near, refused
from genreconcile.errors import ClusterError, Unauthorized, Unreachable
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.kinds.order import kind_name
from genreconcile.notice import Notice
from genreconcile.objects import GVK
from genreconcile.ownership import GroupKind
from genreconcile.plan.protection import is_made_by_kubernetes, kinds_to_ask_for

_NO_KIND: Final = Notice("the server has no such kind; correct it in kinds (--kinds)", "GR211")
_NO_KIND_ANY_MORE: Final = Notice(
    "the server does not have the kind any more, so that it leaves the owner set", "GR813"
)


@dataclass(frozen=True, slots=True)
class Further:
    """The resources to look at. ``unknown`` are the kinds that cannot be looked at; ``warnings`` say why."""

    resources: list[Resource] = field(default_factory=list)
    unknown: list[GroupKind] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)


class KindSources(NamedTuple):
    """The kinds that the caller ``asked`` for, that earlier plans have ``seen``, and that a set has ``recorded``."""

    asked: Iterable[GVK] = ()
    seen: Iterable[GVK] = ()
    recorded: Iterable[GroupKind] = ()


def further(discovery: Discovery, sources: KindSources, expected: Mapping[GVK, Resource]) -> Further:
    """The kinds of these sources, less those of ``expected``. Raises Unauthorized and Unreachable."""
    found = Further()
    there = {(gvk.group, gvk.kind) for gvk in expected}
    for gvk in sorted(sources.asked):
        _add(found, there, gvk, discovery.get, _NO_KIND)
    for gvk in sorted(sources.seen):
        _add(found, there, gvk, discovery.find, None)
    for group, kind in sorted(sources.recorded):
        _add(found, there, GVK(group, "", kind), discovery.find_now, _NO_KIND_ANY_MORE)
    return found


def deletable(discovery: Discovery, prefer: Collection[GVK], *, owned: bool) -> dict[GroupKind, Resource]:
    """The kinds that the server can list and delete, each in one version, in one of ``prefer`` if there is one.

    Cluster-scoped kinds count only for an owner set (``owned``); kinds whose objects are never deleted are left out.
    Raises ClusterError.
    """
    found: dict[GroupKind, Resource] = {}
    for resource in sorted(discovery.resources(), key=lambda resource: resource.gvk not in prefer):
        group, _, kind = resource.gvk
        may_be_in = resource.namespaced or owned
        if may_be_in and resource.verbs >= {"list", "delete"} and not is_made_by_kubernetes(group, kind):
            found.setdefault((group, kind), resource)
    return found


def add_every(
    found: Further, discovery: Discovery, there: Iterable[GVK], prefer: Collection[GVK], *, owned: bool
) -> None:
    """Add every kind that can be deleted and is not in ``there``, and a warning for each that cannot be looked at."""
    known = {(gvk.group, gvk.kind) for gvk in there}
    for place, resource in sorted(deletable(discovery, prefer, owned=owned).items()):
        if place in known:
            continue
        if "watch" in resource.verbs:
            found.resources.append(resource)
        else:
            found.unknown.append(place)
            found.warnings.append(_kept(str(resource), "the server cannot watch the kind", "GR812"))
    for group, version in sorted(discovery.unavailable):
        name = f"{group}/{version}" if group else version
        found.warnings.append(_kept(name, "the API does not answer; see its APIService's status", "GR503"))


def require_served(discovery: Discovery, names: Collection[str], expected: Iterable[GVK]) -> None:
    """Raise InputError for a name in ``delete_kinds`` that is no kind, neither of the server nor of ``expected``.

    A name in the group of an API that does not answer is accepted.
    """
    unsure = frozenset(names) - kinds_to_ask_for()
    if not unsure:
        return
    served = (resource.gvk for resource in discovery.resources())
    known = {kind_name(gvk.group, gvk.kind) for gvk in (*served, *expected)}
    for name in sorted(unsure - known):
        if name.partition(".")[2] not in {group for group, _ in discovery.unavailable}:
            raise refused(
                "delete_kinds",
                name,
                f"is no kind that the server has; write Kind.group{near(name, known | kinds_to_ask_for())}",
            )


def _add(
    found: Further, there: set[GroupKind], gvk: GVK, find: Callable[[GVK], Resource | None], if_missing: Notice | None
) -> None:
    place = (gvk.group, gvk.kind)
    if place in there:
        return
    there.add(place)
    name = str(gvk) if gvk.version else kind_name(*place)
    try:
        resource = find(gvk)
    except (Unauthorized, Unreachable):
        raise
    except ClusterError as error:
        found.unknown.append(place)
        found.warnings.append(_kept(name, str(error), error.code))
        return
    if resource is not None:
        found.resources.append(resource)
    elif if_missing is not None:
        found.warnings.append(_kept(name, if_missing, if_missing.code))


def _kept(name: str, why: str, code: str) -> Notice:
    """The warning that of a kind, or of an API, nothing is deleted."""
    return Notice(f"{name}: nothing deleted: {why}", code)
