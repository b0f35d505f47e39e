"""What is not known is never deleted: kinds that cannot be read, or whose cache may be behind."""

import msgspec
import pytest

from genreconcile import selector
from genreconcile.cache import Store
from genreconcile.cache.transform import read
from genreconcile.errors import ClusterError, Forbidden, NotSynced, Unauthorized, Unreachable
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Prune
from genreconcile.plan.deletions import deletions
from genreconcile.plan.further import Further, KindSources, further

VERBS = frozenset({"list", "watch", "delete"})
WIDGETS = Resource(GVK("example.dev", "v1", "Widget"), "widgets", namespaced=True, verbs=VERBS)
GADGETS = Resource(GVK("example.dev", "v1", "Gadget"), "gadgets", namespaced=True, verbs=VERBS)
PLANETS = Resource(GVK("example.dev", "v1", "Planet"), "planets", namespaced=False, verbs=VERBS)
WANTED = Prune("shop", selector.parse({"app": "x"}))


class FakeCache:
    """Stores by kind; ``unsynced`` and ``errors`` say what is wrong with them."""

    def __init__(self):
        self.stores, self.unsynced, self.errors = {}, set(), {}

    def put(self, resource, name, namespace="shop", **metadata):
        obj = {"name": name, "namespace": namespace, "uid": name, "labels": {"app": "x"}, **metadata}
        data = msgspec.json.encode({"metadata": {key: value for key, value in obj.items() if value != ""}})
        self.stores.setdefault(resource.gvk, Store()).upsert(read(data, resource.gvk))

    def has_synced(self, resource, namespace=""):
        assert namespace in {"", "shop"}, "no other place matters"
        return resource.gvk in self.stores and resource.gvk not in self.unsynced

    def error(self, resource, namespace=""):
        assert namespace in {"", "shop"}, "as above"
        return self.errors.get(resource.gvk)

    def records(self, resource, *, namespace, selector):
        if not self.has_synced(resource):
            raise NotSynced("asked for what is not known")
        return self.stores[resource.gvk].select(namespace, selector)


@pytest.fixture
def cache():
    found = FakeCache()
    for resource in (WIDGETS, GADGETS):
        found.put(resource, "a")
    return found


def going(cache, *resources, expected=()):
    found = deletions(cache, resources or (WIDGETS, GADGETS), expected, WANTED)
    return [change.key.kind for change in found.changes if change.operation == "delete"], found.warnings


def test_all_kinds_are_known(cache):
    assert going(cache) == (["Gadget", "Widget"], [])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, "its list has not arrived"),
        (Forbidden("GET /widgets: 403", status=403), "GET /widgets: 403"),
    ],
    ids=["still coming", "forbidden"],
)
def test_a_kind_without_its_list_is_unknown(cache, error, told):
    cache.unsynced.add(WIDGETS.gvk)
    cache.errors[WIDGETS.gvk] = error
    assert going(cache) == (
        ["Gadget"],
        [f"example.dev/v1/Widget: nothing deleted: the kind cannot be read: {told}"],
    )


def test_a_kind_whose_watch_fails_is_unknown(cache):
    cache.errors[WIDGETS.gvk] = ClusterError("GET /widgets: 500", status=500)
    assert going(cache) == (
        ["Gadget"],
        ["example.dev/v1/Widget: nothing deleted: what is known of the kind may be old: GET /widgets: 500"],
    )


def test_a_cluster_scoped_kind_is_never_looked_at(cache):
    for namespace in ("", "shop"):  # Also where its store were to say nonsense.
        cache.put(PLANETS, "earth" + namespace, namespace)
    assert going(cache, PLANETS) == ([], [])


def test_other_namespaces_are_never_looked_at(cache):
    cache.put(WIDGETS, "b", "elsewhere")
    found = deletions(cache, [WIDGETS], (), WANTED)
    assert [change.key.namespace for change in found.changes] == ["shop"]
    assert found.matches == 1


def test_what_is_going_already_is_not_counted_again(cache):
    cache.put(WIDGETS, "going", deletionTimestamp="2026-01-01T00:00:00Z")
    found = deletions(cache, [WIDGETS], (), WANTED)
    assert found.matches == 1
    assert [change.key.name for change in found.changes] == ["a"]
    assert [change.key.name for change in found.spared] == ["going"]


def test_what_is_expected_stays(cache):
    assert going(cache, WIDGETS, expected={ObjectKey("example.dev", "Widget", "shop", "a")}) == ([], [])


class FakeDiscovery:
    def __init__(self, *resources, failing=None):
        self.resources = {resource.gvk: resource for resource in resources}
        self.failing = failing or {}

    def get(self, gvk):
        if gvk in self.failing:
            raise self.failing[gvk]
        return self.resources.get(gvk)

    def find(self, gvk):
        self.get(gvk)
        same = [
            other for other in self.resources.values() if (other.gvk.group, other.gvk.kind) == (gvk.group, gvk.kind)
        ]
        return next(iter(same), None)

    find_now = find


def test_further_kinds_are_those_that_expected_does_not_have():
    discovery = FakeDiscovery(WIDGETS, GADGETS, PLANETS)
    wanted = KindSources([WIDGETS.gvk, GADGETS.gvk], [GADGETS.gvk, PLANETS.gvk])
    assert further(discovery, wanted, {WIDGETS.gvk: WIDGETS}) == Further([GADGETS, PLANETS])


def test_kinds_that_a_set_has_recorded_have_no_version():
    found = further(
        FakeDiscovery(WIDGETS, PLANETS), KindSources(recorded=[("example.dev", "Widget"), ("", "Gone")]), {}
    )
    assert found.resources == [WIDGETS]
    why = "the server does not have the kind any more, so that it leaves the owner set"
    assert found.warnings == [f"Gone: nothing deleted: {why}"]
    assert [warning.code for warning in found.warnings] == ["GR813"]
    assert found.unknown == []


def test_a_kind_that_was_asked_for_and_is_not_served_is_named():
    gone, typo = GVK("example.dev", "v1", "Gone"), GVK("example.dev", "v1", "Wigdet")
    found = further(FakeDiscovery(WIDGETS), KindSources([typo], [gone, WIDGETS.gvk]), {})
    assert found == Further(
        [WIDGETS],
        [],
        ["example.dev/v1/Wigdet: nothing deleted: the server has no such kind; correct it in kinds (--kinds)"],
    )


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (KindSources(asked=[GADGETS.gvk, WIDGETS.gvk]), "example.dev/v1/Gadget"),
        (KindSources(seen=[GADGETS.gvk, WIDGETS.gvk]), "example.dev/v1/Gadget"),
        (KindSources(recorded=[("example.dev", "Gadget"), ("example.dev", "Widget")]), "Gadget.example.dev"),
    ],
    ids=["asked for", "seen before", "recorded"],
)
def test_an_api_that_does_not_answer_concerns_its_own_kinds_alone(wanted, name):
    error = ClusterError("it does not answer", status=503)
    failing = {GADGETS.gvk: error, GADGETS.gvk._replace(version=""): error}
    found = further(FakeDiscovery(WIDGETS, failing=failing), wanted, {})
    assert found == Further([WIDGETS], [("example.dev", "Gadget")], [f"{name}: nothing deleted: it does not answer"])


@pytest.mark.parametrize("error", [Unauthorized("no"), Unreachable("no")])
def test_a_server_that_cannot_be_asked_at_all_raises(error):
    with pytest.raises(type(error)):
        further(FakeDiscovery(failing={GADGETS.gvk: error}), KindSources([GADGETS.gvk]), {})
