"""What the tests of docs/cases.md share: expected objects, a second writer, and what the engine would do about it."""

import copy
from pathlib import Path

import pytest

import genreconcile as gr
from genreconcile import gojson
from genreconcile.catalog import Catalog
from support import objects
from support.eventually import eventually
from support.objects import pod_template, rule_set, workload

FOLDER = Path(__file__).parent
JSON_PATCH = "application/json-patch+json"


def load(name):
    """The objects of a file in tests/kind/cases."""
    return [loaded.obj for loaded in gr.load([FOLDER / name])]


def rules(*entries):
    """The shipped rules with these in front."""
    return gr.Registry.builtin().extend(rule_set(*({"id": f"r{n}", **e} for n, e in enumerate(entries))))


class World:
    """One namespace of a real cluster, a Reconciler, and somebody else who writes."""

    def __init__(self, cluster, namespace, reconciler):
        self.cluster = cluster
        self.namespace = namespace
        self.reconciler = reconciler
        self.catalog = Catalog(cluster, gr.Registry.builtin())

    def obj(self, api_version, kind, name, metadata=None, **rest):
        return objects.obj(api_version, kind, name, self.namespace, metadata=metadata, **rest)

    def config(self, name="settings", metadata=None, **rest):
        return self.obj("v1", "ConfigMap", name, metadata, **rest)

    def sample(self, **spec):
        return self.obj("cases.genreconcile.dev/v1", "Sample", "sample", spec=spec)

    def deployment(self, **spec):
        pod = pod_template({"app": "web"}, "nginx:1.27", "web")
        return self.obj("apps/v1", "Deployment", "web", spec=workload(pod) | spec)

    def path(self, obj):
        resource = self.catalog.resource(gr.GVK.of(obj))
        namespace = obj["metadata"].get("namespace", "") if resource.namespaced else ""
        return resource.path(namespace, obj["metadata"]["name"])

    def send(self, method, path, body=None, content_type="application/json", query=None):
        data = None if body is None else gojson.dumps(body)
        return gojson.loads(self.cluster.request(method, path, query=query, body=data, content_type=content_type))

    def get(self, obj):
        return self.send("GET", self.path(obj))

    def post(self, obj):
        """Somebody else creates an object."""
        return self.send("POST", self.path(obj).rpartition("/")[0], obj)

    def post_until(self, obj, check):
        """As post, until what the server made of it passes a check: admission plugins see new objects with a delay."""

        def posted():
            live = self.post(obj)
            if not check(live):
                self.send(
                    "PATCH", self.path(obj), [{"op": "add", "path": "/metadata/finalizers", "value": []}], JSON_PATCH
                )
                self.delete(obj)
                return None
            return live

        assert eventually(posted)

    def delete(self, obj):
        return self.send("DELETE", self.path(obj))

    def create(self, *expected):
        """Create through the engine, which then finds nothing to do; the objects as the server has them."""
        expected = copy.deepcopy(list(expected))
        statuses = [outcome.status for outcome in self.reconcile(*expected)]
        assert statuses == ["created"] * len(expected)
        assert self.plan(*expected) == []
        live = [self.get(obj) for obj in expected]
        return live[0] if len(live) == 1 else live

    def edit(self, obj, *operations, subresource=""):
        """Somebody else writes; returns when the engine's cache has it."""
        answer = self.send("PATCH", self.path(obj) + subresource, list(operations), JSON_PATCH)
        self.wait_for(obj, answer)
        return answer

    def edit_unseen(self, obj, *operations):
        """Somebody else writes before the engine looks for the first time."""
        return self.send("PATCH", self.path(obj), list(operations), JSON_PATCH)

    def wait_for(self, obj, answer):
        """Until the cache has this version of an object."""
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "") if self.catalog.resource(gr.GVK.of(obj)).namespaced else ""

        def seen():
            live = self.reconciler.cache.get(gr.GVK.of(obj), metadata["name"], namespace=namespace)
            return live and int(live["metadata"]["resourceVersion"]) >= int(answer["metadata"]["resourceVersion"])

        assert eventually(seen)

    def reconcile(self, *expected, **settings):
        return self.reconciler.reconcile(list(expected), **settings)

    def plan(self, *expected, **settings):
        """The operations of all changes that a reconcile would make."""
        changes = self.reconciler.plan(list(expected), **settings).changes
        return [operation for change in changes for operation in change.operations]

    def repair(self, *expected):
        """Reconcile; all objects are repaired, and nothing is left to do."""
        result = self.reconcile(*expected)
        result.raise_for_failures()
        assert {outcome.status for outcome in result} == {"configured"}
        assert self.plan(*expected) == []

    def with_rules(self, *entries):
        """The same world under further rules; use it as a context manager."""
        return Ruled(self, rules(*entries))


class Ruled(World):
    """A world whose Reconciler has rules of its own."""

    def __init__(self, world, registry):
        super().__init__(world.cluster, world.namespace, gr.Reconciler(world.cluster, rules=registry))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reconciler.close()


@pytest.fixture(scope="session")
def cluster(control_plane):
    cluster = gr.connect(kubeconfig=str(control_plane.kubeconfig))
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile(load("sample.yaml")).raise_for_failures()
    return cluster


@pytest.fixture
def world(cluster, namespace):
    with gr.Reconciler(cluster) as reconciler:
        yield World(cluster, namespace, reconciler)
