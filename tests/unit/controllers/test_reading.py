"""Reads through the cache: what is watched for them, and that what is not known is never told as absent."""

import contextlib
import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import genreconcile as gr
from genreconcile.cache.scope import EVERYTHING, Scope
from genreconcile.cluster import Interrupt, status_error
from genreconcile.controllers import reading
from genreconcile.controllers.reading import MOST_SINGLE, Reader
from genreconcile.controllers.reads import Read
from genreconcile.errors import Unreachable
from genreconcile.objects import GVK, uid_of
from genreconcile.selector import parse
from genreconcile.testing import FakeCluster
from support.api.passing import Passing
from support.eventually import eventually
from support.nested import nested

MAP = GVK("", "v1", "ConfigMap")
SECRET = GVK("", "v1", "Secret")
CLASS = GVK("networking.k8s.io", "v1", "IngressClass")
PACE = gr.Pace(first_backoff=0.001, longest_backoff=0.01, too_short=0, relist=0.02)
MAPS, SECRETS = "/api/v1/configmaps", "/api/v1/namespaces/shop/secrets"


class Gate(Passing):
    """Notes (path, query) of lists and watches, and refuses what ``refuses`` gives an error for."""

    def __init__(self, cluster):
        super().__init__(cluster)
        self.lists, self.watches = [], []
        self.refuses = lambda _path, _query: None

    def request(self, method, path, **settings):
        query = settings.get("query") or {}
        if method == "GET":
            self.lists.append((path, query))
        self._refuse(path, query)
        return super().request(method, path, **settings)

    @contextlib.contextmanager
    def stream(self, path, **settings):
        self.watches.append((path, settings["query"]))
        self._refuse(path, settings["query"])
        with self.cluster.stream(path, **settings) as lines:
            yield lines

    def _refuse(self, path, query):
        error = self.refuses(path, query)
        if error is not None:
            raise error

    def asked(self, resource):
        """The lists of a resource."""
        return [(path, query.get("fieldSelector", "")) for path, query in self.lists if path.endswith(f"/{resource}")]


def refusal(code):
    return status_error("GET scripted", {"kind": "Status", "apiVersion": "v1", "code": code, "message": "not today"})


def obj(kind, name, namespace="shop", labels=None, **fields):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": labels or {}}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **fields}


OBJECTS = [
    obj(MAP, "a", labels={"app": "web"}, data={"x": "1"}),
    obj(MAP, "b"),
    obj(MAP, "c", "bank", labels={"app": "web"}),
    obj(SECRET, "one", data={"password": "aHVudGVyMg=="}),
    obj(SECRET, "two"),
    obj(SECRET, "three", "bank"),
    obj(CLASS, "n", "", spec={"controller": "example.dev/x"}),
]


@pytest.fixture
def fake():
    with FakeCluster(OBJECTS) as cluster:
        yield cluster


@pytest.fixture
def gate(fake):
    return Gate(fake)


@pytest.fixture
def cache(gate):
    with gr.Cache(gate, pace=PACE) as opened:
        yield opened
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("genreconcile/")] == []


@pytest.fixture
def reader(gate, cache):
    return Reader(gate, cache, timeout=45)


def names(objects):
    return [found["metadata"]["name"] for found in objects]


def cause(call, *args, **settings):
    with pytest.raises(gr.NotReadable) as caught:
        call(*args, **settings)
    return caught.value


def test_the_first_read_begins_to_watch_and_later_ones_cost_no_request(reader, gate, cache):
    assert reader.get("v1/ConfigMap", "a", "shop")["data"] == {"x": "1"}
    assert gate.asked("configmaps") == [(MAPS, "")]
    asked = len(gate.lists)
    assert reader.get(MAP, "none", "shop") is None
    assert reader.get(MAP, "a", "bank") is None
    assert names(reader.list(MAP)) == ["c", "a", "b"]
    assert names(reader.list(MAP, "shop")) == ["a", "b"]
    assert names(reader.list(MAP, "shop", {"app": "web"})) == ["a"]
    assert reader.list(MAP, "shop", "app=db") == []
    assert names(reader.list(CLASS)) == ["n"]
    assert reader.get(CLASS, "n")["metadata"]["name"] == "n"
    assert len(gate.lists) == asked + 1
    assert cache.scopes(MAP) == cache.scopes(CLASS) == (EVERYTHING,)


