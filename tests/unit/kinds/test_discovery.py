import threading

import pytest

from genreconcile.errors import ClusterError, InputError, Unreachable
from genreconcile.kinds.discovery import Discovery, Resource
from genreconcile.objects import GVK
from support.api.scripted import ScriptedCluster, status

WIDGET = GVK("example.com", "v1", "Widget")
POD_LIKE = GVK("", "v1", "Thing")
NAMESPACED = Resource(WIDGET, "widgets", namespaced=True)
GLOBAL = Resource(POD_LIKE, "things", namespaced=False)


def unit(plural, kind, *, scope="Namespaced", sub=(), **more):
    subresources = [{"subresource": name, "verbs": ["get"]} for name in sub]
    response = {"group": "ignored", "version": "", "kind": kind}
    return {
        "resource": plural,
        "responseKind": response,
        "scope": scope,
        "verbs": ["list"],
        "subresources": subresources,
        **more,
    }


def group(name, version, *units, freshness="Current"):
    versions = [{"version": version, "resources": list(units), "freshness": freshness}]
    return {"metadata": {"name": name} if name else {"creationTimestamp": None}, "versions": versions}


def aggregated(*groups):
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": list(groups)}


CORE = aggregated(group("", "v1", unit("things", "Thing", scope="Cluster", sub=("status", "scale"))))
GROUPS = aggregated(group("example.com", "v1", unit("widgets", "Widget"), unit("gadgets", "Gadget")))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def server():
    scripted = ScriptedCluster()
    scripted.answer("/api", CORE)
    scripted.answer("/apis", GROUPS)
    return scripted


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def discovery(server, clock):
    return Discovery(server, ttl=10, clock=clock)


def set_answer(server, path, *answers):
    server.answers.pop(path, None)
    server.answer(path, *answers)


def test_all_kinds_in_two_requests(server, discovery):
    assert discovery.resources() == (
        Resource(POD_LIKE, "things", namespaced=False, verbs={"list"}, subresources={"status", "scale"}),
        Resource(GVK("example.com", "v1", "Gadget"), "gadgets", namespaced=True, verbs={"list"}),
        Resource(WIDGET, "widgets", namespaced=True, verbs={"list"}),
    )
    assert [request.path for request in server.requests] == ["/api", "/apis"]
    assert discovery.unavailable == frozenset()


def test_a_known_kind_costs_no_request_however_old(server, discovery, clock):
    assert discovery.get(WIDGET).plural == "widgets"
    clock.now = 1e9
    assert discovery.get(WIDGET).plural == "widgets"
    assert len(server.requests) == 2


def test_an_unknown_kind_is_asked_for_once_in_its_time(server, discovery, clock):
    unknown = WIDGET._replace(kind="Unknown")
    discovery.refresh()
    clock.now = 5
    assert discovery.get(unknown) is None
    clock.now = 9
    assert discovery.get(unknown) is None
    assert len(server.requests) == 4
    clock.now = 16
    assert discovery.get(unknown) is None
    assert len(server.requests) == 6


def test_many_unknown_kinds_are_asked_for_together(server, discovery):
    for number in range(20):
        assert discovery.get(WIDGET._replace(kind=f"Unknown{number}")) is None
    assert len(server.requests) == 2


def test_a_new_kind_is_found(server, discovery, clock):
    new = WIDGET._replace(kind="New")
    assert discovery.get(new) is None
    set_answer(server, "/apis", aggregated(group("example.com", "v1", unit("news", "New"))))
    assert discovery.get(new) is None
    clock.now = 11
    assert discovery.get(new).plural == "news"
    assert discovery.get(WIDGET) is None


def test_invalidate_and_refresh_do_not_wait(server, discovery):
    new = WIDGET._replace(kind="New")
    assert discovery.get(new) is None
    set_answer(server, "/apis", aggregated(group("example.com", "v1", unit("news", "New"))))
    discovery.invalidate()
    assert discovery.get(new).plural == "news"
    set_answer(server, "/apis", GROUPS)
    assert discovery.get(new, refresh=True) is None


def test_asking_again_and_again_does_not_prolong_a_miss(server, discovery, clock):
    new = WIDGET._replace(kind="New")
    assert discovery.get(new) is None
    set_answer(server, "/apis", aggregated(group("example.com", "v1", unit("news", "New"))))
    for second in range(1, 10):
        clock.now = second
        assert discovery.get(new) is None
    clock.now = 10
    assert discovery.get(new).plural == "news"


def test_what_is_invalidated_while_it_is_read_is_read_again(server, discovery):
    def changes_meanwhile():
        discovery.invalidate()
        return GROUPS

    set_answer(server, "/apis", changes_meanwhile, GROUPS)
    assert discovery.get(WIDGET).plural == "widgets"
    assert discovery.get(WIDGET).plural == "widgets"
    assert discovery.get(WIDGET).plural == "widgets"
    assert len(server.requests) == 4


def test_errors_are_not_absence(server, discovery, clock):
    discovery.refresh()
    set_answer(server, "/apis", Unreachable("gone"))
    clock.now = 5
    with pytest.raises(Unreachable):
        discovery.get(WIDGET._replace(kind="New"))
    assert discovery.get(WIDGET).plural == "widgets"
    discovery.invalidate()
    with pytest.raises(Unreachable):
        discovery.get(WIDGET)


