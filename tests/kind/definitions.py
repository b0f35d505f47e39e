"""Custom kinds that somebody else defines, for tests on a real server."""

import genreconcile as gr
from support import objects
from support.eventually import eventually
from support.objects import definition, struct

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MERGE_PATCH = "application/merge-patch+json"


def spec_of(**properties):
    return struct(size={"type": "integer"}, **properties)


def version(name="v1", *, storage=True, served=True, spec=None):
    return objects.version(name, struct(spec=spec or spec_of()), storage=storage, served=served)


def is_established(crd):
    conditions = (crd.get("status") or {}).get("conditions") or []
    return any(found["type"] == "Established" and found["status"] == "True" for found in conditions)


class Things:
    """A kind of its own for one test, defined by somebody else."""

    def __init__(self, world, name):
        self.world = world
        self.group = f"{name}.{world.namespace}.example.dev"
        self.path = f"{DEFINITIONS}/things.{self.group}"

    def define(self, *versions, **more):
        """Create the definition, or replace its versions; returns when it is established."""
        crd = definition(self.group, *versions, **more)
        try:
            self.world.send("POST", DEFINITIONS, crd)
        except gr.Conflict:
            live = self.world.send("GET", self.path)
            self.world.send("PUT", self.path, {**live, "spec": {**live["spec"], **crd["spec"]}})
        assert eventually(lambda: is_established(self.world.send("GET", self.path)))

    def thing(self, version="v1", name="t", **spec):
        return self.world.obj(f"{self.group}/{version}", "Thing", name, spec=spec)

    def url(self, version="v1", name="t"):
        return f"/apis/{self.group}/{version}/namespaces/{self.world.namespace}/things" + (f"/{name}" if name else "")

    def post(self, thing):
        """Somebody else creates an object; a young kind answers 404 and 429 for a moment."""
        where = self.url(thing["apiVersion"].rpartition("/")[2], "")

        def posted():
            try:
                return self.world.send("POST", where, thing)
            except (gr.NotFound, gr.Throttled):
                return None

        return eventually(posted)

    def get(self, version="v1", name="t"):
        return self.world.send("GET", self.url(version, name))

    def merge(self, version="v1", name="t", **spec):
        """Somebody else writes."""
        return self.world.send("PATCH", self.url(version, name), {"spec": spec}, MERGE_PATCH)


def statuses(result):
    return [outcome.status for outcome in result]


def settled(world, reconciler, expected):
    """Two rounds in which nothing is done, and nothing is left alone either."""
    found = [(outcome.status, outcome.reason) for _ in range(3) for outcome in reconciler.reconcile(expected)]
    return set(found) == {("unchanged", "")} or found
