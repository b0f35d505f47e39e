import functools
import json
import os
import threading
import time
from collections import deque

import pytest

from genreconcile.cache import Cache, Interest, Pace, Question, Sighting, informer, list_reader, reflector
from genreconcile.cache.pager import Pager
from genreconcile.cache.scope import EVERYTHING
from genreconcile.errors import CacheError, Forbidden, NotFound, NotSynced
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.objects import GVK, ObjectKey
from genreconcile.testing.fake.views import event
from support.api.script import LiveWatch
from support.api.scripted import PLANETS, VERBS, WIDGETS, ScriptedCluster, obj, page, status
from support.eventually import eventually

KIND = "example.com/v1/Widget"
ALL = "/apis/example.com/v1/widgets"
SHOP = "/apis/example.com/v1/namespaces/shop/widgets"
BANK = "/apis/example.com/v1/namespaces/bank/widgets"
PLANETS_PATH = "/apis/example.com/v1/planets"
KEY = ObjectKey("example.com", "Widget", "shop", "a")


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(informer, "Pace", functools.partial(Pace, first_backoff=0.001, longest_backoff=0.004))


@pytest.fixture
def relists_soon(monkeypatch):
    pace = functools.partial(Pace, first_backoff=0.001, longest_backoff=0.004, relist=0.05)
    monkeypatch.setattr(informer, "Pace", pace)


@pytest.fixture
def server():
    scripted = ScriptedCluster()
    yield scripted
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("genreconcile")] == []


@pytest.fixture
def watch(server):
    """The one watch of widgets in all namespaces, after a list at 5 that held ``a`` at 3."""
    server.answer(ALL, page(5, obj("a", 3, metadata={"labels": {"app": "web"}})))
    return server.live(ALL)


@pytest.fixture
def cache(server, watch):
    with Cache(server, [WIDGETS]) as opened:
        opened.wait_for_sync(timeout=45)
        assert watch.opened.wait(45)
        yield opened


def names(cache, **options):
    return [found["metadata"]["name"] for found in cache.list(KIND, **options)]


def version(cache, name="a"):
    found = cache.get(KIND, name, namespace="shop")
    return found and found["metadata"]["resourceVersion"]


def test_reads_cost_no_request(server, cache):
    before = len(server.requests)
    assert version(cache) == "3"
    assert names(cache, selector="app=web") == ["a"]
    assert names(cache, namespace="shop", selector={"app": "db"}) == []
    assert cache.get(KIND, "none", namespace="shop") is None
    assert cache.record(KIND, "a", namespace="shop").uid == "uid-a"
    assert len(server.requests) == before == 2


def test_follows_the_watch(cache, watch):
    watch.send(event("ADDED", obj("b", 6)), event("MODIFIED", obj("a", 7)), event("DELETED", obj("b", 8)))
    assert cache.wait_for(WIDGETS, KEY, "8", 45)
    assert names(cache) == ["a"]
    assert version(cache) == "7"


def test_a_changed_answer_does_not_change_the_cache(cache):
    cache.get(KIND, "a", namespace="shop")["metadata"]["labels"]["app"] = "changed"
    cache.list(KIND)[0].clear()
    assert cache.get(KIND, "a", namespace="shop")["metadata"]["labels"] == {"app": "web"}


def test_an_own_write_is_read_at_once_and_a_stale_event_is_ignored(cache, watch):
    cache.record_write(WIDGETS, json.dumps(obj("a", 9)).encode())
    assert version(cache) == "9"
    watch.send(event("MODIFIED", obj("a", 8)), event("MODIFIED", obj("b", 10)))
    assert cache.wait_for(WIDGETS, KEY, "10", 45)
    assert version(cache) == "9"


def test_the_late_answer_of_an_own_write_is_ignored(cache, watch):
    watch.send(event("MODIFIED", obj("a", 12)))
    assert cache.wait_for(WIDGETS, KEY, "12", 45)
    cache.record_write(WIDGETS, json.dumps(obj("a", 9)).encode())
    assert version(cache) == "12"


