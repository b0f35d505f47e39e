"""Rows R3.8 and R3.9: a kind that is made anew as another one, and one kind in several versions."""

import itertools

import pytest

import genreconcile as gr
from support import objects
from support.eventually import eventually
from support.objects import struct, version

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SCHEMA = struct(spec=struct(size={"type": "integer"}))


def definition(group, plural="things", scope="Namespaced", versions=("v1",)):
    made = [version(name, SCHEMA, storage=name == versions[0]) for name in versions]
    return objects.definition(group, *made, scope=scope, names={"plural": plural, "singular": plural})


class Kind:
    """A kind that somebody else defines, and removes."""

    def __init__(self, world):
        self.world, self.group = world, f"{world.namespace}.example.dev"
        self.crd = None

    def define(self, **settings):
        self.crd = definition(self.group, **settings)
        self.world.send("POST", DEFINITIONS, self.crd)
        assert eventually(self.is_served)

    @property
    def path(self):
        return f"{DEFINITIONS}/{self.crd['metadata']['name']}"

    def is_served(self):
        spec = self.crd["spec"]
        try:
            for version in spec["versions"]:
                self.world.send("GET", f"/apis/{self.group}/{version['name']}/{spec['names']['plural']}")
        except (gr.NotFound, gr.Throttled):  # A young kind answers 429 for a moment.
            return False
        return True

    def remove(self):
        self.world.send("DELETE", self.path)

        def is_gone():
            try:
                self.world.send("GET", self.path)
            except gr.NotFound:
                return not self.is_served()
            return False

        assert eventually(is_gone, timeout=20)

    def thing(self, version="v1", namespace=True, name="t", **spec):
        made = self.world.obj(f"{self.group}/{version}", "Thing", name, spec=spec)
        if not namespace:
            del made["metadata"]["namespace"]
        return made


@pytest.fixture
def kind(world):
    made = Kind(world)
    yield made
    world.send("DELETE", made.path)


def statuses(result):
    return [outcome.status for outcome in result]


@pytest.mark.parametrize("spread", [True, False], ids=["in some namespaces", "everywhere"])
@pytest.mark.parametrize(
    "again", [{"plural": "thingies"}, {"scope": "Cluster"}, {"plural": "thingies", "scope": "Cluster"}]
)
def test_r3_8_a_definition_that_is_made_anew_as_another(world, cluster, kind, again, spread):
    kind.define()
    namespaces = [world.namespace, "default"] if spread else None
    with gr.Reconciler(cluster, namespaces=namespaces) as reconciler:
        first = [kind.thing(size=1)]
        assert eventually(lambda: statuses(reconciler.reconcile(first)) == ["created"])
        kind.remove()
        kind.define(**again)
        expected = [kind.thing(namespace="scope" not in again, size=1)]
        assert eventually(lambda: statuses(reconciler.reconcile(expected)) == ["created"], timeout=20)
        assert statuses(reconciler.reconcile(expected)) == ["unchanged"]
        # It is watched: what somebody else does is seen.
        spec = kind.crd["spec"]
        inside = f"namespaces/{world.namespace}/" if "scope" not in again else ""
        path = f"/apis/{kind.group}/v1/{inside}{spec['names']['plural']}/t"
        world.send("PATCH", path, {"spec": {"size": 2}}, "application/merge-patch+json")
        assert eventually(lambda: statuses(reconciler.reconcile(expected)) == ["configured"])
        world.send("DELETE", path)
        assert eventually(lambda: statuses(reconciler.reconcile(expected)) == ["created"])


@pytest.mark.parametrize("spread", [True, False], ids=["in some namespaces", "everywhere"])
def test_r3_8_and_back_again(world, cluster, kind, spread):
    with gr.Reconciler(cluster, namespaces=[world.namespace] if spread else None) as reconciler:
        for scope in ("Namespaced", "Cluster", "Namespaced"):
            kind.define(scope=scope)
            expected = [kind.thing(namespace=scope == "Namespaced", size=1)]
            assert eventually(lambda: statuses(reconciler.reconcile(expected)) == ["created"], timeout=20)  # noqa: B023 - called at once
            assert statuses(reconciler.reconcile(expected)) == ["unchanged"]
            kind.remove()
    kind.define()


def test_r3_9_a_deletion_by_the_other_version_is_known_at_once(world, kind):
    kind.define(versions=("v1", "v2"))
    reconcile = world.reconciler.reconcile
    labels = {"app": "x"}
    settings = {"delete_from_namespace": world.namespace, "delete_selector": labels}

    def thing(version, name="t", **spec):
        made = kind.thing(version, name=name, **spec)
        made["metadata"]["labels"] = labels
        return made

    other = thing("v2", "other", size=1)
    assert eventually(lambda: not reconcile([thing("v1", size=1), other]).failures)
    for _ in range(10):
        # The kind is expected in v2 alone, so it is by that face that the other one goes.
        result = reconcile([other], **settings)
        assert statuses(result) == ["unchanged", "deleted"]
        assert statuses(reconcile([thing("v1", size=1)])) == ["created"]


def test_r3_9_a_write_by_the_other_version_is_known_at_once(world, kind):
    kind.define(versions=("v1", "v2"))
    versions = itertools.cycle(["v1", "v2"])
    other = {version: kind.thing(version, name="other", size=1) for version in ("v1", "v2")}
    # Both versions are watched.
    assert eventually(lambda: not world.reconcile(other["v1"]).failures)
    assert eventually(lambda: not world.reconcile(other["v2"]).failures)
    assert statuses(world.reconcile(kind.thing("v1", size=0))) == ["created"]
    for size in range(1, 12):
        assert statuses(world.reconcile(kind.thing(next(versions), size=size))) == ["configured"]
        assert statuses(world.reconcile(kind.thing(next(versions), size=size))) == ["unchanged"]
        next(versions)
