"""Another client, whose edits of live objects are random and the same for the same seed.

Invariant: an edit is done when it returns, and the cache of the Reconciler has seen it.
"""

from __future__ import annotations

import functools
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import genreconcile as gr

_BOUND = 120.0
_PAUSE = 0.002
_TRIES = 12
_SYSTEM = frozenset({"apiVersion", "kind", "metadata", "status"})
_METADATA = ("labels", "annotations")

Operation = dict[str, Any]


class Others:
    """``cluster`` is an administrator's, ``seed`` decides everything."""

    def __init__(self, cluster: gr.Cluster, seed: str) -> None:
        self._cluster = cluster
        self._kinds = gr.Cache(cluster)  # Not started: it only knows paths.
        self._dice = random.Random(seed)  # noqa: S311 - it is to be the same each time
        self._count = 0

    def path(self, obj: Mapping[str, Any], *, is_collection: bool = False) -> str:
        """Where an object is, or its collection; one that names no namespace has none."""
        metadata = obj["metadata"]
        resource = self._kinds.add(gr.GVK.of(obj))
        return resource.path(metadata.get("namespace", ""), "" if is_collection else metadata["name"])

    def live(self, obj: Mapping[str, Any]) -> gr.Object | None:
        """The object as it is now, None where there is none."""
        try:
            found: gr.Object = json.loads(self._cluster.request("GET", self.path(obj)))
        except gr.NotFound:
            return None
        return found

    def create(self, obj: Mapping[str, Any]) -> gr.Object:
        """Create an object; returns what the server has made of it."""
        body = json.dumps(obj).encode()
        created: gr.Object = json.loads(self._cluster.request("POST", self.path(obj, is_collection=True), body=body))
        return created

    def delete(self, obj: Mapping[str, Any]) -> None:
        """Delete an object."""
        self._cluster.request("DELETE", self.path(obj))

    def edit_one_of(self, objects: Sequence[gr.Object], cache: gr.Cache) -> None:
        """Change, delete or add something, and wait until the cache knows."""
        self._count += 1
        choice, obj = self._dice.random(), self._dice.choice(objects)
        live = self.live(obj)
        if choice < 0.02 and live is not None and not live["metadata"].get("finalizers"):
            self.delete(live)
            wait_until(lambda: _revision(cache, live) is None)
        elif choice < 0.04:
            metadata = {**obj["metadata"], "name": f"foreign-{self._count}"}
            kind = {"apiVersion": "v1", "kind": "ConfigMap"}
            made = self.create({**kind, "metadata": metadata, "data": {"k": "v"}})
            wait_until(lambda: _has_seen(cache, made))
        else:
            self.edit(obj, cache)

    def edit(self, obj: Mapping[str, Any], cache: gr.Cache) -> bool:
        """Change one random place of an object; whether the server took one of some edits."""
        live = self.live(obj)
        if live is None:
            return False
        for _ in range(_TRIES):
            patch = [self._operation(live)]
            try:
                body = json.dumps(patch).encode()
                answer = self._cluster.request(
                    "PATCH", self.path(live), body=body, content_type="application/json-patch+json"
                )
            except gr.ClusterError:
                continue  # Not valid, or not allowed: another one.
            if (edited := json.loads(answer))["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
                wait_until(functools.partial(_has_seen, cache, edited))
                return True
        return False

    def _operation(self, live: gr.Object) -> Operation:
        self._count += 1
        if self._dice.random() < 0.1:
            return self._note(live)
        places = list(_places(live))
        if not places:
            return self._note(live)
        path, value = self._dice.choice(places)
        pointer = _pointer(path)
        if isinstance(value, list) and value and self._dice.random() < 0.5:
            return {"op": "add", "path": f"{pointer}/-", "value": self._other(self._dice.choice(value))}
        if isinstance(value, dict | list) or self._dice.random() < 0.25:
            return {"op": "remove", "path": pointer}
        return {"op": "replace", "path": pointer, "value": self._other(value)}

    def _note(self, live: gr.Object) -> Operation:
        """A label or an annotation more."""
        where = self._dice.choice(_METADATA)
        if where in live["metadata"]:
            return {"op": "add", "path": f"/metadata/{where}/of-others-{self._count}", "value": "x"}
        return {"op": "add", "path": f"/metadata/{where}", "value": {f"of-others-{self._count}": "x"}}

    def _other(self, value: Any) -> Any:
        if isinstance(value, bool):
            return not value
        if isinstance(value, int | float):
            return value + self._dice.randint(1, 9)
        if isinstance(value, str):
            return self._dice.choice([f"{value}-{self._count}", f"o{self._count}", f"{self._count}"])
        if isinstance(value, dict) and value:
            key = self._dice.choice(sorted(value))
            return {**value, key: self._other(value[key])}
        return value


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each value in what is not the system's."""
    if not path:
        # The server takes its time to serve what a definition says: only metadata of it are edited.
        for key in sorted(() if value["kind"] == "CustomResourceDefinition" else value.keys() - _SYSTEM):
            yield from _places(value[key], (key,))
        for key in _METADATA:
            if key in value["metadata"]:
                yield from _places(value["metadata"][key], ("metadata", key))
        return
    yield path, value
    members = sorted(value.items()) if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from _places(member, (*path, key))


def _pointer(path: Sequence[Any]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _revision(cache: gr.Cache, obj: Mapping[str, Any]) -> int | None:
    """As the cache knows it, None where it has no such object."""
    metadata = obj["metadata"]
    record = cache.record(gr.GVK.of(obj), metadata["name"], namespace=metadata.get("namespace", ""))
    return None if record is None else record.resource_version


def _has_seen(cache: gr.Cache, obj: Mapping[str, Any]) -> bool:
    return gr.GVK.of(obj) not in cache.kinds() or (_revision(cache, obj) or 0) >= int(
        obj["metadata"]["resourceVersion"]
    )


def wait_until(condition: Any) -> None:
    """Return when it holds. Raises TimeoutError after two minutes."""
    deadline = time.monotonic() + _BOUND
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the cache has not seen an edit within two minutes")
        time.sleep(_PAUSE)