def test_an_own_deletion_stands_against_late_events_until_the_object_is_created_anew(cache, watch):
    cache.record_delete(WIDGETS, KEY, "uid-a")
    assert version(cache) is None
    watch.send(event("MODIFIED", obj("a", 8)), event("DELETED", obj("a", 9)))
    assert cache.wait_for(WIDGETS, KEY, "9", 45)
    assert version(cache) is None
    watch.send(event("ADDED", obj("a", 11, uid="new")))
    assert cache.wait_for(WIDGETS, KEY, "11", 45)
    assert version(cache) == "11"


def test_an_own_deletion_of_the_former_object_spares_the_new_one(cache, watch):
    watch.send(event("DELETED", obj("a", 6)), event("ADDED", obj("a", 7, uid="new")))
    assert cache.wait_for(WIDGETS, KEY, "7", 45)
    cache.record_delete(WIDGETS, KEY, "uid-a")
    assert version(cache) == "7"


def test_a_list_older_than_an_own_write_does_not_undo_it(server, cache, watch):
    server.answer(ALL, page(8, obj("a", 3)))
    server.answers[ALL].popleft()
    second = server.live(ALL)
    cache.record_write(WIDGETS, json.dumps(obj("a", 9)).encode())
    cache.record_write(WIDGETS, json.dumps(obj("b", 10)).encode())
    watch.send(status(410))
    assert second.opened.wait(45)
    assert names(cache) == ["a", "b"]
    assert version(cache) == "9"


def test_a_relist_tells_what_vanished(server, cache, watch):
    heard = []
    cache.subscribe(lambda told: heard.append((told.type, told.key.name, told.resource_version)))
    server.answer(ALL, page(20, obj("b", 15)))
    server.answers[ALL].popleft()
    second = server.live(ALL)
    watch.send(status(410))
    assert second.opened.wait(45)
    assert heard == [("ADDED", "b", "15"), ("DELETED", "a", "3")]
    assert names(cache) == ["b"]


def test_a_restored_server_begins_an_epoch(server, cache, watch):
    watch.send(event("MODIFIED", obj("a", 90)))
    assert cache.wait_for(WIDGETS, KEY, "90", 45)
    server.answer(ALL, page(40, obj("a", 30)))
    server.answers[ALL].popleft()
    second = server.live(ALL)
    assert cache.epoch(KIND) == 0
    watch.send(status(410))
    assert second.opened.wait(45)
    assert version(cache) == "30"
    assert cache.epoch(KIND) == 1


def test_subscribers_hear_in_order_and_one_that_raises_harms_nobody(cache, watch, caplog):
    heard = []

    def fails(_):
        raise RuntimeError("boom")

    cache.subscribe(fails)
    cache.subscribe(heard.append)
    watch.send(event("MODIFIED", obj("a", 7)), event("DELETED", obj("a", 8)), event("ADDED", obj("a", 9, uid="n")))
    eventually(lambda: len(heard) == 3)
    assert [(told.type, told.resource_version) for told in heard] == [
        ("MODIFIED", "7"),
        ("DELETED", "7"),
        ("ADDED", "9"),
    ]
    assert heard[0].key == KEY
    assert heard[0].resource == WIDGETS
    assert caplog.text.count("a subscriber failed on") == 3


def test_unsubscribe(cache, watch):
    heard = []
    unsubscribe = cache.subscribe(heard.append)
    other = cache.subscribe(heard.append)
    unsubscribe()
    unsubscribe()
    watch.send(event("MODIFIED", obj("a", 7)))
    eventually(lambda: heard)
    other()
    watch.send(event("MODIFIED", obj("a", 8)))
    assert cache.wait_for(WIDGETS, KEY, "8", 45)
    assert len(heard) == 1


def test_a_subscriber_may_read_the_cache_and_stop_it(cache, watch):
    heard = threading.Event()

    def reads(told):
        assert cache.get(KIND, told.key.name, namespace="shop")
        cache.stop()
        heard.set()

    cache.subscribe(reads)
    watch.send(event("MODIFIED", obj("a", 7)))
    assert heard.wait(45)