def test_changes_are_seen(reader, fake):
    reader.list(MAP)
    fake.patch("v1/ConfigMap", "a", {"op": "add", "path": "/data/x", "value": "2"}, namespace="shop")
    fake.delete("v1/ConfigMap", "b", namespace="shop")
    eventually(lambda: reader.get(MAP, "a", "shop")["data"] == {"x": "2"})
    eventually(lambda: reader.get(MAP, "b", "shop") is None)


def test_of_a_sensitive_kind_the_object_alone_is_watched(reader, gate, cache, fake):
    assert reader.get(SECRET, "one", "shop")["data"] == {"password": "aHVudGVyMg=="}
    assert gate.asked("secrets") == [(SECRETS, "metadata.name=one")]
    eventually(lambda: gate.watches)
    assert {query["fieldSelector"] for path, query in gate.watches if path == SECRETS} == {"metadata.name=one"}
    assert cache.scopes(SECRET) == (Scope("shop", "one"),)
    assert reader.get(SECRET, "absent", "shop") is None
    assert gate.asked("secrets")[1:] == [(SECRETS, "metadata.name=absent")]
    fake.create(obj(SECRET, "absent"))
    fake.delete("v1/Secret", "one", namespace="shop")
    eventually(lambda: reader.get(SECRET, "absent", "shop"))
    eventually(lambda: reader.get(SECRET, "one", "shop") is None)
    assert len(gate.asked("secrets")) == 2


def test_a_part_of_a_kind_is_not_taken_for_all_of_it(reader, cache):
    reader.get(SECRET, "one", "shop")
    assert cache.kinds() == ()
    assert not cache.has_synced(SECRET)
    assert not cache.has_synced(SECRET, "shop")
    assert not cache.has_synced(SECRET, "shop", "two")
    assert cache.has_synced(SECRET, "shop", "one")
    assert not cache.watches(SECRET, "shop")
    for read in (
        lambda: cache.list(SECRET),
        lambda: cache.list(SECRET, namespace="shop"),
        lambda: cache.get(SECRET, "two", namespace="shop"),
        lambda: cache.store(SECRET, "shop"),
    ):
        with pytest.raises(gr.CacheError, match="not in the cache"):
            read()
    reader.list(SECRET, "shop")
    with pytest.raises(gr.CacheError, match="not in the cache in all namespaces"):
        cache.list(SECRET)
    assert not cache.has_synced(SECRET)


def test_a_list_of_a_sensitive_kind_watches_the_namespace(reader, gate, cache):
    assert names(reader.list(SECRET, "shop")) == ["one", "two"]
    assert gate.asked("secrets") == [(SECRETS, "")]
    assert cache.scopes(SECRET) == (Scope("shop"),)
    assert reader.get(SECRET, "two", "shop")
    assert reader.get(SECRET, "none", "shop") is None
    assert len(gate.asked("secrets")) == 1
    assert names(reader.list(SECRET)) == ["three", "one", "two"]
    assert gate.asked("secrets")[1:] == [("/api/v1/secrets", "")]
    eventually(lambda: cache.scopes(SECRET) == (EVERYTHING,))


def single(cache, namespace="shop"):
    return [scope for scope in cache.scopes(SECRET) if scope.name and scope.namespace == namespace]


def test_beyond_fifty_the_namespace_is_watched(reader, gate, cache, fake):
    heard = []
    for number in range(MOST_SINGLE):
        assert reader.get(SECRET, f"s-{number}", "shop") is None
    reader.get(SECRET, "three", "bank")
    assert len(single(cache)) == MOST_SINGLE == 50
    assert reader.get(SECRET, "one", "shop")
    assert gate.asked("secrets")[-1] == (SECRETS, "")
    eventually(lambda: single(cache) == [])
    assert set(cache.scopes(SECRET)) == {Scope("shop"), Scope("bank", "three")}
    cache.subscribe(heard.append)
    fake.create(obj(SECRET, "s-7"))
    eventually(lambda: reader.get(SECRET, "s-7", "shop"))
    assert [event.key.name for event in heard] == ["s-7"]


