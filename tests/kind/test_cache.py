"""The cache on a real API server."""

import contextlib
import json
import random
import threading
import time
import uuid

import pytest

from genreconcile import gojson
from genreconcile.cache import Cache
from genreconcile.cache.retention import Retention
from genreconcile.cache.wire import read_page, token_ahead
from genreconcile.cluster import connect
from genreconcile.errors import Conflict, Forbidden, NotFound, NotSynced, Throttled
from genreconcile.kinds.discovery import Discovery
from genreconcile.objects import GVK, ObjectKey, resource_version_of, uid_of
from support.api.passing import Passing
from support.eventually import eventually
from support.objects import definition, struct, version

CONFIG_MAP = GVK("", "v1", "ConfigMap")
NAMESPACE = GVK("", "v1", "Namespace")
EVENT = GVK("events.k8s.io", "v1", "Event")
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture(scope="module")
def cluster(control_plane):
    opened = connect(kubeconfig=str(control_plane.kubeconfig))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def discovery(cluster):
    return Discovery(cluster)


@pytest.fixture(scope="module")
def maps(discovery):
    return discovery.get(CONFIG_MAP)


@pytest.fixture(params=[{}, {"compress": True}, {"watch_list": True}], ids=["plain", "packed", "streamed"])
def cache(request, cluster, discovery, namespace):
    with Cache(cluster, [CONFIG_MAP], namespaces=[namespace], discovery=discovery, **request.param) as opened:
        opened.wait_for_sync(timeout=20)
        yield opened


def create(cluster, path, name, **content):
    metadata = {"name": name, **content.pop("metadata", {})}
    return json.loads(cluster.request("POST", path, body=gojson.dumps({"metadata": metadata, **content})))


def patch(cluster, path, *operations):
    body = gojson.dumps(operations)
    return json.loads(cluster.request("PATCH", path, body=body, content_type="application/json-patch+json"))


def reader_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("genreconcile/")]


def test_objects_from_before_and_after_the_list(cluster, maps, cache, namespace):
    path = maps.path(namespace)
    made = create(
        cluster, path, "a", data={"k": "1"}, metadata={"labels": {"app": "web"}, "annotations": {LAST_APPLIED: "{}"}}
    )
    key = ObjectKey.of({"apiVersion": "v1", "kind": CONFIG_MAP.kind, **made})
    assert cache.wait_for(maps, key, resource_version_of(made), 20)
    found = cache.get(CONFIG_MAP, "a", namespace=namespace)
    assert found["data"] == {"k": "1"}
    assert (found["apiVersion"], found["kind"]) == ("v1", CONFIG_MAP.kind)
    assert found["metadata"]["annotations"] == {}
    assert "managedFields" not in found["metadata"]
    with Cache(cluster, [CONFIG_MAP], namespaces=[namespace]) as listed:
        listed.wait_for_sync(timeout=20)
        assert listed.get(CONFIG_MAP, "a", namespace=namespace) == found
        assert listed.list(CONFIG_MAP, selector="app=web") == [found]


def test_own_writes_and_deletions_are_read_at_once(cluster, maps, cache, namespace):
    path = maps.path(namespace)
    for number in range(20):
        made = create(cluster, path, "a", data={"n": "0"})
        cache.record_write(maps, gojson.dumps(made))
        assert cache.get(CONFIG_MAP, "a", namespace=namespace)["data"] == {"n": "0"}
        changed = patch(cluster, f"{path}/a", {"op": "replace", "path": "/data/n", "value": str(number)})
        cache.record_write(maps, gojson.dumps(changed))
        assert cache.get(CONFIG_MAP, "a", namespace=namespace)["data"] == {"n": str(number)}
        cluster.request("DELETE", f"{path}/a")
        cache.record_delete(maps, ObjectKey("", CONFIG_MAP.kind, namespace, "a"), uid_of(made))
        assert cache.get(CONFIG_MAP, "a", namespace=namespace) is None


def test_more_than_a_page_and_the_same_as_a_list(cluster, maps, namespace):
    path = maps.path(namespace)
    for number in range(505):
        create(cluster, path, f"n{number}")
    with (
        Cache(cluster, [CONFIG_MAP], namespaces=[namespace]) as paged,
        Cache(cluster, [CONFIG_MAP], namespaces=[namespace], watch_list=True) as streamed,
    ):
        paged.wait_for_sync(timeout=20)
        streamed.wait_for_sync(timeout=20)
        assert names(paged, namespace) == listed(cluster, path)
        assert streamed.list(CONFIG_MAP) == paged.list(CONFIG_MAP)