def test_namespaces_are_listed_one_by_one(server):
    server.answer(SHOP, page(5, obj("a", 3)))
    server.answer(BANK, page(6, obj("a", 4, namespace="bank", uid="u2")))
    server.answer(PLANETS_PATH, page(7, obj("earth", 1, namespace="")))
    for path in (SHOP, BANK, PLANETS_PATH):
        server.live(path)
    with Cache(server, [WIDGETS, PLANETS], namespaces=["shop", "bank", "shop"]) as cache:
        cache.wait_for_sync(timeout=45)
        assert names(cache) == ["a", "a"]
        assert names(cache, namespace="bank") == ["a"]
        assert cache.get(PLANETS, "earth")["metadata"]["name"] == "earth"
        with pytest.raises(CacheError, match="namespace is not watched"):
            cache.get(KIND, "a", namespace="other")
        with pytest.raises(CacheError, match="namespace is not watched"):
            cache.wait_for(WIDGETS, KEY._replace(namespace="other"), "1", 0)
        cache.record_write(WIDGETS, json.dumps(obj("a", 9, namespace="other")).encode())
        assert names(cache) == ["a", "a"]
    assert ALL not in {request.path for request in server.requests}


def test_a_namespace_that_is_forbidden_is_unknown_and_harms_no_other(server):
    server.answer(SHOP, page(5, obj("a", 3)))
    server.answer(BANK, status(403))
    server.live(SHOP)
    with Cache(server, [WIDGETS], namespaces=["shop", "bank"]) as cache:
        eventually(lambda: isinstance(cache.error(KIND), Forbidden) and cache.has_synced(KIND, "shop"))
        assert cache.has_settled(KIND)
        assert not cache.has_synced(KIND)
        assert cache.get(KIND, "a", namespace="shop")["metadata"]["name"] == "a"
        for settings in ({"namespace": "bank"}, {}):
            with pytest.raises(NotSynced, match="403"):
                cache.list(KIND, **settings)


def test_a_namespace_that_has_not_answered_is_waited_for_whatever_another_says(server):
    """A kind counted as settled as soon as one namespace had failed."""
    answer = threading.Event()
    server.answer(SHOP, lambda: answer.wait(45) and page(5, obj("a", 3)))
    server.answer(BANK, status(403))
    server.live(SHOP)
    with Cache(server, [WIDGETS], namespaces=["shop", "bank"]) as cache:
        eventually(lambda: isinstance(cache.error(KIND), Forbidden))
        assert not cache.has_settled(KIND)
        answer.set()
        eventually(lambda: cache.has_settled(KIND))


def test_a_kind_is_read_in_the_namespaces_in_which_it_is_wanted(server):
    server.answer(SHOP, page(5, obj("a", 3)))
    server.answer(BANK, page(5, obj("b", 4, namespace="bank")))
    server.live(SHOP)
    server.live(BANK)
    with Cache(server, namespaces=["shop", "bank"]) as cache:
        cache.add(WIDGETS, namespaces=["shop", "elsewhere"])
        cache.wait_for_sync(timeout=45)
        assert cache.get(KIND, "a", namespace="shop")
        for namespace in ("bank", None):  # Not known is never answered as absent.
            with pytest.raises(CacheError, match="not in the cache"):
                cache.list(KIND, namespace=namespace)
        assert {request.path for request in server.requests} == {SHOP}
        cache.add(WIDGETS, namespaces=["bank"])
        cache.wait_for_sync(timeout=45)
        assert names(cache) == ["b", "a"]


def test_a_reader_that_is_replaced_is_waited_for_at_the_end(server, monkeypatch):
    """A kind that is upgraded from metadata, or listed anew, leaves no thread behind."""
    joined = []
    join = reflector.Reflector.join
    monkeypatch.setattr(reflector.Reflector, "join", lambda self, timeout: joined.append(self) or join(self, timeout))
    server.answer(ALL, page(5, obj("a", 3)))
    watches = [server.live(ALL) for _ in range(3)]
    with Cache(server) as cache:
        cache.add(WIDGETS, metadata_only=True)
        cache.wait_for_sync(timeout=45)
        assert watches[0].opened.wait(45)
        cache.add(WIDGETS)
        cache.wait_for_sync(timeout=45)
        assert watches[1].opened.wait(45)
        assert cache.relist(KIND, timeout=45)
    assert len(set(joined)) == 3


def test_scope_and_namespace_must_fit(cache):
    with pytest.raises(CacheError, match="has a namespace"):
        cache.get(KIND, "a")