def test_fifty_that_may_be_read_stay_readable_where_the_namespace_may_not(reader, gate, cache, fake, monkeypatch):
    monkeypatch.setattr(reading, "MOST_SINGLE", 2)
    gate.refuses = lambda path, query: refusal(403) if path == SECRETS and "fieldSelector" not in query else None
    assert reader.get(SECRET, "one", "shop")
    assert reader.get(SECRET, "two", "shop")
    error = cause(reader.get, SECRET, "new", "shop")
    assert error.reason == "Forbidden"
    assert str(error).startswith("v1/Secret new in shop: not readable: forbidden: ")
    fake.delete("v1/Secret", "one", namespace="shop")
    eventually(lambda: reader.get(SECRET, "one", "shop") is None)
    assert reader.get(SECRET, "two", "shop")
    assert len(single(cache)) == 2
    gate.refuses = lambda *_: None
    eventually(lambda: single(cache) == [])
    assert reader.get(SECRET, "new", "shop") is None


def test_beyond_all_bounds_the_kind_is_watched(reader, cache, monkeypatch):
    monkeypatch.setattr(reading, "MOST_PARTS", 2)
    reader.get(SECRET, "one", "shop")
    reader.get(SECRET, "three", "bank")
    assert reader.get(SECRET, "one", "shop")
    assert len(cache.scopes(SECRET)) == 2
    assert reader.get(SECRET, "any", "default") is None
    eventually(lambda: cache.scopes(SECRET) == (EVERYTHING,))


def test_single_objects_of_a_sensitive_kind_without_namespaces(reader, gate, cache, monkeypatch):
    monkeypatch.setattr(reading, "fields_of", lambda _: ((),))
    monkeypatch.setattr(reading, "MOST_SINGLE", 1)
    assert reader.get(CLASS, "n")
    assert cache.scopes(CLASS) == (Scope("", "n"),)
    assert gate.asked("ingressclasses")[0][1] == "metadata.name=n"
    with pytest.raises(gr.CacheError, match="not in the cache"):
        cache.list(CLASS)
    assert reader.get(CLASS, "other") is None
    eventually(lambda: cache.scopes(CLASS) == (EVERYTHING,))
    assert names(cache.list(CLASS)) == ["n"]


def test_single_objects_end_once_somebody_adds_the_kind(reader, cache):
    reader.get(SECRET, "one", "shop")
    cache.add(SECRET)
    cache.wait_for_sync([SECRET], timeout=45)
    assert names(cache.list(SECRET)) == ["three", "one", "two"]
    assert cache.kinds() == (SECRET,)
    eventually(lambda: cache.scopes(SECRET) == (EVERYTHING,))
    assert reader.get(SECRET, "one", "shop")


def test_a_sensitive_kind_in_a_cache_of_namespaces(gate):
    with gr.Cache(gate, pace=PACE, namespaces=["shop", "bank"]) as cache:
        reader = Reader(gate, cache, timeout=45)
        assert reader.get(SECRET, "one", "shop")
        assert cache.scopes(SECRET) == (Scope("shop", "one"),)
        assert names(reader.list(SECRET)) == ["three", "one", "two"]
        assert names(reader.list(MAP)) == ["c", "a", "b"]
        error = cause(reader.get, MAP, "a", "default")
        assert error.reason == "NotWatched"
        assert "v1/ConfigMap a in default: not readable: the namespace is not watched; add it to" in str(error)
        assert {path for path, _ in gate.asked("secrets")} == {SECRETS, "/api/v1/namespaces/bank/secrets"}


def test_a_kind_of_which_some_namespaces_are_watched_is_extended(gate):
    with gr.Cache(gate, pace=PACE, namespaces=["shop", "bank"]) as cache:
        cache.add(MAP, namespaces=["shop"])
        cache.wait_for_sync(timeout=45)
        reader = Reader(gate, cache, timeout=45)
        assert reader.get(MAP, "c", "bank")
        assert names(reader.list(MAP)) == ["c", "a", "b"]


def test_a_list_of_what_is_watched_in_part_is_no_part(gate):
    with gr.Cache(gate, pace=PACE, namespaces=["shop", "bank"]) as cache:
        cache.add(MAP, namespaces=["shop"])
        cache.wait_for_sync(timeout=45)
        assert names(Reader(gate, cache, timeout=45).list(MAP)) == ["c", "a", "b"]
    with gr.Cache(gate, pace=PACE, namespaces=["shop", "bank"]) as cache:
        cache.add(MAP, namespaces=["shop"])
        cache.wait_for_sync(timeout=45)
        assert names(Reader(gate, cache, timeout=45).list(MAP, "bank")) == ["c"]


