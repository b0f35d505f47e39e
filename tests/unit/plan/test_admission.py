"""Row R1.15: what was learned goes when what it followed may have changed."""

import json

import pytest

from genreconcile.cache import CacheEvent
from genreconcile.cache.transform import read_metadata
from genreconcile.errors import Forbidden
from genreconcile.kinds.discovery import Resource
from genreconcile.memory.learned import INSISTS, Learned
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan.admission import _LAG, Admission

VERBS = frozenset({"list", "watch"})
GROUP, KIND = "admissionregistration.k8s.io", "MutatingWebhookConfiguration"
HOOKS = Resource(GVK(GROUP, "v1", KIND), "mutatingwebhookconfigurations", namespaced=False, verbs=VERBS)
PODS = Resource(GVK("", "v1", "Pod"), "pods", namespaced=True, verbs=VERBS)
KEY = ("uid", "replace", ("spec",), "content", "values")


class Cache:
    def __init__(self):
        self.added, self.errors, self.synced = {}, {}, True
        self.tell = lambda _: None

    def subscribe(self, callback):
        self.tell = callback
        return lambda: None

    def kinds(self):
        return tuple(self.added)

    def add(self, resource, *, metadata_only):
        assert metadata_only
        self.added[resource.gvk] = []

    def remove(self, resource):
        del self.added[resource.gvk]

    def error(self, resource):
        return self.errors.get(resource.gvk)

    def has_synced(self, _):
        return self.synced

    def uids(self, gvk):
        return self.added[gvk]

    def event(self, event_type, generation, name="hook"):
        data = {"metadata": {"name": name, "resourceVersion": "1", "generation": generation}}
        record = read_metadata(json.dumps(data).encode(), HOOKS.gvk)
        self.tell(CacheEvent(event_type, HOOKS, ObjectKey(GROUP, KIND, "", name), "1", record))


class Discovery:
    @staticmethod
    def resources():
        return (PODS, HOOKS)


class World:
    def __init__(self, **settings):
        self.cache, self.learned, self.now = Cache(), Learned(), 0.0
        self.admission = Admission(self.cache, self.learned, clock=lambda: self.now, **settings)

    def insist(self, uid="uid"):
        for _ in range(2):
            self.learned.note((uid, *KEY[1:]), INSISTS)

    def look(self):
        self.admission.look(Discovery)
        return self.learned.verdict(KEY)


@pytest.fixture
def world():
    return World()


def test_r1_15_nothing_is_watched_before_the_server_insists(world):
    world.look()
    assert world.cache.added == {}
    world.insist()
    assert world.look() == INSISTS
    assert list(world.cache.added) == [HOOKS.gvk]


def test_r1_15_nothing_is_watched_where_nothing_is_to_be_followed():
    world = World(follow=False)
    world.insist()
    world.look()
    assert world.cache.added == {}


def test_r1_15_what_may_not_be_read_is_asked_for_once(world):
    world.insist()
    world.look()
    world.cache.errors[HOOKS.gvk] = Forbidden("no")
    assert world.look() == world.look() == INSISTS
    assert world.cache.added == {}


def test_r1_15_what_the_caller_watches_is_left_to_the_caller(world):
    world.cache.added[HOOKS.gvk] = []
    world.cache.errors[HOOKS.gvk] = Forbidden("no")
    world.insist()
    world.look()
    assert list(world.cache.added) == [HOOKS.gvk]


@pytest.mark.parametrize(("event_type", "generation"), [("DELETED", 1), ("MODIFIED", 2), ("ADDED", 1)])
def test_r1_15_a_change_of_admission_voids_all_for_a_while(world, event_type, generation):
    """The server follows with a delay, and may insist once more until then."""
    world.cache.synced = False
    world.cache.event("ADDED", 1)
    world.cache.synced = True
    world.insist()
    assert world.look() == INSISTS
    world.cache.event(event_type, generation, "hook" if event_type != "ADDED" else "other")
    assert world.look() == ""
    world.insist()
    world.now = _LAG + 1
    assert world.look() == ""
    world.insist()
    assert world.look() == INSISTS


def test_r1_15_what_changes_no_generation_is_no_change(world):
    world.cache.event("ADDED", 1)
    world.now = _LAG + 1
    world.look()
    world.insist()
    world.cache.event("MODIFIED", 1)
    assert world.look() == INSISTS


def test_r1_15_a_definition_voids_what_was_learned_of_its_kind_in_every_version(world):
    for version, uid in (("v1", "uid"), ("v2", "uid2")):
        world.cache.added[GVK("example.com", version, "Thing")] = [uid]
        world.insist(uid)
    world.cache.added[GVK("example.com", "v1", "Other")] = ["other"]
    world.insist("other")
    world.admission.definitions_changed({("example.com", "Thing")})
    assert [world.learned.verdict((uid, *KEY[1:])) for uid in ("uid", "uid2", "other")] == ["", "", INSISTS]


def test_r1_15_a_definition_that_changes_voids_it_once_and_once_after_its_lag(world):
    """Each time that somebody looks would be a loop for that long."""
    world.cache.added[GVK("example.com", "v1", "Thing")] = ["uid"]
    changing, quiet = frozenset({("example.com", "Thing")}), frozenset()
    found = []
    for kinds in (quiet, changing, changing, changing, quiet, quiet):
        world.insist("uid")
        world.admission.definitions_changing(kinds)
        found.append(world.learned.verdict(("uid", *KEY[1:])))
    assert found == [INSISTS, "", INSISTS, INSISTS, "", INSISTS]
