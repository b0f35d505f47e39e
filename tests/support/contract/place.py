"""Where a case runs: a cluster, a namespace of its own, and requests with parsed answers.

Invariant: nothing but the ``Cluster`` protocol is used, and no answer is judged here.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import uuid

from genreconcile import gojson
from genreconcile.errors import ClusterError, Conflict, NotFound, Throttled
from support.contract.kinds import DEFINITIONS, SHARED, custom, is_established, resource_of
from support.eventually import eventually

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
_WATCH_SECONDS = 30
_READ_TIMEOUT = 60.0


class Place:
    """``namespace`` is a new one. ``settle`` awaits what controllers do, and what the server does in its own time.

    ``forgotten`` gives a ``Forgotten`` list, whose history is gone or is going.
    """

    def __init__(self, cluster, namespace, *, settle=eventually, forgotten=None):
        self.cluster = cluster
        self.namespace = namespace
        self.settle = settle
        self.forgotten = forgotten
        self._names = map("{}-{}".format, itertools.repeat(uuid.uuid4().hex[:8]), itertools.count())

    def name(self, prefix="n"):
        """A name that no other case uses, for what has no namespace."""
        return f"{prefix}-{next(self._names)}"

    def at(self, resource, name="", *, namespace=None):
        """The path of ``group/version/plural`` in the namespace, another one, or in none (""), and of one object."""
        version, _, plural = resource.rpartition("/")
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        where = self.namespace if namespace is None else namespace
        scope = f"/namespaces/{where}" if where else ""
        return f"{root}{scope}/{plural}" + (f"/{name}" if name else "")

    def send(self, method, path, body=None, *, content_type="application/json", accept="application/json", **query):
        """The parsed answer. ``body`` is JSON to be written, or bytes as they are."""
        if body is not None and not isinstance(body, bytes):
            body = gojson.dumps(body)
        answer = self.cluster.request(method, path, query=query, body=body, content_type=content_type, accept=accept)
        return json.loads(answer)

    def get(self, path, **query):
        return self.send("GET", path, **query)

    def names(self, path, **query):
        """The names in a list, as they are ordered."""
        return [item["metadata"]["name"] for item in self.get(path, **query)["items"]]

    def post(self, path, obj, **query):
        return self.send("POST", path, obj, **query)

    def put(self, path, obj, **query):
        return self.send("PUT", path, obj, **query)

    def patch(self, path, *operations, **query):
        """With a JSON patch, whose operations are dicts, or one that is bytes as they are."""
        raw = operations and isinstance(operations[0], bytes)
        return self.send("PATCH", path, operations[0] if raw else list(operations), content_type=JSON_PATCH, **query)

    def merge(self, path, obj, **query):
        return self.send("PATCH", path, obj, content_type=MERGE_PATCH, **query)

    def delete(self, path, options=None, **query):
        return self.send("DELETE", path, options, **query)

    def refused(self, send, *args, **query):
        """The ClusterError of one of the requests above."""
        try:
            answer = send(*args, **query)
        except ClusterError as error:
            return error
        raise AssertionError(f"{send.__name__} {args[0]}: not refused: {answer}")

    def is_there(self, path, **query):
        """Whether an object is there."""
        try:
            return bool(self.get(path, **query))
        except ClusterError as error:
            if error.status == 404:
                return False
            raise

    def gone(self, path):
        """Return when an object is gone."""
        self.settle(lambda: not self.is_there(path))

    @contextlib.contextmanager
    def watching(self, path, *, accept="application/json", **query):
        """The parsed events of a watch, as they come."""
        query = {"watch": "true", "timeoutSeconds": str(_WATCH_SECONDS), **query}
        with self.cluster.stream(path, query=query, read_timeout=_READ_TIMEOUT, accept=accept) as chunks:
            yield _events(chunks)

    def watch(self, path, count, **query):
        """The first events of a watch, fewer where it ends before."""
        with self.watching(path, **query) as events:
            return list(itertools.islice(events, count))

    def watch_to_end(self, path, seconds, **query):
        """All events of a watch that lasts so long."""
        with self.watching(path, timeoutSeconds=str(seconds), **query) as events:
            return list(events)

    def create_namespace(self, prefix="other"):
        """The name of another new namespace."""
        name = self.name(prefix)
        self.post("/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def define(self, crd):
        """Create a definition, and return its path when its kind is served, in its first version."""
        path = f"{DEFINITIONS}/{self.post(DEFINITIONS, crd)['metadata']['name']}"
        self.settle(lambda: is_established(self.get(path)))
        self.settle(lambda: self.is_served(resource_of(crd)))
        return path

    def is_served(self, resource):
        """Whether objects of a kind are listed; a young kind is not found at first, or asks to wait."""
        try:
            return bool(self.get(self.at(resource, namespace="")))
        except (NotFound, Throttled):
            return False

    def kind(self, kind):
        """The ``group/version/plural`` of one of the kinds that all cases share; see ``kinds.SHARED``."""
        crd = SHARED[kind]
        with contextlib.suppress(Conflict):
            self.define(crd)
        return resource_of(crd)

    def widget(self, name, kind="Widget", *, metadata=None, **spec):
        """Create an object of a shared kind that has a namespace; returns its path and the answer."""
        resource = self.kind(kind)
        content = {"spec": {"size": 1, **spec}}
        made = self.post(self.at(resource), custom(resource, kind, name, metadata=metadata, **content))
        return self.at(resource, name), made

    def config_map(self, name, data=None, **metadata):
        """Create a ConfigMap; returns its path and the answer."""
        body = {"metadata": {"name": name, **metadata}, **({"data": data} if data else {})}
        return self.at("v1/configmaps", name), self.post(self.at("v1/configmaps"), body)


def _events(chunks):
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from map(json.loads, filter(None, lines))