def test_a_kind_that_somebody_else_has_begun_to_watch_is_waited_for(reader, gate, cache):
    arrived, released = threading.Event(), threading.Event()

    def hold(path, _query):
        if path == MAPS:
            arrived.set()
            released.wait(45)

    gate.refuses = hold
    cache.add(MAP)
    assert arrived.wait(45)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(reader.get, MAP, "a", "shop")
        assert not found.done()
        released.set()
        assert found.result(45)["data"] == {"x": "1"}


def test_what_has_failed_before_is_not_waited_for_again(reader, gate, cache, monkeypatch):
    gate.refuses = lambda path, _: Unreachable("no answer") if path == MAPS else None
    assert cause(Reader(gate, cache, timeout=0.05).get, MAP, "a", "shop").reason == "NotSynced"
    monkeypatch.setattr(cache, "wait_until_known", None)
    assert cause(reader.get, MAP, "a", "shop").reason == "NotSynced"


@pytest.mark.parametrize("bound", ["MOST_SINGLE", "MOST_PARTS"])
def test_an_object_that_is_not_known_yet_counts_as_watched(gate, cache, monkeypatch, bound):
    monkeypatch.setattr(reading, bound, 1)
    gate.refuses = lambda path, _: Unreachable("no answer") if path == SECRETS else None
    reader = Reader(gate, cache, timeout=0.05)
    for _ in range(2):
        assert cause(reader.get, SECRET, "one", "shop").reason == "NotSynced"
        assert cache.scopes(SECRET) == (Scope("shop", "one"),)


def test_an_error_that_stands_makes_what_is_known_not_readable(reader, cache):
    reader.list(MAP)
    doubt = Unreachable("GET: no answer to the question whether the server has gone back")
    cache._kinds[MAP]._scopes[EVERYTHING].state(synced=True, error=doubt, stale_since=None)
    error = cause(reader.get, MAP, "none", "shop")
    assert (error.reason, str(doubt) in str(error)) == ("NotSynced", True)


def test_metadata_alone(reader, gate, cache):
    found = reader.get(MAP, "a", "shop", metadata_only=True)
    assert set(found) == {"apiVersion", "kind", "metadata"}
    assert cache.has_metadata_alone(MAP)
    assert len(gate.asked("configmaps")) == 1
    assert reader.get(MAP, "a", "shop")["data"] == {"x": "1"}
    assert not cache.has_metadata_alone(MAP)
    assert set(reader.get(MAP, "a", "shop", metadata_only=True)) == {"apiVersion", "kind", "metadata"}
    assert [set(found) for found in reader.list(MAP, "bank", metadata_only=True)] == [
        {"apiVersion", "kind", "metadata"}
    ]
    assert len(gate.asked("configmaps")) == 2


def test_metadata_alone_of_a_sensitive_object(reader, cache):
    assert "data" not in reader.get(SECRET, "one", "shop", metadata_only=True)
    assert b"hunter" not in cache.record(SECRET, "one", namespace="shop").data
    assert b"aHVudGVyMg" not in cache.record(SECRET, "one", namespace="shop").data
    assert reader.get(SECRET, "one", "shop")["data"] == {"password": "aHVudGVyMg=="}
    assert cache.scopes(SECRET) == (Scope("shop", "one"),)


def test_what_is_forbidden_is_not_readable(reader, gate):
    gate.refuses = lambda path, _: refusal(403) if path == MAPS else None
    error = cause(reader.get, MAP, "a", "shop")
    assert error.reason == "Forbidden"
    text = str(error)
    assert text.startswith("v1/ConfigMap a in shop: not readable: forbidden: ")
    assert text.endswith("; grant get, list and watch")
    assert "all v1/ConfigMap in shop with app=web: not readable: forbidden" in str(
        cause(reader.list, MAP, "shop", "app=web")
    )
    gate.refuses = lambda *_: None
    eventually(lambda: not gate.refuses("", "") and _gives(lambda: reader.get(MAP, "a", "shop")))


def _gives(read):
    try:
        return read()
    except gr.NotReadable:
        return None


def test_a_kind_that_is_not_served(reader, cache):
    error = cause(reader.get, "example.dev/v1/Widget", "a", "shop")
    assert error.reason == "NotServed"
    assert str(error) == (
        "example.dev/v1/Widget a in shop: not readable: the server has no such kind; install its definition, and wait"
    )
    assert cache.kinds() == ()


