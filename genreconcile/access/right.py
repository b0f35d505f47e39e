"""One right, and the rights that reading, writing and deleting objects of a kind takes.

Invariant: pure; the verbs here are exactly those that requests of this package use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from genreconcile.data import Own, shipped
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import ObjectKey

UNCHECKED: Final = ""
READ: Final = "read"
WRITE: Final = "write"


class Right(NamedTuple):
    """A verb on a resource; ``namespace`` "" is the whole cluster, ``name`` "" any object."""

    verb: str
    group: str
    plural: str
    namespace: str = ""
    name: str = ""

    @property
    def resource(self) -> str:
        """``plural.group``, or ``plural`` of the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


@dataclass(frozen=True, slots=True)
class Use:
    """The use that the rights are for: ``level`` is "read" or "write"; ``verifies``: patches are tried by dry run;
    ``recreates``: objects are replaced where an immutable field differs.
    """

    level: str = WRITE
    verifies: bool = False
    recreates: bool = False


def reading(resource: Resource, namespaces: Sequence[str] | None) -> Iterator[Right]:
    """The rights to list and watch a kind in these namespaces, None for the whole cluster."""
    gvk = resource.gvk
    for namespace in namespaces if namespaces is not None and resource.namespaced else ("",):
        for verb in ("list", "watch"):
            yield Right(verb, gvk.group, resource.plural, namespace)


def writing(resource: Resource, key: ObjectKey, use: Use) -> Iterator[Right]:
    """The rights to create one object and to keep it as it is expected.

    ``get`` is for an object that others write at the same moment, when the cache may be behind. A dry run needs the
    right of the write that it tries. A right to create has no name: the server learns the name from the body.
    """
    group, plural, served = key.group, resource.plural, resource.verbs
    wanted = ("get", "patch", "delete") if use.recreates else ("get", "patch")
    if use.level == WRITE and "create" in served:
        yield Right("create", group, plural, key.namespace)
    for verb in wanted if use.level == WRITE else ("patch",) if use.verifies else ():
        if verb in served:
            yield Right(verb, group, plural, key.namespace, key.name)


def holding(namespace: str, name: str) -> Iterator[Right]:
    """The rights to hold a Lease, which is made where it is not there."""
    kind = shipped(Own).lease
    yield Right("create", kind.group, kind.plural, namespace)
    for verb in ("get", "update"):
        yield Right(verb, kind.group, kind.plural, namespace, name)


def sharing(namespace: str, names: Iterable[str]) -> Iterator[Right]:
    """The rights to hold the Leases of shards, and to see those of another number of them."""
    kind = shipped(Own).lease
    for verb in ("create", "list"):
        yield Right(verb, kind.group, kind.plural, namespace)
    for name in names:
        yield Right("update", kind.group, kind.plural, namespace, name)


def recording(namespaces: Iterable[str]) -> Iterator[Right]:
    """The rights to write Events in these namespaces, "" for all."""
    kind = shipped(Own).event
    for namespace in namespaces:
        for verb in ("create", "patch"):
            yield Right(verb, kind.group, kind.plural, namespace)


def deleting(resource: Resource, namespace: str, use: Use, *, asks: bool = False) -> Iterator[Right]:
    """The rights to delete any objects of a kind in a namespace; ``asks``: their creators are looked up first."""
    if "delete" not in resource.verbs:
        return
    if asks:
        yield Right("get", resource.gvk.group, resource.plural, namespace)
    if use.level == WRITE:
        yield Right("delete", resource.gvk.group, resource.plural, namespace)