def test_add_while_running_and_remove(server, cache):
    with pytest.raises(CacheError, match="not added"):
        cache.list(PLANETS)
    server.answer(PLANETS_PATH, page(7, obj("earth", 1, namespace="")))
    planets = server.live(PLANETS_PATH)
    assert cache.add(PLANETS) == cache.add(PLANETS) == PLANETS
    cache.wait_for_sync([PLANETS], timeout=45)
    assert planets.opened.wait(45)
    assert len(cache.list(PLANETS)) == 1
    assert cache.kinds() == (PLANETS.gvk, WIDGETS.gvk)
    cache.remove(PLANETS)
    cache.remove(PLANETS)
    assert cache.kinds() == (WIDGETS.gvk,)
    assert not cache.has_synced(PLANETS)
    with pytest.raises(CacheError, match="not added"):
        cache.get(PLANETS, "earth")
    cache.record_write(PLANETS, json.dumps(obj("mars", 9, namespace="")).encode())
    cache.record_delete(PLANETS, ObjectKey("example.com", "Planet", "", "mars"), "u")


def test_a_forbidden_kind_is_unknown_and_spares_the_others(server, cache):
    server.answer(PLANETS_PATH, status(403))
    cache.add(PLANETS)
    started = time.monotonic()
    with pytest.raises(NotSynced, match=r"Planet: not synced: .* 403 Forbidden"):
        cache.wait_for_sync(timeout=30)
    assert time.monotonic() - started < 20
    assert not cache.has_synced(PLANETS)
    assert isinstance(cache.error(PLANETS), Forbidden)
    with pytest.raises(NotSynced, match="403"):
        cache.list(PLANETS)
    with pytest.raises(NotSynced, match="403"):
        cache.get(PLANETS, "earth")
    assert names(cache) == ["a"]
    server.answer(PLANETS_PATH, page(7))
    server.live(PLANETS_PATH)
    eventually(lambda: cache.has_synced(PLANETS))
    eventually(lambda: cache.error(PLANETS) is None)


@pytest.mark.usefixtures("relists_soon")
def test_a_kind_that_becomes_forbidden_is_unknown(server, cache, watch):
    server.answer(ALL, status(403))
    server.answers[ALL].popleft()
    watch.send(status(403))
    eventually(lambda: not cache.has_synced(KIND))
    with pytest.raises(NotSynced):
        cache.get(KIND, "a", namespace="shop")


@pytest.mark.usefixtures("relists_soon")
@pytest.mark.parametrize("code", [403, 404])
def test_a_loss_is_told_once_and_its_end(server, cache, watch, code):
    """No event tells that objects are not known any more, nor that they are again where nothing has changed."""
    losses, events, known = [], [], []

    def tell(loss):
        losses.append((loss.resource.gvk.kind, loss.scope, loss.is_over))
        known.append(cache.has_synced(KIND))

    end = cache.subscribe_losses(tell)
    cache.subscribe(events.append)
    cache.subscribe_losses(lambda _: 1 / 0)  # Harms no other.
    answers = server.answers[ALL]
    answers.clear()
    answers.extend([status(code)] * 5)
    watch.send(status(code))
    eventually(lambda: losses)
    again = server.live(ALL)
    answers.insert(len(answers) - 1, page(5, obj("a", 3, metadata={"labels": {"app": "web"}})))
    assert again.opened.wait(45)
    assert losses == [("Widget", EVERYTHING, False), ("Widget", EVERYTHING, True)]
    assert known == [False, True]
    assert events == []
    end()
    again.send(status(code))
    eventually(lambda: not cache.has_synced(KIND))
    assert len(losses) == 2


def test_to_be_known_for_the_first_time_is_no_end_of_a_loss(server, watch):
    losses = []
    with Cache(server) as cache:
        cache.subscribe_losses(losses.append)
        cache.add(WIDGETS)
        cache.wait_for_sync(timeout=45)
        assert watch.opened.wait(45)
    assert losses == []


def test_a_cut_stream_leaves_the_objects_known(server, cache, watch):
    second = server.live(ALL)
    watch.send(status(500))
    assert second.opened.wait(45)
    assert cache.has_synced(KIND)
    assert names(cache) == ["a"]


