"""What a plan waits for: the kinds that it needs in the cache, or that they cannot come, or the end."""

import threading

import pytest

from genreconcile.cache import Cache
from genreconcile.cache.related import Related
from genreconcile.catalog import Catalog
from genreconcile.engine import Engine
from genreconcile.errors import CacheError, Forbidden, Unauthorized
from genreconcile.memory.learned import Learned
from genreconcile.normalize import Registry
from genreconcile.plan.kinds import Kinds
from genreconcile.settings import Options
from support.api.scripted import WIDGETS, ScriptedCluster, obj, page

ALL = "/apis/example.com/v1/widgets"
PATIENCE = 250.0
"""Seconds; a test that waits for so long is one that hangs."""


class World:
    def __init__(self):
        self.server = ScriptedCluster()
        version = {"groupVersion": "example.com/v1", "version": "v1"}
        widgets = {"name": "widgets", "kind": "Widget", "namespaced": True, "verbs": sorted(WIDGETS.verbs)}
        described = {"x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}]}
        self.server.answer("/api", {"kind": "APIVersions", "versions": []})
        self.server.answer(
            "/apis", {"kind": "APIGroupList", "groups": [{"name": "example.com", "versions": [version]}]}
        )
        self.server.answer("/apis/example.com/v1", {"resources": [widgets]})
        self.server.answer("/openapi/v3", {"paths": {"apis/example.com/v1": {"serverRelativeURL": "/x"}}})
        self.server.answer("/openapi/v3/apis/example.com/v1", {"components": {"schemas": {"Widget": described}}})
        self.server.live(ALL)
        self.is_asked, self.may_answer = threading.Event(), threading.Event()

    def late(self, answer):
        """A list that comes when the test says."""

        def come():
            self.is_asked.set()
            assert self.may_answer.wait(PATIENCE)
            return answer

        self.server.answer(ALL, come)


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return World()


@pytest.fixture
def cache(world):
    with Cache(world.server) as cache:
        yield cache
        world.may_answer.set()


def kinds_of(world, cache):
    catalog = Catalog(world.server, Registry.empty(), cache.discovery)
    options = Options(sync_timeout=PATIENCE, field_manager="tests", follow_definitions=False)
    return Kinds(Engine(None, catalog, cache, Learned(), Related(cache), options))


@pytest.fixture
def kinds(world, cache):
    return kinds_of(world, cache)


class Syncing:
    """A thread that waits until the cache has the kind; entered, it waits for the list."""

    def __init__(self, world, kinds):
        self.error = None
        self.thread = threading.Thread(target=self.run, args=(kinds,), daemon=True)
        self.thread.start()
        assert world.is_asked.wait(45)

    def run(self, kinds):
        try:
            kinds.sync({WIDGETS: {"shop"}})
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def has_ended(self):
        self.thread.join(45)
        return not self.thread.is_alive()


def test_it_goes_on_when_the_list_is_there(world, cache, kinds):
    world.late(page(5, obj("a", 3)))
    syncing = Syncing(world, kinds)
    world.may_answer.set()
    assert syncing.has_ended()
    assert syncing.error is None
    assert cache.has_synced(WIDGETS)


@pytest.mark.parametrize(("answer", "error"), [(Forbidden("no"), None), (Unauthorized("no"), Unauthorized)])
def test_it_goes_on_when_the_list_is_refused(world, cache, kinds, answer, error):
    world.late(answer)
    syncing = Syncing(world, kinds)
    world.may_answer.set()
    assert syncing.has_ended()
    assert type(syncing.error) is (error or type(None))
    assert type(cache.error(WIDGETS)) is type(answer)


def test_it_goes_on_at_the_end(world, cache, kinds):
    world.late(page(5))
    syncing = Syncing(world, kinds)
    kinds.close()
    assert syncing.has_ended()
    assert syncing.error is None
    assert not cache.has_synced(WIDGETS)


def test_nobody_looks_every_few_milliseconds(world, kinds):
    pauses, news = [], kinds._follower._news

    def wait(is_true, seconds):
        pauses.append(seconds)
        world.may_answer.set()
        news.condition.wait_for(is_true, seconds)

    news._wait = wait
    world.late(page(5))
    assert Syncing(world, kinds).has_ended()
    assert pauses
    assert min(pauses) > PATIENCE / 2


@pytest.fixture
def added(cache, monkeypatch):
    """The namespaces of each kind that the cache is asked to watch, as often as it is asked."""
    asked, add = [], cache.add

    def noting(kind, **settings):
        asked.append((kind, frozenset(settings.get("namespaces") or ())))
        return add(kind, **settings)

    monkeypatch.setattr(cache, "add", noting)
    return asked


SHOP = [(WIDGETS, frozenset({"shop"}))]


@pytest.fixture
def synced(world, kinds, added):
    """Kinds that have come, and of which there is no news since."""
    world.server.answer(ALL, page(5, obj("a", 3)))
    kinds.sync({WIDGETS: {"shop"}})
    kinds.sync({WIDGETS: {"shop"}})
    added.clear()
    return kinds


def test_without_news_nothing_is_asked_again(synced, added):
    synced.sync({WIDGETS: {"shop"}})
    synced.sync({WIDGETS: frozenset({"shop"})}, [], [])
    assert added == []


@pytest.mark.parametrize("wanted", [({WIDGETS: {"shop", "lab"}},), ({WIDGETS: {"shop"}}, [WIDGETS], ["lab"])])
def test_who_asks_for_more_gets_it(synced, added, wanted):
    synced.sync(*wanted)
    assert added


def test_a_kind_that_is_not_watched_any_more_is_watched_again(world, cache, synced, added):
    cache.remove(WIDGETS)
    world.server.answer(ALL, page(9, obj("a", 3)))
    synced.sync({WIDGETS: {"shop"}})
    assert added == SHOP
    assert cache.has_synced(WIDGETS)


def test_a_kind_that_somebody_has_listed_anew_is_waited_for(world, cache, synced):
    world.server.answers[ALL].clear()
    world.server.live(ALL)
    world.late(page(9, obj("a", 3)))
    cache.add(WIDGETS, keep_managers=True)
    syncing = Syncing(world, synced)
    assert syncing.thread.is_alive()
    assert not cache.has_synced(WIDGETS)
    world.may_answer.set()
    assert syncing.has_ended()
    assert cache.has_synced(WIDGETS)


def test_after_new_schemas_all_is_asked_again(synced, added):
    synced._catalog.served.generation += 1
    synced.sync({WIDGETS: {"shop"}})
    assert added == SHOP


def test_a_namespace_that_the_cache_covers_since_is_watched(world):
    with Cache(world.server, namespaces=["shop"]) as cache:
        kinds = kinds_of(world, cache)
        for place in ("shop", "lab"):
            path = f"/apis/example.com/v1/namespaces/{place}/widgets"
            world.server.answer(path, page(5, obj("a", 3, namespace=place)))
            world.server.live(path)
        for _ in range(2):
            kinds.sync({WIDGETS: {"shop", "lab"}})
        assert not cache.watches(WIDGETS, "lab")
        cache.cover(["lab"])
        kinds.sync({WIDGETS: {"shop", "lab"}})
        assert cache.has_synced(WIDGETS, "lab")
        assert cache.watches(WIDGETS, "lab")


def test_what_did_not_come_in_time_is_waited_for_again(world, cache, kinds, added, monkeypatch):
    monkeypatch.setattr(kinds, "_sync_timeout", 0.01)
    world.late(page(5, obj("a", 3)))
    for _ in range(3):
        kinds.sync({WIDGETS: {"shop"}})
    assert not cache.has_synced(WIDGETS)
    assert added == 3 * SHOP


def test_a_kind_that_no_document_describes_is_looked_at_again(world, kinds, added, monkeypatch):
    monkeypatch.setattr(kinds._follower, "await_described", lambda _: [])
    monkeypatch.setattr(kinds._follower, "are_described", lambda _: False)
    world.server.answer(ALL, page(5, obj("a", 3)))
    for _ in range(3):
        kinds.sync({WIDGETS: {"shop"}})
    assert added == 3 * SHOP


def test_a_cache_that_was_stopped_is_not_usable(cache, synced):
    cache.stop()
    with pytest.raises(CacheError, match="it was stopped"):
        synced.sync({WIDGETS: {"shop"}})