def test_a_kind_that_cannot_be_watched(reader, cache, monkeypatch):
    served = dataclasses.replace(cache.discovery.get(MAP), verbs=frozenset({"get", "list"}))
    monkeypatch.setattr(cache.discovery, "get", lambda _: served)
    error = cause(reader.list, MAP)
    assert (error.reason, "the server cannot list and watch the kind" in str(error)) == ("NotServed", True)


def test_a_kind_that_ceases_to_be_served(gate, cache, fake):
    fake.create(definition())
    reader = Reader(gate, cache, timeout=45)
    widget = "example.dev/v1/Widget"
    eventually(lambda: _gives(lambda: reader.list(widget, "shop")) == [])
    fake.delete("apiextensions.k8s.io/v1/CustomResourceDefinition", "widgets.example.dev")
    eventually(lambda: _fails(lambda: reader.list(widget, "shop")))
    assert cause(reader.list, widget, "shop").reason == "NotServed"


def _fails(read):
    try:
        read()
    except gr.NotReadable:
        return True
    return False


def definition():
    versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}]
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    spec = {"group": "example.dev", "scope": "Namespaced", "names": names, "versions": versions}
    metadata = {"name": "widgets.example.dev"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": spec,
    }


def test_a_list_that_does_not_arrive(gate, cache):
    gate.refuses = lambda path, _: Unreachable("GET: no answer") if path == MAPS else None
    reader = Reader(gate, cache, timeout=0.05)
    error = cause(reader.get, MAP, "a", "shop")
    assert error.reason == "NotSynced"
    assert "v1/ConfigMap a in shop: not readable: GET: no answer; wait, or see to the cause" in str(error)
    gate.refuses = lambda *_: None
    eventually(lambda: _gives(lambda: reader.get(MAP, "a", "shop")))


def test_a_cache_that_was_not_started_knows_nothing(gate):
    reader = Reader(gate, gr.Cache(gate, pace=PACE), timeout=0.05)
    error = cause(reader.get, MAP, "none", "shop")
    assert error.reason == "NotSynced"
    assert "not synced: its list has not arrived within 0.05 s; wait" in str(error)


def test_what_is_stale_is_not_readable(reader, gate, fake):
    assert reader.get(MAP, "none", "shop") is None
    assert reader.get(CLASS, "none") is None
    gate.refuses = lambda path, _: Unreachable("GET: no answer") if path == MAPS else None
    fake.stop()
    eventually(lambda: _fails(lambda: reader.get(MAP, "none", "shop")))
    eventually(lambda: _reason(lambda: reader.get(MAP, "none", "shop")) == "Stale")
    text = str(cause(reader.get, MAP, "none", "shop"))
    assert "v1/ConfigMap none in shop: not readable: stale since 20" in text
    assert text.endswith("+00:00: GET: no answer; wait, or see to the cause")


def _reason(read):
    try:
        read()
    except gr.NotReadable as error:
        return error.reason
    return ""


def test_a_stopped_cache_is_stale(gate):
    with gr.Cache(gate, pace=PACE) as cache:
        reader = Reader(gate, cache, timeout=45)
        assert reader.get(MAP, "a", "shop")
    assert cause(reader.get, MAP, "a", "shop").reason == "Stale"
    assert cause(reader.get, SECRET, "one", "shop").reason == "Unreadable"


def test_beyond_the_limit_nothing_new_is_watched(gate, cache):
    reader = Reader(gate, cache, timeout=45, cache_limit=1)
    assert len(reader.list(MAP)) == 3
    assert cache.size() > 3 * 1000
    for read in (lambda: reader.list(CLASS), lambda: reader.get(SECRET, "one", "shop")):
        error = cause(read)
        assert error.reason == "CacheLimit"
        assert "not readable: it is not watched yet, and the cache holds 4." in str(error)
        assert str(error).endswith(" KiB of 1 bytes; raise cache_limit, or read with metadata_only")
    assert "all networking.k8s.io/v1/IngressClass: " in str(cause(reader.list, CLASS))
    assert len(reader.list(MAP, "shop")) == 2
    assert gate.asked("ingressclasses") == gate.asked("secrets") == []
    assert len(Reader(gate, cache, timeout=45, cache_limit=cache.size() + 1).list(CLASS)) == 1


