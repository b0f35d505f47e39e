"""Rows R3.8 and R3.9: one kind under several paths, one after the other or at once."""

import functools
import threading

import pytest

from genreconcile import gojson
from genreconcile.cache import Cache, Pace, informer, watched
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, ObjectKey
from genreconcile.testing.fake.views import event
from support.api.scripted import VERBS, WIDGETS, ScriptedCluster, obj, page, status

V2 = Resource(GVK("example.com", "v2", "Widget"), "widgets", namespaced=True, verbs=VERBS)
ONE, TWO = "/apis/example.com/v1/widgets", "/apis/example.com/v2/widgets"
IN_SHOP = "/apis/example.com/v2/namespaces/shop/widgets/a"
KEY = ObjectKey("example.com", "Widget", "shop", "a")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(informer, "Pace", functools.partial(Pace, first_backoff=0.001, longest_backoff=0.004))
    scripted = ScriptedCluster()
    yield scripted
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("genreconcile")] == []


@pytest.fixture
def watches(server):
    for path in (ONE, TWO):
        server.answer(path, page(5, obj("a", 3)))
    return server.live(ONE), server.live(TWO)


@pytest.fixture
def cache(server, watches):
    with Cache(server, [WIDGETS, V2]) as opened:
        opened.wait_for_sync(timeout=45)
        assert all(watch.opened.wait(45) for watch in watches)
        yield opened


def known(cache, resource):
    found = cache.get(resource, "a", namespace="shop")
    return found and found["metadata"]["resourceVersion"]


def test_r3_9_a_deletion_is_known_in_every_version(cache, watches):
    cache.record_delete(V2, KEY, "uid-a")
    assert known(cache, WIDGETS) is known(cache, V2) is None
    # What its watch says of before does not bring it back.
    watches[0].send(event("MODIFIED", obj("a", 4)), event("ADDED", obj("b", 6)))
    assert cache.wait_for(WIDGETS, KEY, "6", 45)
    assert known(cache, WIDGETS) is None


def test_r3_9_a_write_waits_for_the_other_versions(server, cache, watches, monkeypatch):
    monkeypatch.setattr(watched, "_LAG", 45)
    timer = threading.Timer(0.05, lambda: watches[0].send(event("MODIFIED", obj("a", 7))))
    timer.start()
    before = len(server.requests)
    cache.record_write(V2, gojson.dumps(obj("a", 7)))
    timer.join()
    assert known(cache, WIDGETS) == known(cache, V2) == "7"
    assert len(server.requests) == before


def test_r3_9_where_a_watch_lags_the_object_is_read(server, cache, monkeypatch):
    monkeypatch.setattr(watched, "_LAG", 0.01)
    server.answer(IN_SHOP, obj("a", 7))
    cache.record_write(WIDGETS, gojson.dumps(obj("a", 7)))
    assert known(cache, V2) == "7"


def test_r3_9_where_it_may_not_be_read_the_watch_will_bring_it(server, cache, monkeypatch):
    monkeypatch.setattr(watched, "_LAG", 0.01)
    server.answer(IN_SHOP, status(403))
    cache.record_write(WIDGETS, gojson.dumps(obj("a", 7)))
    assert known(cache, WIDGETS) == "7"
    assert known(cache, V2) == "3"


def test_r3_9_a_version_that_is_not_watched_itself_is_known_to_the_others(server, cache, watches):
    """The object was written in a version whose objects nobody reads."""
    cache.remove(V2)
    watches[0].send(event("MODIFIED", obj("a", 7)))
    cache.record_write(V2, gojson.dumps(obj("a", 7)))
    assert known(cache, WIDGETS) == "7"


@pytest.mark.parametrize("namespaces", [None, ["shop", "bank"]])
def test_r3_8_a_kind_that_is_served_elsewhere_now_is_watched_there(server, namespaces):
    scopes = (
        ["/apis/example.com/v1"] if namespaces is None else [f"/apis/example.com/v1/namespaces/{n}" for n in namespaces]
    )
    other = Resource(WIDGETS.gvk, "gizmos", namespaced=True, verbs=VERBS)
    cluster_wide = Resource(WIDGETS.gvk, "gizmos", namespaced=False, verbs=VERBS)
    for scope in scopes:
        server.answer(f"{scope}/widgets", page(5, obj("a", 3)), status(404))
        server.answer(f"{scope}/gizmos", page(9))
        server.live(f"{scope}/widgets")
        server.live(f"{scope}/gizmos")
    server.answer("/apis/example.com/v1/gizmos", page(9))
    with Cache(server, [WIDGETS], namespaces=namespaces) as cache:
        cache.wait_for_sync(timeout=45)
        assert cache.add(WIDGETS) == WIDGETS
        assert known(cache, WIDGETS) == "3"
        assert cache.add(other) == other
        cache.wait_for_sync(timeout=45)
        assert known(cache, other) is None
        assert cache.add(cluster_wide) == cluster_wide
        cache.wait_for_sync(timeout=45)
        assert cache.record(cluster_wide, "a") is None