@pytest.mark.parametrize(
    "accept", [Retention().accept, Retention(metadata_only=True).accept], ids=["whole", "metadata"]
)
def test_the_head_of_a_page_tells_the_next_one(cluster, maps, namespace, accept):
    for name in ("a", "b"):
        create(cluster, maps.path(namespace), name)
    data = cluster.request("GET", maps.path(namespace), query={"limit": "1"}, accept=accept.of_lists)
    found = read_page(data)
    assert found.metadata.continue_
    assert token_ahead(data[: data.index(bytes(found.items[0]))]) == found.metadata.continue_


@pytest.mark.parametrize("metadata_only", [False, True], ids=["whole", "metadata"])
def test_a_streaming_list_needs_no_list(cluster, maps, namespace, monkeypatch, metadata_only):
    create(cluster, maps.path(namespace), "a", data={"k": "1"})
    monkeypatch.setattr(cluster, "request", lambda *args, **_: pytest.fail(f"it asked: {args}"))
    cache = Cache(cluster, namespaces=[namespace], discovery=Known(maps), watch_list=True)
    cache.add(CONFIG_MAP, metadata_only=metadata_only)
    with cache:
        cache.wait_for_sync(timeout=20)
        found = cache.get(CONFIG_MAP, "a", namespace=namespace)
    assert found.get("data") == (None if metadata_only else {"k": "1"})


class Known:
    """A discovery that knows one kind, and asks nobody."""

    def __init__(self, resource):
        self._resource = resource

    def get(self, _):
        return self._resource


def names(cache, namespace):
    records = cache.records(CONFIG_MAP, namespace=namespace)
    return {record.name: str(record.resource_version) for record in records}


def listed(cluster, path):
    return {
        found["metadata"]["name"]: found["metadata"]["resourceVersion"]
        for found in json.loads(cluster.request("GET", path))["items"]
    }


class Versions:
    """A subscriber that notes where an object went back."""

    def __init__(self):
        self.newest = {}
        self.backwards = []

    def __call__(self, event):
        version = int(event.resource_version)
        if event.type != "DELETED" and version < self.newest.get(event.key, 0):
            self.backwards.append(event)
        self.newest[event.key] = max(version, self.newest.get(event.key, 0))