def test_the_size_of_the_cache_is_that_of_its_objects(reader, cache, fake):
    reader.list(MAP)
    before = cache.size()
    fake.create(obj(MAP, "large", data={"x": "y" * 100_000}))
    eventually(lambda: reader.get(MAP, "large", "shop"))
    assert 100_000 < cache.size() - before < 103_000
    fake.delete("v1/ConfigMap", "large", namespace="shop")
    eventually(lambda: cache.size() == before)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ((MAP, "a", ""), "namespace: not usable: '' does not fit v1/ConfigMap: the kind has namespaces; give one"),
        ((SECRET, "one", ""), "namespace: not usable: '' does not fit v1/Secret: the kind has namespaces; give one"),
        (
            (CLASS, "n", "shop"),
            "namespace: not usable: 'shop' does not fit networking.k8s.io/v1/IngressClass: the kind has no namespace",
        ),
        ((MAP, "", "shop"), "name: not usable: '' is no name; give the object's, or call list()"),
    ],
)
def test_a_place_that_does_not_fit_the_kind_is_refused(reader, gate, place, told):
    with pytest.raises(gr.InputError, match=r"not usable") as caught:
        reader.get(*place)
    assert told in str(caught.value)
    assert not gate.watches


def test_a_list_in_a_namespace_that_the_kind_has_not_is_refused(reader):
    with pytest.raises(gr.InputError, match="the kind has no namespace; leave it out"):
        reader.list(CLASS, "shop")
    with pytest.raises(gr.LoadError, match="label selector"):
        reader.list(MAP, "shop", "a=b=c")


@pytest.mark.parametrize("settings", [{"timeout": 0}, {"timeout": None}, {"cache_limit": -1}, {"cache_limit": 1.5}])
def test_settings_are_checked(gate, cache, settings):
    with pytest.raises(gr.InputError, match="not usable"):
        Reader(gate, cache, **settings)


def test_an_object_that_cannot_be_read_is_not_absent(reader, cache):
    reader.list(MAP)
    deep = gr.Record("shop", "deep", "u", 10**9, {}, (), deleting=False, data=nested(100_000))
    cache._kinds[MAP].store.upsert(deep)
    error = cause(reader.get, MAP, "deep", "shop")
    assert (error.reason, "nested too deeply" in str(error)) == ("Unreadable", True)


def freeze(gate):
    """From now on watches are well, and bring nothing."""

    @contextlib.contextmanager
    def silent(_path, **_):
        gone = threading.Event()
        Interrupt.current().register(gone.set)
        yield nothing(gone)

    gate.stream = silent


def nothing(gone):
    gone.wait()
    yield from ()


def test_what_is_absent_is_confirmed_by_the_server(reader, gate, fake):
    assert reader.confirm(Read(MAP, "shop", "a"))[0]["data"] == {"x": "1"}
    assert reader.confirm(Read(MAP, "shop", "none")) == []
    assert names(reader.confirm(Read(MAP))) == ["c", "a", "b"]
    assert names(reader.confirm(Read(MAP, "shop"))) == ["a", "b"]
    assert names(reader.confirm(Read(MAP, selector=parse("app=web")))) == ["c", "a"]
    assert names(reader.confirm(Read(CLASS, "", "n"))) == names(reader.confirm(Read(CLASS))) == ["n"]
    assert gate.watches == []
    assert all("resourceVersion" not in query for _, query in gate.lists)
    fake.create(obj(MAP, "none"))
    assert names(reader.confirm(Read(MAP, "shop", "none"))) == ["none"]


def test_confirmed_objects_are_as_those_of_the_cache(reader):
    assert reader.confirm(Read(MAP, "shop", "a")) == [reader.get(MAP, "a", "shop")]
    assert reader.confirm(Read(MAP)) == reader.list(MAP)
    metadata = reader.confirm(Read(MAP), metadata_only=True)
    assert metadata == reader.list(MAP, metadata_only=True)
    assert [set(found) for found in metadata] == [{"apiVersion", "kind", "metadata"}] * 3
    assert "managedFields" not in metadata[0]["metadata"]