@pytest.mark.parametrize("body", [b'{"kind": "APIGro', b"<html>", b"[]", b'{"items": 3}', b'{"groups": [{"name": 1}]}'])
def test_an_answer_that_is_not_readable_is_an_error_of_the_cluster(body):
    server = ScriptedCluster()
    for path in ("/api", "/apis"):
        server.answer(path, body)
    with pytest.raises(ClusterError, match=r"^GET https://scripted/apis: the answer is not readable: "):
        Discovery(server).resources()


def test_a_group_that_does_not_answer_is_not_empty(server, discovery):
    set_answer(server, "/apis", aggregated(group("example.com", "v1", freshness="Stale")))
    with pytest.raises(
        ClusterError, match=r"Widget: cannot be looked up: the API example\.com/v1 does not answer"
    ) as caught:
        discovery.get(WIDGET)
    assert caught.value.status == 503
    assert discovery.unavailable == {("example.com", "v1")}


def test_a_group_that_no_longer_answers_keeps_its_kinds(server, discovery):
    discovery.refresh()
    stale = group("example.com", "v1", unit("widgets", "Widget"), freshness="Stale")
    set_answer(server, "/apis", aggregated(stale))
    discovery.refresh()
    assert discovery.get(WIDGET).plural == "widgets"
    assert discovery.get(WIDGET._replace(kind="Gadget")).plural == "gadgets"
    assert discovery.unavailable == {("example.com", "v1")}


def test_what_has_only_subresources_is_no_kind(server, discovery):
    set_answer(server, "/apis", aggregated(group("example.com", "v1", unit("widgets", "Widget", responseKind=None))))
    assert discovery.get(WIDGET) is None


PLAIN = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "groups": [{"name": "example.com", "versions": [{"version": "v1"}]}]},
    "/api/v1": {
        "resources": [
            {"name": "things", "kind": "Thing", "namespaced": False, "verbs": ["list"]},
            {"name": "things/status", "kind": "Thing", "namespaced": False, "verbs": ["get"]},
            {"name": "things/scale", "kind": "Scale", "namespaced": False, "verbs": ["get"]},
        ]
    },
    "/apis/example.com/v1": {
        "resources": [
            {"name": "widgets", "kind": "Widget", "namespaced": True, "verbs": ["list"]},
            {"name": "gadgets", "kind": "Gadget", "namespaced": True, "verbs": ["list"]},
        ]
    },
}


def test_group_by_group_gives_the_same(discovery):
    plain = ScriptedCluster()
    for path, answer in PLAIN.items():
        plain.answer(path, answer)
    assert Discovery(plain).resources() == discovery.resources()


@pytest.mark.parametrize("code", [503, 404])
def test_a_group_that_fails_is_unavailable(code):
    plain = ScriptedCluster()
    for path, answer in PLAIN.items():
        plain.answer(path, answer)
    set_answer(plain, "/apis/example.com/v1", status(404) if code == 404 else ClusterError("down", status=503))
    discovery = Discovery(plain)
    assert discovery.get(POD_LIKE).plural == "things"
    with pytest.raises(ClusterError, match="does not answer"):
        discovery.get(WIDGET)


def test_other_errors_of_a_group_are_raised():
    plain = ScriptedCluster()
    for path, answer in PLAIN.items():
        plain.answer(path, answer)
    set_answer(plain, "/apis/example.com/v1", status(403))
    with pytest.raises(ClusterError, match="403"):
        Discovery(plain).get(WIDGET)


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("example.com/v1beta1/Widget", "example.com/v1/Widget"),
        ("v1/widget", "example.com/v1/Widget"),
        ("example.com/v1/Wigdet", "example.com/v1/Widget"),
        ("v1/Thnig", "v1/Thing"),
        ("v1/Zebra", ""),
    ],
)
def test_nearest(discovery, asked, near):
    discovery.refresh()
    assert discovery.nearest(GVK.parse(asked)) == near


def test_threads_share_one_reading(server, discovery):
    found = []
    threads = [threading.Thread(target=lambda: found.append(discovery.get(WIDGET))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(45)
    assert [resource.plural for resource in found] == ["widgets"] * 8
    assert len(server.requests) == 2


def test_paths():
    assert NAMESPACED.path() == "/apis/example.com/v1/widgets"
    assert NAMESPACED.path("shop") == "/apis/example.com/v1/namespaces/shop/widgets"
    assert NAMESPACED.path("shop", "a:b%?#ä") == "/apis/example.com/v1/namespaces/shop/widgets/a%3Ab%25%3F%23%C3%A4"
    assert GLOBAL.path() == "/api/v1/things"
    assert GLOBAL.path(name="x") == "/api/v1/things/x"


@pytest.mark.parametrize("bad", ["a/b", ".", "..", "/"])
def test_what_is_no_segment_is_refused(bad):
    with pytest.raises(InputError, match="cannot be part of a path") as caught:
        NAMESPACED.path("shop", bad)
    assert caught.value.path == "/metadata/name"
    with pytest.raises(InputError) as caught:
        NAMESPACED.path(bad)
    assert caught.value.path == "/metadata/namespace"


def test_namespace_and_scope_must_fit():
    with pytest.raises(InputError, match="has no namespace: the kind needs one"):
        NAMESPACED.path("", "a")
    with pytest.raises(InputError, match="has a namespace: the kind has none"):
        GLOBAL.path("shop", "a")


def test_what_is_known_is_told_without_a_request_unless_it_may_be_another_by_now(server, discovery):
    assert discovery.known(WIDGET) is None
    found = discovery.get(WIDGET)
    sent = len(server.requests)
    assert discovery.known(WIDGET) == found
    discovery.invalidate()
    assert discovery.known(WIDGET) is None
    assert len(server.requests) == sent
