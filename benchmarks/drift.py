"""The children of parents: what edits by hand change in them, and what the server says of them.

Invariant: the server judges: what an operator says of itself counts nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from benchmarks.audit import EDITOR, USER, Answered
from benchmarks.bare import MERGE_PATCH, Connection, Server
from benchmarks.contest import Missing
from benchmarks.parents import name_of
from benchmarks.populate import count_of, parallel
from benchmarks.workload import COLLECTION, Object, encode

PARENTS = "/apis/bench.genreconcile.dev/v1/namespaces/{}/parents"
_WRITES = frozenset({"patch", "update"})
_PAGE = "1000"


class Child(NamedTuple):
    """One of the children of each parent: where it is, an edit of it, and whether it is as its parent says."""

    resource: str
    collection: str
    edit: Object
    is_right: Callable[[Object, Object], bool]


CHILDREN = (
    Child(
        "deployments",
        COLLECTION,
        {"spec": {"replicas": 7}},
        lambda live, parent: bool(live["spec"]["replicas"] == parent["spec"]["replicas"]),
    ),
    Child(
        "services",
        "/api/v1/namespaces/{}/services",
        {"spec": {"selector": {"app": "elsewhere"}}},
        lambda live, parent: bool(live["spec"]["selector"]["app"] == parent["metadata"]["name"]),
    ),
    Child(
        "configmaps",
        "/api/v1/namespaces/{}/configmaps",
        {"data": {"image": "registry.example.com/other:1"}},
        lambda live, parent: bool(live["data"]["image"] == parent["spec"]["image"]),
    ),
)


def counted(server: Server, namespace: str) -> int:
    """How many children there are, whatever is in them."""
    return sum(count_of(server, namespace, child.collection) for child in CHILDREN)


def wrong(server: Server, namespace: str) -> list[str]:
    """What is not as it should be: children that are missing or differ from what their parents say, and parents whose
    status does not tell the generation.
    """
    connection = server.connect()
    parents = {parent["metadata"]["name"]: parent for parent in _all(connection, PARENTS.format(namespace))}
    found = [
        f"status of {name}"
        for name, parent in parents.items()
        if parent.get("status", {}).get("observedGeneration") != parent["metadata"]["generation"]
    ]
    for child in CHILDREN:
        live = {obj["metadata"]["name"]: obj for obj in _all(connection, child.collection.format(namespace))}
        for name, parent in parents.items():
            if name not in live or not child.is_right(live[name], parent):
                found.append(f"{child.resource} {name}")
    connection.close()
    return found


def edited(number: int, parents: int) -> tuple[Child, str]:
    """The child that edit ``number`` changes, and its name: another one each time, and parents in turn."""
    turn, parent = divmod(number, parents)
    return CHILDREN[(turn + parent) % len(CHILDREN)], name_of(parent)


def edit(server: Server, namespace: str, parents: int, count: int, interval: float) -> None:
    """Edit ``count`` children, one every ``interval`` seconds."""
    connection, begin = server.connect(), time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begin + number * interval - time.monotonic()))
        child, name = edited(number, parents)
        path = f"{child.collection.format(namespace)}/{name}"
        connection.request("PATCH", path, encode(child.edit), MERGE_PATCH)
    connection.close()


def repairs(log: Sequence[Answered], warm: int) -> list[float]:
    """Seconds from the answer to each edit to the answer to the first write of the same object after it, sorted. The
    first ``warm`` edits do not count. Raises Missing for an edit that was not repaired.
    """
    waiting: dict[tuple[str, str], float] = {}
    found: list[float] = []
    for answered in sorted(log, key=lambda answered: answered.at):
        key = (answered.resource, answered.name)
        if answered.verb not in _WRITES or answered.part:
            continue
        if answered.user == EDITOR:
            waiting[key] = answered.at
        elif answered.user == USER and key in waiting:
            found.append(answered.at - waiting.pop(key))
    if waiting:
        raise Missing(f"{len(waiting)} edits were not repaired, {'/'.join(next(iter(waiting)))} among them")
    return sorted(found[warm:])


def rest(server: Server, namespace: str, count: int, value: str) -> None:
    """Change the status of ``count`` Deployments, as their controller does, in a way that concerns nobody."""
    parallel(server, _statuses(namespace, count, value), _change)


def _statuses(namespace: str, count: int, value: str) -> Iterator[Object]:
    condition = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": value}
    for number in range(count):
        path = f"{COLLECTION.format(namespace)}/{name_of(number)}/status"
        yield {"path": path, "change": {"status": {"observedGeneration": 1, "conditions": [condition]}}}


def _change(connection: Connection, change: Object) -> None:
    connection.request("PATCH", change["path"], encode(change["change"]), MERGE_PATCH)


def _all(connection: Connection, path: str) -> Iterator[dict[str, Any]]:
    more = ""
    while True:
        query = {"limit": _PAGE, "continue": more}
        page = connection.get(path, query)
        yield from page["items"]
        more = page["metadata"].get("continue", "")
        if not more:
            return
