"""Fill a namespace as kubectl and a controller would: create each object, then write its status.

Invariant: afterwards each object carries the managedFields of two managers, as in a cluster that lives.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.bare import MERGE_PATCH, Connection, Refused, Server
from benchmarks.workload import COLLECTION, Object, encode, status_of

_CONNECTIONS = 6
_SOME = 100
_TIMED_OUT = 504
"""Of a deletion of more objects than the server deletes in its time; the next request goes on with what is left."""


def populate(server: Server, objects: Iterable[Object]) -> int:
    """Create all, and write their statuses; how many there were."""
    return parallel(server, objects, _settle)


def parallel(server: Server, objects: Iterable[Object], send: Callable[[Connection, Object], None]) -> int:
    """Call ``send`` for each object, over a few connections; how many there were."""
    local = threading.local()
    connections: list[Connection] = []

    def some(chunk: list[Object]) -> int:
        if not hasattr(local, "connection"):
            local.connection = server.connect()
            connections.append(local.connection)
        for obj in chunk:
            send(local.connection, obj)
        return len(chunk)

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        count = sum(pool.map(some, _chunks(objects)))
    for connection in connections:
        connection.close()
    return count


def clear(server: Server, namespace: str, collection: str = COLLECTION) -> None:
    """Delete the objects of a kind in a namespace, by default Deployments. Raises Refused."""
    connection = server.connect()
    while True:
        try:
            connection.request("DELETE", collection.format(namespace))
            break
        except Refused as error:
            if error.status != _TIMED_OUT:
                raise
    connection.close()


def count_of(server: Server, namespace: str, collection: str = COLLECTION) -> int:
    """How many objects of a kind the server has in a namespace, by default Deployments."""
    connection = server.connect()
    found = connection.get(collection.format(namespace), {"limit": "1"})
    connection.close()
    return len(found["items"]) + int(found["metadata"].get("remainingItemCount", 0))


def path_of(obj: Object) -> str:
    """The path of an object on the server."""
    return f"{COLLECTION.format(obj['metadata']['namespace'])}/{obj['metadata']['name']}"


def _settle(connection: Connection, obj: Object) -> None:
    collection = COLLECTION.format(obj["metadata"]["namespace"])
    connection.request("POST", f"{collection}?fieldManager=kubectl-create", encode(obj))
    path, status = f"{path_of(obj)}/status?fieldManager=kube-controller-manager", encode(status_of(obj))
    connection.request("PATCH", path, status, MERGE_PATCH)


def _chunks(objects: Iterable[Object]) -> Iterator[list[Object]]:
    remaining = iter(objects)
    while chunk := list(itertools.islice(remaining, _SOME)):
        yield chunk