def test_many_are_confirmed_page_by_page_and_again_after_an_expired_page(reader, gate, fake):
    for number in range(501):
        fake.create(obj(MAP, f"m-{number:03}", "default", {"m": "y"}))
    assert len(reader.confirm(Read(MAP, "default", selector=parse("m=y")))) == 501
    expired = []

    def refuses(_path, query):
        if "continue" in query:
            expired.append(query)
            return refusal(410)
        return None

    gate.refuses = refuses
    assert len(reader.confirm(Read(MAP, "default", selector=parse("m=y")))) == 501
    assert len(expired) == 1
    assert all(query["labelSelector"] == "m=y" for path, query in gate.lists if path.endswith("default/configmaps"))


@pytest.mark.parametrize(
    ("error", "reason"),
    [(refusal(403), "Forbidden"), (refusal(404), "NotServed"), (Unreachable("no answer"), "NotSynced")],
)
@pytest.mark.parametrize("read", [Read(MAP, "shop", "a"), Read(MAP, "shop")])
def test_what_the_server_does_not_say_is_not_confirmed(reader, gate, error, reason, read):
    gate.refuses = lambda path, _: error if "/configmaps" in path else None
    found = cause(reader.confirm, read)
    assert found.reason == reason
    assert str(found).startswith(f"{read}: not readable: ")


def test_namespaces_alone_are_asked_where_the_cache_has_no_others(gate):
    with gr.Cache(gate, pace=PACE, namespaces=["shop", "bank"]) as cache:
        found = Reader(gate, cache).confirm(Read(MAP))
    assert names(found) == ["c", "a", "b"]
    assert {path for path, _ in gate.asked("configmaps")} == {
        "/api/v1/namespaces/bank/configmaps",
        "/api/v1/namespaces/shop/configmaps",
    }


def test_reads_are_not_older_than_an_object_that_came_from_elsewhere(gate, fake):
    freeze(gate)
    with gr.Cache(gate, pace=PACE) as cache:
        reader = Reader(gate, cache, timeout=45)
        reader.list(MAP)
        reader.get(SECRET, "one", "shop")
        seen = fake.patch("v1/ConfigMap", "a", {"op": "add", "path": "/data/x", "value": "2"}, namespace="shop")
        fake.patch("v1/Secret", "one", {"op": "add", "path": "/data/y", "value": "Mg=="}, namespace="shop")
        made = fake.create(obj(MAP, "late"))
        assert reader.get(MAP, "a", "shop")["data"] == {"x": "1"}
        reader.not_older_than(seen)
        assert reader.get(MAP, "a", "shop")["data"] == {"x": "2"}
        assert "y" not in reader.get(SECRET, "one", "shop")["data"]
        reader.not_older_than(made["metadata"]["resourceVersion"], [Read(SECRET, "shop", "one"), Read(MAP, "shop")])
        assert reader.get(SECRET, "one", "shop")["data"]["y"] == "Mg=="
        assert uid_of(reader.get(MAP, "late", "shop")) == uid_of(made)
        with pytest.raises(gr.LoadError, match="not_older_than"):
            reader.not_older_than("x")


def test_what_cannot_become_as_new_is_not_readable(gate, fake):
    freeze(gate)
    with gr.Cache(gate, pace=PACE) as cache:
        Reader(gate, cache, timeout=45).list(MAP)
        seen = fake.create(obj(MAP, "late"))
        gate.refuses = lambda path, _: Unreachable("no answer") if "configmaps" in path else None
        reader = Reader(gate, cache, timeout=0.05)
        assert str(cause(reader.not_older_than, seen)).startswith("ConfigMap shop/late: not readable: ")
        assert cause(reader.not_older_than, seen["metadata"]["resourceVersion"], [Read(MAP)]).reason == "NotSynced"


def test_an_object_of_a_quiet_kind_costs_one_request(reader, gate, cache, fake):
    reader.list(MAP)
    reader.get(CLASS, "n")
    waits = []
    wait_for = cache._kinds[MAP].store.wait_for
    cache._kinds[MAP].store.wait_for = lambda *given: waits.append(given[-1]) or wait_for(*given)
    seen = fake.patch(
        "networking.k8s.io/v1/IngressClass", "n", {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}
    )
    asked = len(gate.lists)
    reader.not_older_than(seen["metadata"]["resourceVersion"], [Read(MAP, "shop", "a")])
    assert waits == [0.05]
    assert [path for path, _ in gate.lists[asked:]] == ["/api/v1/namespaces/shop/configmaps/a"]
    assert reader.get(MAP, "a", "shop")