def test_not_synced_in_time(server):
    server.answer(ALL, status(500))
    with Cache(server, [WIDGETS]) as cache, pytest.raises(NotSynced, match=r"Widget: not synced: .* 500 InternalError"):
        cache.wait_for_sync(timeout=0.05)


def test_a_list_anew_of_a_kind_that_is_gone_is_not_waited_for(server, cache, watch):
    """Its definition was deleted: a reconcile stood still for its whole time limit."""
    server.answers[ALL] = deque([status(404)])
    started = time.monotonic()
    assert not cache.relist(KIND, 60)
    assert time.monotonic() - started < 30
    assert isinstance(cache.error(KIND), NotFound)


def test_a_kind_that_is_gone_makes_discovery_ask_again(server):
    discovery = Discovery(server)
    server.answer("/api", {"kind": "APIVersions", "versions": []})
    server.answer("/apis", {"kind": "APIGroupList", "groups": []})
    discovery.refresh()
    server.answer(ALL, status(404))
    with Cache(server, [WIDGETS], discovery=discovery) as cache:
        eventually(lambda: isinstance(cache.error(KIND), NotFound))
        eventually(lambda: discovery._stale)


def test_states_are_told_once_they_can_be_read(server, watch):
    """Who waits for a kind need not ask again and again whether it is there, has failed, or is gone."""
    found = []
    with Cache(server) as cache:

        def tell():
            found.append((cache.has_synced(KIND), cache.has_settled(KIND), type(cache.error(KIND))))

        def fail():
            raise ValueError("a fault of the caller's")

        ends = [cache.subscribe_states(fail), cache.subscribe_states(tell), cache.subscribe_states(tell)]
        cache.add(WIDGETS)
        assert eventually(lambda: (True, True, type(None)) in found)
        ends[1]()
        assert watch.opened.wait(45)
        assert (False, False, type(None)) not in found
        cache.remove(KIND)
        assert (False, False, type(None)) in found
        server.answers[ALL] = deque([status(403)])
        cache.add(WIDGETS)
        assert eventually(lambda: (False, True, Forbidden) in found)
        for end in ends:
            end()
        cache.remove(KIND)
        found.clear()
        cache.add(WIDGETS)
        cache.remove(KIND)
        assert found == []


def test_kinds_by_name_are_looked_up(server):
    server.answer("/api", {"kind": "APIVersions", "versions": []})
    version = {"groupVersion": "example.com/v1", "version": "v1"}
    server.answer("/apis", {"kind": "APIGroupList", "groups": [{"name": "example.com", "versions": [version]}]})
    widgets = {"name": "widgets", "kind": "Widget", "namespaced": True, "verbs": sorted(VERBS)}
    server.answer("/apis/example.com/v1", {"resources": [widgets, {**widgets, "name": "w", "kind": "W", "verbs": []}]})
    server.answer(ALL, page(5))
    server.live(ALL)
    with Cache(server, [KIND]) as cache:
        cache.wait_for_sync(timeout=45)
        with pytest.raises(CacheError, match=r"no such kind; did you mean example\.com/v1/Widget"):
            cache.add("example.com/v1/Widgets")
        with pytest.raises(CacheError, match="cannot list and watch"):
            cache.add("example.com/v1/W")
        with pytest.raises(CacheError, match="install its CRD"):
            cache.add("v1/Zebra")


def test_stop_ends_all_threads_and_reads_go_on(cache):
    started = time.monotonic()
    cache.stop()
    cache.stop()
    assert time.monotonic() - started < 20
    assert version(cache) == "3"
    with pytest.raises(CacheError, match="was stopped"):
        cache.start()


def test_stop_while_listing_does_not_wait(server):
    """A list that hangs ends by the interrupt; here by the stop itself."""
    release = threading.Event()

    def hangs():
        release.wait(45)
        return page(5)

    server.answer(ALL, hangs)
    with Cache(server, [WIDGETS]) as cache:
        eventually(lambda: server.requests)
        threading.Timer(0.02, release.set).start()
    assert not cache.has_synced(KIND)


def test_many_starts_and_stops_leave_nothing(server):
    server.answer(ALL, page(5))
    for _ in range(50):
        server.watch(ALL, LiveWatch())
        with Cache(server, [WIDGETS]) as cache:
            cache.start()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("genreconcile")]


