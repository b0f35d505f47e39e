"""Reads of a controller's function on a real API server: what is watched, under which rights; absence is proved."""

import json
import uuid
from collections import Counter

import pytest

import genreconcile as gr
from genreconcile import gojson
from genreconcile.cache.scope import Scope
from genreconcile.controllers.dependencies import Dependencies
from genreconcile.controllers.reading import MOST_SINGLE, Reader
from genreconcile.controllers.reads import Read
from genreconcile.objects import GVK
from genreconcile.selector import parse
from support.api.passing import Passing
from support.eventually import eventually
from support.objects import definition, struct, version

MAP, SECRET = GVK("", "v1", "ConfigMap"), GVK("", "v1", "Secret")
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WAIT = 60


class Noting(Passing):
    """Notes (path, fieldSelector) of lists and watches."""

    def __init__(self, cluster):
        super().__init__(cluster)
        self.lists, self.watches = [], []

    def request(self, method, path, **settings):
        self.lists.append((path, (settings.get("query") or {}).get("fieldSelector", "")))
        return super().request(method, path, **settings)

    def stream(self, path, **settings):
        self.watches.append((path, settings["query"].get("fieldSelector", "")))
        return self.cluster.stream(path, **settings)


@pytest.fixture(scope="module")
def admin(control_plane):
    opened = gr.connect(kubeconfig=str(control_plane.kubeconfig))
    yield opened
    opened.close()


@pytest.fixture
def noting(admin):
    return Noting(admin)


@pytest.fixture
def cache(noting):
    with gr.Cache(noting) as opened:
        yield opened


@pytest.fixture
def reader(noting, cache):
    return Reader(noting, cache, timeout=WAIT)


def path(namespace, resource, name=""):
    return "/".join(filter(None, ("/api/v1/namespaces", namespace, resource, name)))


def create(cluster, collection, name, labels=None, **content):
    body = gojson.dumps({"metadata": {"name": name, "labels": labels or {}}, **content})
    return json.loads(cluster.request("POST", collection, body=body))


def names(objects):
    return [found["metadata"]["name"] for found in objects]


def reason(read):
    """Why it is not readable, "" where it is."""
    try:
        read()
    except gr.NotReadable as error:
        return error.reason
    return ""


def test_an_object_comes_changes_and_goes(reader, admin, namespace):
    maps = path(namespace, "configmaps")
    assert reader.get(MAP, "a", namespace) is None
    create(admin, maps, "a", data={"x": "1"})
    eventually(lambda: reader.get(MAP, "a", namespace))
    create(admin, maps, "b", {"app": "web"})
    eventually(lambda: names(reader.list(MAP, namespace, "app=web")) == ["b"])
    admin.request("DELETE", f"{maps}/a")
    eventually(lambda: reader.get(MAP, "a", namespace) is None)


def test_of_secrets_the_one_that_is_read_is_watched(reader, noting, cache, admin, namespace):
    secrets = path(namespace, "secrets")
    create(admin, secrets, "one", stringData={"a": "b"})
    create(admin, secrets, "two", stringData={"a": "b"})
    assert reader.get(SECRET, "one", namespace)["data"] == {"a": "Yg=="}
    assert reader.get(SECRET, "absent", namespace) is None
    selectors = {"metadata.name=one", "metadata.name=absent"}
    assert {selector for asked, selector in noting.lists if asked == secrets} == selectors
    eventually(lambda: {selector for asked, selector in noting.watches if asked == secrets} == selectors)
    assert sorted(cache._kinds[SECRET].store._records) == [(namespace, "one")]
    body = gojson.dumps([{"op": "replace", "path": "/data/a", "value": "Yw=="}])
    admin.request("PATCH", f"{secrets}/one", body=body, content_type="application/json-patch+json")
    eventually(lambda: reader.get(SECRET, "one", namespace)["data"] == {"a": "Yw=="})
    create(admin, secrets, "absent")
    eventually(lambda: reader.get(SECRET, "absent", namespace))
    admin.request("DELETE", f"{secrets}/one")
    eventually(lambda: reader.get(SECRET, "one", namespace) is None)


