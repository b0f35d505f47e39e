"""Scopes: what they hold, how they are asked for, and what a store and a cache make of several that overlap."""

import threading

import pytest

from genreconcile.cache import Cache, Pace
from genreconcile.cache.scope import EVERYTHING, Scope, holding
from genreconcile.cache.store import Store
from genreconcile.cache.transform import Record
from genreconcile.errors import CacheError, Forbidden
from genreconcile.objects import ObjectKey
from genreconcile.testing.fake.views import event
from support.api.scripted import PLANETS, WIDGETS, ScriptedCluster, bookmark, obj, page, status
from support.eventually import eventually

SHOP = "/apis/example.com/v1/namespaces/shop/widgets"
BANK = "/apis/example.com/v1/namespaces/bank/widgets"
ALL = "/apis/example.com/v1/widgets"
ONE = "metadata.name=a"


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        (EVERYTHING, {("shop", "a"), ("shop", "b"), ("bank", "a"), ("shop", ""), ("bank", "")}),
        (Scope("shop"), {("shop", "a"), ("shop", "b"), ("shop", "")}),
        (Scope("shop", "a"), {("shop", "a")}),
    ],
)
def test_what_a_scope_holds(scope, held):
    every = {("shop", "a"), ("shop", "b"), ("bank", "a"), ("shop", ""), ("bank", "")}
    assert {place for place in every if scope.holds(*place)} == held
    assert {place for place in every if scope in holding(*place)} == held


@pytest.mark.parametrize(
    ("scope", "touched"),
    [
        (EVERYTHING, {("shop", "a"), ("shop", "b"), ("bank", "a"), ("shop", ""), ("bank", ""), ("", "")}),
        (Scope("shop"), {("shop", "a"), ("shop", "b"), ("shop", ""), ("", "")}),
        (Scope("shop", "a"), {("shop", "a"), ("shop", ""), ("", "")}),
    ],
)
def test_what_a_scope_touches(scope, touched):
    """Of several objects one is enough."""
    every = {("shop", "a"), ("shop", "b"), ("bank", "a"), ("shop", ""), ("bank", ""), ("", "")}
    assert {place for place in every if scope.touches(*place)} == touched
    assert Scope("", "a").touches("", "a")
    assert not Scope("", "a").touches("", "b")


def test_an_object_without_a_namespace():
    assert holding("", "a") == (EVERYTHING, Scope("", "a"))
    assert holding("") == (EVERYTHING,)
    assert Scope("", "a").holds("", "a")
    assert not Scope("", "a").holds("", "b")


def test_the_widest_comes_first():
    assert holding("shop", "a") == (EVERYTHING, Scope("shop"), Scope("shop", "a"))
    assert [str(scope) for scope in holding("shop", "a")] == ["", "shop", "shop/a"]


@pytest.mark.parametrize(
    ("name", "selector"),
    [("a", "metadata.name=a"), ("system:a", "metadata.name=system:a"), (r"a,b=c\d", r"metadata.name=a\,b\=c\\d")],
)
def test_the_query(name, selector):
    assert Scope("shop", name).query == {"fieldSelector": selector}
    assert Scope("shop").query == EVERYTHING.query == {}


def record(name, version, namespace="shop"):
    return Record(namespace, name, f"uid-{name}", version, {}, (), deleting=False, data=b"{}")


def test_the_list_of_one_object_removes_no_other():
    store = Store()
    store.replace([record("a", 1), record("b", 2)], 5, Scope("shop"))
    assert [delta.type for delta in store.replace([], 7, Scope("shop", "a"))] == ["DELETED"]
    assert store.get(("shop", "b")) is not None
    assert (store.seen(Scope("shop")), store.seen(Scope("shop", "a")), store.seen()) == (5, 7, 0)


@pytest.fixture
def server():
    return ScriptedCluster()


@pytest.fixture
def cache(server):
    with Cache(server, discovery=Known()) as opened:
        yield opened


class Known:
    """All kinds are given as resources."""

    def get(self, _gvk):
        return None

    def knows(self, _gvk):
        return False

    def invalidate(self):
        """Nothing is read."""


def test_each_request_for_a_single_object_names_it(server, cache):
    server.answer(SHOP, page(5, obj("a", 3)))
    watch = server.live(SHOP)
    cache.watch(WIDGETS, Scope("shop", "a"))
    assert cache.wait_until_known(WIDGETS, "shop", "a", 45)
    assert watch.opened.wait(45)
    assert [asked.query["fieldSelector"] for asked in server.requests] == [ONE, ONE]
    watch.send(event("MODIFIED", obj("a", 9)))
    eventually(lambda: cache.record(WIDGETS, "a", namespace="shop").resource_version == 9)


def test_a_part_is_never_asked_for_the_whole(server, cache):
    server.answer(SHOP, page(5, obj("a", 3)))
    server.live(SHOP)
    cache.watch(WIDGETS, Scope("shop", "a"))
    assert cache.wait_until_known(WIDGETS, "shop", "a", 45)
    assert (cache.watches(WIDGETS, "shop", "a"), cache.watches(WIDGETS, "shop"), cache.is_complete(WIDGETS)) == (
        True,
        False,
        False,
    )
    for place in (("shop", "b"), ("shop", ""), ("bank", ""), ("", "")):
        assert not cache.has_synced(WIDGETS, *place)
    with pytest.raises(CacheError, match="not in the cache in all namespaces"):
        cache.records(WIDGETS)
    with pytest.raises(CacheError, match="not in the cache"):
        cache.records(WIDGETS, namespace="shop")