def test_nothing_is_sent_before_the_start(server):
    Cache(server, [WIDGETS, KIND])
    assert server.requests == []


def test_what_names_no_kind_is_refused(server):
    with pytest.raises(CacheError, match="'Widget' is no kind"):
        Cache(server).add("Widget")


def test_one_namespace_as_a_string_is_refused(server):
    with pytest.raises(CacheError, match="a string: 'shop'"):
        Cache(server, namespaces="shop")


def test_a_failed_start_leaves_nothing_running(server):
    bad = Resource(GVK("x", "v1", "Y"), "ys", namespaced=True)
    with pytest.raises(CacheError, match="cannot list"):
        Cache(server, [WIDGETS, bad]).start()
    assert server.requests == []


def test_r3_5_what_is_known_is_replayed_to_a_late_subscriber(cache, watch):
    seen, replayed = [], []
    cache.subscribe(lambda told: replayed.append(told.is_replayed), replay=True)
    cache.subscribe(lambda told: seen.append((told.type, told.key.name, told.resource_version)), replay=True)
    assert seen == [("ADDED", "a", "3")], "before subscribe returns"
    watch.send(event("MODIFIED", obj("a", 6)), event("ADDED", obj("b", 7)))
    eventually(lambda: len(seen) == 3)
    assert seen[1:] == [("MODIFIED", "a", "6"), ("ADDED", "b", "7")]
    assert replayed == [True, False, False]


def test_r3_5_without_the_option_nothing_is_replayed(cache):
    seen = []
    cache.subscribe(seen.append)
    assert seen == []


def test_r3_5_a_subscriber_that_raises_while_it_is_told_what_is_known(cache, watch, caplog):
    seen = []

    def fails(told):
        seen.append(told.type)
        raise RuntimeError

    cache.subscribe(fails, replay=True)
    watch.send(event("ADDED", obj("b", 6)))
    eventually(lambda: seen == ["ADDED", "ADDED"])
    assert caplog.text.count("a subscriber failed") == 2


def test_r3_5_replay_and_events_leave_no_gap_and_tell_nothing_twice(server):
    """Whenever somebody subscribes: what he was told is what the cache holds, and each object was added once."""
    server.answer(ALL, page(5))
    watch = server.live(ALL)
    with Cache(server, [WIDGETS]) as cache:
        cache.wait_for_sync(timeout=45)
        sender = threading.Thread(
            target=lambda: [watch.send(event("ADDED", obj(f"n{number}", 10 + number))) for number in range(400)]
        )
        sender.start()
        told = []
        for _ in range(40):
            told.append([])
            cache.subscribe(lambda event, mine=told[-1]: mine.append(event.key.name), replay=True)
        sender.join()
        eventually(lambda: len(cache.list(KIND)) == 400)
        eventually(lambda: all(len(names) == 400 for names in told))
        assert all(len(set(names)) == 400 for names in told)


def test_r3_3_a_cache_that_was_stopped_is_called(cache):
    cache.stop()
    for call in (
        lambda: cache.add(PLANETS),
        lambda: cache.relist(WIDGETS),
        lambda: cache.wait_for_sync(timeout=45),
        lambda: cache.subscribe(print),
        lambda: cache.wait_for(WIDGETS, KEY, "9", 45),
        lambda: cache.catch_up(Sighting(9, KEY), 5),
        cache.start,
        cache.require_usable,
    ):
        with pytest.raises(CacheError, match=r"^the cache: not usable any more: it was stopped; make a new one$"):
            call()
    assert cache.get(KIND, "a", namespace="shop"), "what is cached stays readable"
    assert abs(time.time() - cache.stale_since(KIND)) < 60
    cache.stop()


def test_r3_6_a_cache_is_called_in_a_process_that_was_forked(cache, monkeypatch):
    """Also where a lock was held at the moment of the fork."""
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with cache._lock:
        called = []
        thread = threading.Thread(target=lambda: [*map(refused, calls(cache)), cache.stop(), called.append(True)])
        thread.start()
        thread.join(45)
        assert called == [True]
    monkeypatch.undo()
    assert cache.get(KIND, "a", namespace="shop")
    cache.require_usable()


