"""The objects that deletion leaves alone although a selector or an owner set holds them: read from ``deletion.yaml``.

Invariant: knowledge of kinds is data; in doubt an object is protected.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from genreconcile.data import Deletion, shipped
from genreconcile.data.shapes import Keep
from genreconcile.kinds.order import kind_name
from genreconcile.objects import Object, ObjectKey, annotations_of, controller_of, metadata_of
from genreconcile.ownership import Membership
from genreconcile.pointer import split_pointer


class Protection(NamedTuple):
    """Why an object is not deleted; ``quiet``: the plan spares it without a report, which would come every time."""

    reason: str
    quiet: bool = False


class Maker(NamedTuple):
    """The controller that makes objects of a kind: one of its field ``managers`` then owns the field at ``path``."""

    path: tuple[str, ...]
    managers: frozenset[str]
    why: str


def protection(
    key: ObjectKey, live: Object, asked: Collection[str] = (), members: Membership | None = None
) -> Protection | None:
    """Why this live object is not to be deleted, None where it may be.

    ``asked`` are the kinds, as ``Kind.group``, whose deletion was asked for although it takes other objects along;
    objects that the parent of the set ``members`` controls may be deleted.
    """
    found = (
        _terminating(live),
        _built_in(key),
        _controlled(key, live, members),
        _left_to_collector(key, live, members),
        _annotated(live),
        _only_when_asked(key, asked),
    )
    return next(filter(None, found), None)


def is_kept(key: ObjectKey, obj: Object, asked: Collection[str] = ()) -> bool:
    """Whether a guard would keep an object, expected or live, whoever controls it; ``asked`` as in ``protection``."""
    return any((_built_in(key), _annotated(obj), _only_when_asked(key, asked)))


def kinds_to_ask_for() -> frozenset[str]:
    """The kinds, as ``Kind.group``, that are deleted only when they are asked for."""
    return shipped(Deletion).only_when_asked


def may_be_deleted(group: str, kind: str, asked: Collection[str]) -> bool:
    """Whether some object of this kind may be deleted; ``asked`` are kinds as in ``protection``."""
    name = kind_name(group, kind)
    return not is_made_by_kubernetes(group, kind) and (name in asked or name not in shipped(Deletion).only_when_asked)


def is_made_by_kubernetes(group: str, kind: str) -> bool:
    """Whether no object of this kind is ever deleted."""
    return kind_name(group, kind) in _made()


@functools.cache
def _made() -> frozenset[str]:
    every = (entry for entry in shipped(Deletion).built_in if entry.name == "*" and entry.namespace is None)
    return frozenset(entry.kind for entry in every)


def _terminating(live: Object) -> Protection | None:
    if "deletionTimestamp" not in metadata_of(live):
        return None
    return Protection("it is being deleted already; see its finalizers if that does not end", quiet=True)


def _built_in(key: ObjectKey) -> Protection | None:
    name = kind_name(key.group, key.kind)
    if not any(
        entry.kind == name
        and (entry.namespace is None or fnmatchcase(key.namespace, entry.namespace))
        and fnmatchcase(key.name, entry.name)
        for entry in shipped(Deletion).built_in
    ):
        return None
    return Protection(
        "not deleted: Kubernetes made it itself; take the label off if it got there by mistake", quiet=True
    )


def _controlled(key: ObjectKey, live: Object, members: Membership | None) -> Protection | None:
    """An object is protected by its controller, which would create it again, and takes it along when deleted itself."""
    controller = controller_of(live)
    if controller is None or (members is not None and members.is_parent(controller, key.namespace)):
        return None
    who = f"{controller.get('kind')} {controller.get('name')}"
    return Protection(f"not deleted: {who} controls it; delete that, and this goes with it", quiet=True)


def _left_to_collector(key: ObjectKey, live: Object, members: Membership | None) -> Protection | None:
    if members is None or not members.is_left_to_collector(live, key):
        return None
    return Protection("not deleted: its owner is being deleted, and the garbage collector sees to it", quiet=True)


def _annotated(live: Object) -> Protection | None:
    annotations = annotations_of(live)
    for entry in shipped(Deletion).keep:
        name = entry.annotation
        if name in annotations and _keeps(entry, str(annotations[name])):
            return Protection(
                f"not deleted: its annotation {name} forbids it; remove the annotation to have it deleted"
            )
    return None


def _keeps(entry: Keep, value: str) -> bool:
    if entry.unless is not None:
        return value != entry.unless
    return not entry.values.isdisjoint(part.strip() for part in value.split(","))


def _only_when_asked(key: ObjectKey, asked: Collection[str]) -> Protection | None:
    name = kind_name(key.group, key.kind)
    if name in asked or not takes_others(key):
        return None
    return Protection(
        f"not deleted: others go with it; name {name} in delete_kinds (--delete-kinds) to have it deleted"
    )


def takes_others(key: ObjectKey) -> bool:
    """Whether deletion leaves objects of this kind alone unless the kind is asked for by name."""
    return kind_name(key.group, key.kind) in shipped(Deletion).only_when_asked


@functools.cache
def _makers() -> Mapping[str, Maker]:
    return {
        entry.kind: Maker(split_pointer(entry.field), entry.managers, entry.why) for entry in shipped(Deletion).made_by
    }


def maker_of(key: ObjectKey) -> Maker | None:
    """The controller that may make objects of this kind without an ownerReference, None where there is none."""
    return _makers().get(kind_name(key.group, key.kind))


def is_seen_to(key: ObjectKey, live: Object) -> bool:
    """Whether a controller has to remove a finalizer of a live object; never for kinds that may run that controller."""
    if kind_name(key.group, key.kind) in shipped(Deletion).servers:
        return False
    finalizers = metadata_of(live).get("finalizers") or ()
    own = shipped(Deletion).own_finalizers
    return any(not any(fnmatchcase(str(name), pattern) for pattern in own) for name in finalizers)