def test_beyond_fifty_the_namespace_is_watched_and_nothing_is_missed(reader, noting, cache, admin, namespace):
    secrets = path(namespace, "secrets")
    heard = Counter()
    cache.subscribe(lambda event: heard.update([(event.type, event.key.name)]))
    for number in range(MOST_SINGLE):
        assert reader.get(SECRET, f"s-{number}", namespace) is None
    assert len(cache.scopes(SECRET)) == MOST_SINGLE
    assert reader.get(SECRET, "one-more", namespace) is None
    assert (secrets, "") in noting.lists
    for number in range(MOST_SINGLE):
        create(admin, secrets, f"s-{number}")
    eventually(lambda: len(reader.list(SECRET, namespace)) == MOST_SINGLE)
    eventually(lambda: cache.scopes(SECRET) == (Scope(namespace),))
    assert heard == {("ADDED", f"s-{number}"): 1 for number in range(MOST_SINGLE)}


@pytest.fixture
def user(control_plane, admin, namespace):
    """An account that may see one Secret, and the ConfigMaps of a namespace."""
    name = f"user-{uuid.uuid4().hex[:8]}"
    rules = [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"], "resourceNames": ["mine"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]},
    ]
    create(admin, f"{ROLES.format(namespace)}/roles", name, rules=rules)
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}]
    create(admin, f"{ROLES.format(namespace)}/rolebindings", name, roleRef=role, subjects=subjects)
    opened = gr.connect(kubeconfig=str(control_plane.user_kubeconfig(name)))
    eventually(lambda: not _is_forbidden(opened, path(namespace, "configmaps")))
    yield opened
    opened.close()


def _is_forbidden(cluster, at):
    try:
        cluster.request("GET", at)
    except gr.Forbidden:
        return True
    return False


def test_an_account_that_may_see_one_secret_reads_it_and_no_other(user, admin, namespace):
    secrets = path(namespace, "secrets")
    create(admin, secrets, "mine", stringData={"a": "b"})
    create(admin, secrets, "other")
    with gr.Cache(user, namespaces=[namespace]) as cache:
        reader = Reader(user, cache, timeout=WAIT)
        assert reader.get(SECRET, "mine", namespace)["data"] == {"a": "Yg=="}
        with pytest.raises(gr.NotReadable, match=r"v1/Secret other in .*: not readable: forbidden: ") as caught:
            reader.get(SECRET, "other", namespace)
        assert caught.value.reason == "Forbidden"
        assert reason(lambda: reader.list(SECRET, namespace)) == "Forbidden"
        assert reason(lambda: reader.confirm(Read(SECRET, namespace, "other"))) == "Forbidden"
        assert names(reader.confirm(Read(SECRET, namespace, "mine"))) == ["mine"]
        assert reader.list(MAP, namespace, "app=web") == []
        assert reason(lambda: reader.get(MAP, "a", "default")) == "NotWatched"
        admin.request("DELETE", f"{secrets}/mine")
        eventually(lambda: reader.get(SECRET, "mine", namespace) is None)


def test_what_is_forbidden_is_read_once_it_is_granted_and_not_readable_once_that_ends(user, admin, namespace):
    binding = f"{ROLES.format(namespace)}/rolebindings"
    granted = json.loads(admin.request("GET", binding))["items"][0]
    name = granted["metadata"]["name"]
    with gr.Cache(user, namespaces=[namespace], pace=gr.Pace(watch=1.0, longest_backoff=0.5)) as cache:
        reader = Reader(user, cache, timeout=WAIT)
        assert reader.get(MAP, "none", namespace) is None
        admin.request("DELETE", f"{binding}/{name}")
        eventually(lambda: reason(lambda: reader.get(MAP, "none", namespace)) in {"Forbidden", "Stale"}, timeout=WAIT)
        create(admin, binding, name, roleRef=granted["roleRef"], subjects=granted["subjects"])
        eventually(lambda: not reason(lambda: reader.get(MAP, "none", namespace)), timeout=WAIT)


