"""What a plan waits for: the kinds that it needs in the cache, or that they cannot come, or the end."""

import threading

import pytest

from genreconcile.cache import Cache
from genreconcile.cache.related import Related
from genreconcile.catalog import Catalog
from genreconcile.engine import Engine
from genreconcile.errors import Forbidden, Unauthorized
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


@pytest.fixture
def kinds(world, cache):
    catalog = Catalog(world.server, Registry.empty(), cache.discovery)
    options = Options(sync_timeout=PATIENCE, field_manager="tests", follow_definitions=False)
    return Kinds(Engine(None, catalog, cache, Learned(), Related(cache), options))


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