def calls(cache):
    return (
        cache.start,
        cache.require_usable,
        lambda: cache.add(PLANETS),
        lambda: cache.remove(WIDGETS),
        lambda: cache.relist(WIDGETS),
        lambda: cache.wait_for_sync(timeout=45),
        lambda: cache.subscribe(print),
        lambda: cache.get(WIDGETS, "a", namespace="shop"),
        lambda: cache.list(WIDGETS),
        lambda: cache.store(WIDGETS),
        lambda: cache.epoch(WIDGETS),
    )


def refused(call):
    with pytest.raises(CacheError, match="made before the fork"):
        call()


def test_r3_2_the_cache_says_since_when_it_is_old(server, watch):
    server.watch(ALL, *[status(500)] * 2000)
    with Cache(server, [WIDGETS]) as cache:
        cache.wait_for_sync(timeout=45)
        assert watch.opened.wait(45)
        eventually(lambda: cache.error(KIND) is None)
        assert cache.stale_since(KIND) is None
        assert not cache.has_stale
        before = time.time()
        watch.send(event("ADDED", obj("b", 6)))
        watch.end()
        eventually(lambda: cache.stale_since(KIND))
        assert before - 1 <= cache.stale_since(KIND) <= time.time()
        assert cache.has_stale
        since = cache.stale_since(KIND)
        server.answers[ALL] = deque([page(9, obj("a", 3), obj("b", 6))])
        assert cache.relist(KIND)
        eventually(lambda: cache.error(KIND) is not None)
        assert abs(cache.stale_since(KIND) - since) < 0.5, "a new list is no watch"
        cache.remove(KIND)
        assert not cache.has_stale


def test_r3_1_a_list_anew_that_fails_leaves_what_is_known(server, cache):
    server.answers[ALL] = deque([status(500)])
    assert not cache.relist(KIND, timeout=0.05)
    assert names(cache) == ["a"]
    server.answers[ALL] = deque([status(403)])
    eventually(lambda: not cache.has_synced(KIND))


MANAGED = [{"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {}}}]


def managers_of(cache):
    (record,) = cache.records(WIDGETS)
    return "managedFields" in record.decode_with_managers()["metadata"]


@pytest.fixture
def managed(server):
    """A server whose only object says who owns its fields."""
    owned = obj("a", 3)
    owned["metadata"]["managedFields"] = MANAGED
    for _ in range(3):
        server.answer(ALL, page(5, owned))
    return server


def test_managers_that_a_later_call_asks_for_are_kept_from_then_on(managed):
    """An operator's cache may know the kind already, when a Reconciler comes whose rules leave others' fields alone."""
    with Cache(managed, [WIDGETS]) as cache:
        cache.wait_for_sync(timeout=45)
        assert not managers_of(cache)
        cache.add(WIDGETS, keep_managers=True)
        cache.wait_for_sync(timeout=45)
        assert managers_of(cache)
        cache.add(WIDGETS)
        assert managers_of(cache)


def test_what_a_kind_keeps_outlives_a_call_that_asks_for_more(managed):
    with Cache(managed) as cache:
        cache.add(WIDGETS, keep_managers=True, compress=True)
        cache.wait_for_sync(timeout=45)
        before = cache.store(WIDGETS)
        cache.add(WIDGETS, interest=Interest([Question("spec", ("kubectl",))]))
        cache.wait_for_sync(timeout=45)
        assert cache.store(WIDGETS) is not before
        assert managers_of(cache)
        (record,) = cache.records(WIDGETS)
        assert record.codec is not None


@pytest.mark.parametrize(("compress", "ahead"), [(False, 2), (True, 1)])
def test_a_cache_that_saves_memory_has_one_page_at_a_time_on_its_way(server, monkeypatch, compress, ahead):
    made = []

    def noted(*where, **settings):
        made.append(settings["ahead"])
        return Pager(*where, **settings)

    monkeypatch.setattr(list_reader, "Pager", noted)
    server.answer(ALL, page(5, obj("a", 3)))
    server.live(ALL)
    with Cache(server, [WIDGETS], compress=compress) as cache:
        cache.wait_for_sync(timeout=45)
    assert made == [ahead]
