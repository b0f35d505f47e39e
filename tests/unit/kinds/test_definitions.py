import json

from genreconcile.cache import CacheEvent
from genreconcile.cache.transform import read
from genreconcile.errors import NotSynced
from genreconcile.kinds.definitions import _LAG, Definitions
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, ObjectKey

GROUP, KIND = "apiextensions.k8s.io", "CustomResourceDefinition"
DEFINITIONS = Resource(GVK(GROUP, "v1", KIND), "customresourcedefinitions", namespaced=False, verbs=frozenset())
KEY = ObjectKey(GROUP, KIND, "", "gadgets.example.com")


class Cache:
    """Holds one definition, of a generation."""

    def __init__(self):
        self.generation = 1
        self.synced = False
        self.tell = lambda _: None

    def subscribe(self, callback):
        self.tell = callback
        return lambda: None

    def has_synced(self, _):
        return self.synced

    def get(self, *_, **__):
        if not self.synced:
            raise NotSynced("its first list has not arrived")
        return {"metadata": {"generation": self.generation}}

    def becomes(self, generation, event_type="MODIFIED", stored=("v1",)):
        self.generation = generation
        data = {
            "apiVersion": f"{GROUP}/v1",
            "kind": KIND,
            "metadata": {"name": KEY.name, "resourceVersion": "1", "generation": generation},
            "spec": {"group": "example.com", "names": {"kind": "Gadget", "plural": "gadgets"}},
            "status": {"storedVersions": list(stored)},
        }
        self.tell(CacheEvent(event_type, DEFINITIONS, KEY, "1", read(json.dumps(data).encode(), DEFINITIONS.gvk)))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def followed():
    cache, clock = Cache(), Clock()
    definitions = Definitions(cache, clock=clock)
    cache.becomes(3, "ADDED")
    cache.synced = True
    return definitions, cache, clock


def test_the_definitions_of_the_first_list_are_no_change():
    definitions, _, _ = followed()
    assert not definitions.are_changing


def test_a_definition_that_comes_later_is_a_change():
    """Perhaps it is our own, and its answer was lost."""
    cache = Cache()
    definitions = Definitions(cache)
    cache.synced = True
    cache.becomes(1, "ADDED")
    assert definitions.are_changing


def test_a_status_is_no_change():
    definitions, cache, _ = followed()
    cache.becomes(3)
    assert not definitions.are_changing


def test_a_new_generation_is_a_change_for_a_while():
    definitions, cache, clock = followed()
    cache.becomes(4)
    assert definitions.are_changing
    clock.now = _LAG - 1
    assert definitions.are_changing
    assert definitions.are_ahead
    clock.now = _LAG + 1
    assert definitions.are_changing
    assert not definitions.are_changing


def test_a_change_is_told_once_though_nobody_asked_in_time():
    """Else a kind that was missing before would be taken for missing by who asks later."""
    definitions, cache, clock = followed()
    cache.becomes(4)
    clock.now = 10 * _LAG
    assert definitions.are_changing
    assert not definitions.are_changing


def test_a_lower_generation_is_a_change():
    """The server was restored from a backup."""
    definitions, cache, _ = followed()
    cache.becomes(2)
    assert definitions.are_changing


def test_an_own_write_is_no_change():
    definitions, cache, _ = followed()
    cache.becomes(4)
    definitions.note_own_write(KEY, 4)
    assert not definitions.are_changing


def test_r1_2_other_stored_versions_are_a_change():
    """Nothing but a status says it; and no document follows."""
    definitions, cache, _ = followed()
    cache.becomes(3, stored=["v1"])
    assert not definitions.are_changing
    cache.becomes(3, stored=["v1", "v2"])
    assert definitions.changing() == {("example.com", "Gadget")}