def test_a_kind_that_is_not_served_yet(reader, admin, namespace):
    group = f"g{uuid.uuid4().hex[:8]}.genreconcile.dev"
    kind = f"{group}/v1/Gadget"
    assert reason(lambda: reader.list(kind, namespace)) == "NotServed"
    plural = {"plural": "gadgets", "singular": "gadget"}
    made = definition(group, version("v1", struct()), kind="Gadget", names=plural)
    admin.request("POST", DEFINITIONS, body=gojson.dumps(made))
    eventually(lambda: not reason(lambda: reader.list(kind, namespace)), timeout=WAIT)
    assert reader.list(kind, namespace) == []
    admin.request("DELETE", f"{DEFINITIONS}/{made['metadata']['name']}")
    eventually(lambda: reason(lambda: reader.list(kind, namespace)) == "NotServed", timeout=2 * WAIT)


def test_metadata_alone(reader, cache, admin, namespace):
    create(admin, path(namespace, "configmaps"), "a", {"app": "web"}, data={"x": "y"})
    found = reader.list(MAP, namespace, "app=web", metadata_only=True)
    assert [set(one) for one in found] == [{"apiVersion", "kind", "metadata"}]
    assert found[0]["kind"] == "ConfigMap"
    assert b'"data"' not in cache.record(MAP, "a", namespace=namespace).data
    assert found == reader.confirm(Read(MAP, namespace, selector=parse("app=web")), metadata_only=True)
    assert reader.get(MAP, "a", namespace)["data"] == {"x": "y"}


def test_the_server_confirms_what_is_absent(reader, admin, namespace):
    maps = path(namespace, "configmaps")
    read, web = Read(MAP, namespace, "a"), Read(MAP, namespace, selector=parse("app=web"))
    assert reader.confirm(read) == reader.confirm(web) == []
    create(admin, maps, "a", {"app": "web"}, data={"x": "y"})
    assert names(reader.confirm(read)) == names(reader.confirm(web)) == ["a"]
    assert reader.confirm(Read(MAP, namespace, selector=parse("app!=web,app"))) == []
    eventually(lambda: reader.get(MAP, "a", namespace))
    assert reader.confirm(read) == [reader.get(MAP, "a", namespace)]


def test_reads_are_as_new_as_what_was_seen_elsewhere(reader, admin, namespace):
    maps = path(namespace, "configmaps")
    reader.list(MAP, namespace)
    reader.get(SECRET, "s", namespace)
    for number in range(10):
        seen = create(admin, maps, f"m-{number}")
        made = create(admin, path(namespace, "secrets"), "s") if number == 0 else seen
        reader.not_older_than(seen)
        assert reader.get(MAP, f"m-{number}", namespace)
    reader.not_older_than(made["metadata"]["resourceVersion"], [Read(SECRET, namespace, "s"), Read(MAP, namespace)])
    assert reader.get(SECRET, "s", namespace)


def test_what_was_read_wakes(reader, cache, admin, namespace):
    dependencies, woken = Dependencies(), []
    cache.subscribe(lambda event: woken.extend(dependencies.woken(event)))
    maps, secrets = path(namespace, "configmaps"), path(namespace, "secrets")
    reads = {"secret": Read(SECRET, namespace, "s"), "web": Read(MAP, namespace, selector=parse("app=web"))}
    for parent, read in reads.items():
        dependencies.add(parent, [read])
    assert reader.get(SECRET, "s", namespace) is None
    assert reader.list(MAP, namespace, "app=web") == []
    create(admin, secrets, "s")
    eventually(lambda: woken == ["secret"])
    create(admin, maps, "a", {"app": "web"})
    eventually(lambda: woken == ["secret", "web"])
    body = gojson.dumps([{"op": "replace", "path": "/metadata/labels/app", "value": "db"}])
    admin.request("PATCH", f"{maps}/a", body=body, content_type="application/json-patch+json")
    eventually(lambda: woken == ["secret", "web", "web"])
    body = gojson.dumps([{"op": "add", "path": "/data", "value": {"x": "y"}}])
    admin.request("PATCH", f"{maps}/a", body=body, content_type="application/json-patch+json")
    create(admin, maps, "b", {"app": "web"})
    eventually(lambda: woken == ["secret", "web", "web", "web"])
    assert reader.get(MAP, "a", namespace)["data"] == {"x": "y"}