def test_an_own_write_of_an_object_that_is_not_watched_is_not_kept(server, cache):
    server.answer(SHOP, page(5, obj("a", 3)))
    server.live(SHOP)
    cache.watch(WIDGETS, Scope("shop", "a"))
    assert cache.wait_until_known(WIDGETS, "shop", "a", 45)
    cache.record_write(WIDGETS, b'{"metadata":{"name":"b","namespace":"shop","uid":"b","resourceVersion":"9"}}')
    cache.record_write(WIDGETS, b'{"metadata":{"name":"a","namespace":"shop","uid":"uid-a","resourceVersion":"9"}}')
    assert list(cache.uids(WIDGETS)) == ["uid-a"]
    assert cache.record(WIDGETS, "a", namespace="shop").resource_version == 9


def test_the_scope_that_is_known_answers_while_a_wider_one_is_forbidden(server, cache):
    server.answer(SHOP, page(5, obj("a", 3)))
    watch = server.live(SHOP)
    cache.watch(WIDGETS, Scope("shop", "a"))
    assert cache.wait_until_known(WIDGETS, "shop", "a", 45)
    server.answer(ALL, status(403))
    server.watch(ALL)
    cache.add(WIDGETS)
    eventually(lambda: isinstance(cache.error(WIDGETS), Forbidden))
    assert not cache.wait_until_known(WIDGETS, "shop", "b", 45)
    assert cache.record(WIDGETS, "a", namespace="shop").uid == "uid-a"
    assert cache.error(WIDGETS, "shop", "a") is None
    assert isinstance(cache.error(WIDGETS, "shop", "b"), Forbidden)
    assert cache.kinds() == (WIDGETS.gvk,)
    assert len(cache.scopes(WIDGETS)) == 2
    assert not cache._kinds[WIDGETS.gvk].covered()
    watch.send(bookmark(9))
    assert cache.wait_for(WIDGETS, ObjectKey("example.com", "Widget", "shop", "a"), "9", 45)


def test_a_single_object_says_nothing_of_the_kind_that_was_added(server):
    server.answer(BANK, page(5, obj("b", 3, namespace="bank")))
    server.live(BANK)
    server.answer(SHOP, status(403))
    server.watch(SHOP)
    with Cache(server, discovery=Known(), namespaces=["shop", "bank"]) as cache:
        cache.add(WIDGETS, namespaces=["bank"])
        cache.watch(WIDGETS, Scope("shop", "a"))
        eventually(lambda: isinstance(cache.error(WIDGETS, "shop", "a"), Forbidden))
        cache.wait_for_sync([WIDGETS], 45)
        assert cache.has_synced(WIDGETS)
        assert cache.has_settled(WIDGETS)
        assert cache.error(WIDGETS) is None
        assert not cache.has_synced(WIDGETS, "shop", "a")


def test_what_is_kept_besides_ends_no_scope_and_leaves_the_kind_added(server, cache):
    server.answer(ALL, page(5, obj("a", 3)))
    server.answer(SHOP, page(5, obj("a", 3)))
    for path in (ALL, ALL, SHOP, SHOP):
        server.live(path)
    cache.watch(WIDGETS, Scope("shop", "a"), metadata_only=True)
    assert cache.wait_until_known(WIDGETS, "shop", "a", 45)
    cache.watch(WIDGETS, Scope("shop", "b"))
    assert set(cache.scopes(WIDGETS)) == {Scope("shop", "a"), Scope("shop", "b")}
    assert cache.kinds() == ()
    cache.add(WIDGETS, keep_managers=True)
    assert cache.kinds() == (WIDGETS.gvk,)
    assert EVERYTHING in cache.scopes(WIDGETS)
    cache.watch(PLANETS, Scope("", "p"), metadata_only=True)
    cache.add(PLANETS, metadata_only=True)
    cache.watch(PLANETS, Scope("", "q"))
    assert cache.kinds() == (PLANETS.gvk, WIDGETS.gvk)
    assert set(cache.scopes(PLANETS)) == {EVERYTHING, Scope("", "p"), Scope("", "q")}


def test_the_question_whether_the_server_has_gone_back_names_the_object(server):
    asked = threading.Event()

    def page_of(limit):
        def answer():
            if server.requests[-1].query.get("limit") == "1":
                asked.set()
            return page(limit, obj("a", 3))

        return answer

    server.answer(SHOP, page_of(5))
    server.live(SHOP).end()
    server.live(SHOP)
    with Cache(server, discovery=Known(), pace=Pace(first_backoff=0.001, longest_backoff=0.01)) as cache:
        cache.watch(WIDGETS, Scope("shop", "a"))
        assert asked.wait(45)
    assert {query.get("fieldSelector") for _, _, query in server.requests} == {ONE}


def test_a_streamed_list_names_the_object(server):
    ends = bookmark(9, **{"k8s.io/initial-events-end": "true"})
    server.watch(SHOP, [event("ADDED", obj("a", 3)), ends])
    server.live(SHOP)
    with Cache(server, discovery=Known(), watch_list=True) as cache:
        cache.watch(WIDGETS, Scope("shop", "a"))
        assert cache.wait_until_known(WIDGETS, "shop", "a", 45)
    assert "sendInitialEvents" in server.requests[0].query
    assert {query.get("fieldSelector") for _, _, query in server.requests} == {ONE}


def test_a_kind_without_namespaces_is_in_none(server, cache):
    server.answer("/apis/example.com/v1/planets", page(5, obj("a", 3, namespace="")))
    server.live("/apis/example.com/v1/planets")
    cache.watch(PLANETS, Scope("shop", "a"))
    assert cache.scopes(PLANETS) == (Scope("", "a"),)
    assert cache.wait_until_known(PLANETS, "", "a", 45)
    assert cache.record(PLANETS, "a").uid == "uid-a"