def write_at_random(cluster, maps, namespace, seed, cache):
    """``cache`` None: another controller, of whose writes only the watch tells."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    path = maps.path(namespace)
    for _ in range(60):
        name = f"n{dice.randrange(6)}"
        action = dice.choice(["create", "patch", "delete"])
        with contextlib.suppress(NotFound, Conflict):
            if action == "delete":
                uid = json.loads(cluster.request("DELETE", f"{path}/{name}"))["details"]["uid"]
                if cache:
                    cache.record_delete(maps, ObjectKey("", CONFIG_MAP.kind, namespace, name), uid)
                continue
            operation = {"op": "add", "path": "/data/k", "value": str(dice.random())}
            answer = (
                create(cluster, path, name, data={"k": "0"})
                if action == "create"
                else patch(cluster, f"{path}/{name}", operation)
            )
            if cache:
                cache.record_write(maps, gojson.dumps(answer))


def test_after_many_random_writes_the_cache_is_the_list(cluster, maps, cache, namespace):
    """Invariants I3 and I4."""
    versions = Versions()
    cache.subscribe(versions)
    writers = [
        threading.Thread(target=write_at_random, args=(cluster, maps, namespace, seed, cache if seed % 2 else None))
        for seed in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    eventually(lambda: names(cache, namespace) == listed(cluster, maps.path(namespace)))
    assert versions.newest
    assert versions.backwards == []


@pytest.fixture
def custom_kinds(cluster):
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    kinds = []
    for kind in ("Gizmo", "Gadget"):
        plural = f"{kind.lower()}s"
        schema = struct(spec={"type": "object", "x-kubernetes-preserve-unknown-fields": True})
        create(cluster, CRD, f"{plural}.{group}", **definition(group, version("v1", schema), kind=kind))
        kinds.append(GVK(group, "v1", kind))
    yield kinds
    for kind in kinds:
        with contextlib.suppress(NotFound):
            cluster.request("DELETE", f"{CRD}/{kind.kind.lower()}s.{group}")


def test_two_custom_kinds_that_appear_and_go_while_running(cluster, discovery, cache, custom_kinds, namespace):
    for kind in custom_kinds:
        eventually(lambda kind=kind: discovery.get(kind, refresh=True))
        cache.add(kind)
    cache.wait_for_sync(timeout=20)
    for kind in custom_kinds:
        resource = discovery.get(kind)
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "spec": {"of": kind.kind}}
        made = create(cluster, resource.path(namespace), "one", **body)
        assert cache.wait_for(resource, ObjectKey.of(made), resource_version_of(made), 20)
        assert cache.get(kind, "one", namespace=namespace)["spec"] == {"of": kind.kind}

    first, second = custom_kinds
    cluster.request("DELETE", f"{CRD}/{discovery.get(first).plural}.{first.group}")
    eventually(lambda: not cache.has_synced(first) or cache.list(first) == [], timeout=60)
    eventually(lambda: isinstance(cache.error(first), NotFound), timeout=60)
    with pytest.raises(NotSynced, match="404"):
        cache.list(first)
    assert len(cache.list(second)) == 1


def test_a_forbidden_kind_is_unknown(control_plane, namespace):
    nobody = connect(kubeconfig=str(control_plane.user_kubeconfig("nobody")))
    with Cache(nobody, [CONFIG_MAP], namespaces=[namespace]) as cache:
        with pytest.raises(NotSynced, match=r"ConfigMap: not synced: .* 403 Forbidden: .* cannot list"):
            cache.wait_for_sync(timeout=20)
        assert isinstance(cache.error(CONFIG_MAP), Forbidden)


def test_stop_while_all_watches_are_silent(cluster, discovery):
    before = reader_threads()
    cache = Cache(cluster, [CONFIG_MAP, NAMESPACE, EVENT], discovery=discovery)
    cache.start()
    cache.wait_for_sync(timeout=20)
    assert len(reader_threads()) == len(before) + 3
    eventually(lambda: len(cluster._transport._streams) >= 3)
    started = time.monotonic()
    cache.stop()
    assert time.monotonic() - started < 20
    assert reader_threads() == before


def test_a_synced_cache_sends_nothing(cluster, cache, namespace):
    sent = []
    original = cluster.request
    cluster.request = lambda *args, **options: sent.append(args) or original(*args, **options)
    try:
        for _ in range(50):
            cache.list(CONFIG_MAP, namespace=namespace)
            cache.get(CONFIG_MAP, "none", namespace=namespace)
    finally:
        del cluster.request
    assert sent == []


class Stale(Passing):
    """Asks for the first watch from a version that the server has forgotten."""

    def __init__(self, cluster):
        super().__init__(cluster)
        self.lists = 0
        self.watches = []

    def request(self, method, path, **options):
        self.lists += 1
        return super().request(method, path, **options)

    def stream(self, path, *, query, read_timeout, **accept):
        self.watches.append(query["resourceVersion"])
        stale = {"resourceVersion": "1"} if len(self.watches) == 1 else {}
        return self.cluster.stream(path, query={**query, **stale}, read_timeout=read_timeout, **accept)


def test_an_expired_version_leads_to_one_list(cluster, discovery, custom_kinds, namespace):
    """The server's watch cache of a new kind begins at the kind's creation, so it has never known version 1."""
    kind = custom_kinds[0]
    eventually(lambda: discovery.get(kind, refresh=True))
    resource = discovery.get(kind)
    path = resource.path(namespace)
    body = {"apiVersion": kind.api_version, "kind": kind.kind}
    eventually(lambda: is_served(cluster, path))
    create(cluster, path, "a", **body)
    stale = Stale(cluster)
    with Cache(stale, [resource], namespaces=[namespace]) as cache:
        eventually(lambda: len(stale.watches) == 2)
        made = create(cluster, path, "b", **body)
        assert cache.wait_for(resource, ObjectKey.of(made), resource_version_of(made), 20)
        assert [record.name for record in cache.records(resource)] == ["a", "b"]
    assert stale.lists == 2


def is_served(cluster, path):
    """A new kind is first unknown, and then answers 429: storage is (re)initializing."""
    try:
        cluster.request("GET", path)
    except (NotFound, Throttled):
        return False
    return True


def test_metadata_only_until_more_is_wanted(cluster, maps, discovery, namespace):
    create(cluster, maps.path(namespace), "a", data={"k": "v" * 1000}, metadata={"labels": {"app": "x"}})
    with Cache(cluster, namespaces=[namespace], discovery=discovery) as cache:
        cache.add(CONFIG_MAP, metadata_only=True)
        cache.wait_for_sync(timeout=20)
        (found,) = cache.list(CONFIG_MAP, selector="app=x")
        assert found.keys() == {"apiVersion", "kind", "metadata"}
        assert (found["apiVersion"], found["kind"], found["metadata"]["name"]) == ("v1", "ConfigMap", "a")
        create(cluster, maps.path(namespace), "b", data={"k": "v"}, metadata={"labels": {"app": "x"}})
        eventually(lambda: len(cache.list(CONFIG_MAP, selector="app=x")) == 2)
        assert "data" not in cache.get(CONFIG_MAP, "b", namespace=namespace)
        cache.add(CONFIG_MAP, metadata_only=True)
        assert cache.has_synced(CONFIG_MAP)
        cache.add(CONFIG_MAP)
        cache.wait_for_sync(timeout=20)
        assert cache.get(CONFIG_MAP, "b", namespace=namespace)["data"] == {"k": "v"}
        create(cluster, maps.path(namespace), "c", data={"k": "v"})
        eventually(lambda: cache.get(CONFIG_MAP, "c", namespace=namespace))
        assert "data" in cache.get(CONFIG_MAP, "c", namespace=namespace)
