"""The scripted server is a server: what the scenarios rely on, shown by itself."""

import threading

import pytest

from genreconcile import gojson
from genreconcile.errors import ClusterError, Conflict, Gone, Invalid, NotFound, Throttled, Unauthorized, Unreachable
from genreconcile.testing.fake.cluster import MemoryCluster
from support.api.client import Refused
from support.api.effects import CommitThenDrop, Drop, Refuse, Shorten, Stale, Truncate
from support.api.server import ScriptedServer
from support.api.streams import cut, duplicate, hide
from support.eventually import eventually
from support.objects import definition, version

MAPS = "/api/v1/namespaces/shop/configmaps"
JSON_PATCH = "application/json-patch+json"
VERSIONS = version("v1"), version("v2", storage=False, subresources={"status": {}})
DEFINITION = definition("example.com", *VERSIONS, kind="Gadget")


@pytest.fixture
def server():
    with ScriptedServer(seed=3, bookmarks=None) as opened:
        opened.add_namespace("shop")
        yield opened


@pytest.fixture(params=["http", "memory"])
def cluster(request, server):
    """The server by its two faces."""
    opened = server.connect() if request.param == "http" else MemoryCluster(server)
    yield opened
    opened.close()


def send(cluster, method, path, body=None, **settings):
    data = None if body is None else gojson.dumps(body)
    return gojson.loads(cluster.request(method, path, body=data, **settings))


def make(server, *names):
    return [server.admin.create(MAPS, {"metadata": {"name": name}, "data": {"k": name}}) for name in names]


def watch(cluster, path, version, seconds=1, **query):
    query = {"watch": "true", "resourceVersion": str(version), "timeoutSeconds": str(seconds), **query}
    with cluster.stream(path, query=query, read_timeout=20) as chunks:
        lines = b"".join(chunks).splitlines()
    return [(event["type"], event["object"]["metadata"].get("name")) for event in map(gojson.loads, lines)]


def test_each_write_has_a_revision_and_uids_follow_the_seed(server, cluster):
    made = send(cluster, "POST", MAPS, {"metadata": {"name": "a"}})
    assert made["metadata"]["resourceVersion"] == str(server.revision)
    with pytest.raises(Conflict) as caught:
        send(cluster, "POST", MAPS, {"metadata": {"name": "a"}})
    assert caught.value.reason == "AlreadyExists"
    with ScriptedServer(seed=3) as again:
        again.add_namespace("shop")
        assert make(again, "a")[0]["metadata"]["uid"] == made["metadata"]["uid"]


def test_a_patch_without_effect_keeps_the_revision_and_a_failed_test_is_422(server, cluster):
    made = make(server, "a")[0]
    same = [{"op": "replace", "path": "/data/k", "value": "a"}]
    assert send(cluster, "PATCH", f"{MAPS}/a", same, content_type=JSON_PATCH) == made
    with pytest.raises(Invalid) as caught:
        send(cluster, "PATCH", f"{MAPS}/a", [{"op": "test", "path": "/data/k", "value": "x"}], content_type=JSON_PATCH)
    assert (caught.value.status, caught.value.details) == (422, {})
    old = [{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}]
    with pytest.raises(Conflict):
        send(cluster, "PATCH", f"{MAPS}/a", old, content_type=JSON_PATCH)


def test_pages_show_one_revision_until_it_is_compacted(server, cluster):
    make(server, "a", "b", "c")
    first = send(cluster, "GET", MAPS, query={"limit": "2"})
    server.admin.delete(f"{MAPS}/c")
    token = {"limit": "2", "continue": first["metadata"]["continue"]}
    second = send(cluster, "GET", MAPS, query=token)
    assert [item["metadata"]["name"] for item in second["items"]] == ["c"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    server.compact()
    with pytest.raises(Gone):
        send(cluster, "GET", MAPS, query=token)


def test_a_revision_that_is_not_reached_is_a_504(server, cluster):
    with pytest.raises(ClusterError) as caught:
        send(cluster, "GET", MAPS, query={"resourceVersion": str(server.revision + 1)})
    assert caught.value.status == 504


def test_a_watch_begins_at_a_revision_and_ends_in_410_where_that_is_compacted(server, cluster):
    since = server.revision
    make(server, "a", "b")
    server.admin.delete(f"{MAPS}/a")
    assert watch(cluster, MAPS, since) == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]
    server.compact()
    assert watch(cluster, MAPS, since) == [("ERROR", None)]
    server.api.bookmarks = 0.2
    assert watch(cluster, MAPS, server.revision, allowWatchBookmarks="true")[-1] == ("BOOKMARK", None)


def test_a_deletion_waits_for_finalizers_and_keeps_to_its_preconditions(server, cluster):
    metadata = {"name": "a", "finalizers": ["example.com/wait"]}
    made = server.admin.create(MAPS, {"metadata": metadata})
    wrong = {"preconditions": {"uid": "another"}}
    with pytest.raises(Conflict):
        send(cluster, "DELETE", f"{MAPS}/a", wrong)
    right = {"preconditions": {"uid": made["metadata"]["uid"], "resourceVersion": made["metadata"]["resourceVersion"]}}
    assert "deletionTimestamp" in send(cluster, "DELETE", f"{MAPS}/a", right)["metadata"]
    server.admin.patch(f"{MAPS}/a", {"op": "remove", "path": "/metadata/finalizers"})
    assert server.admin.find(f"{MAPS}/a") is None


def test_dry_runs_change_nothing(server, cluster):
    make(server, "a")
    before = server.state()
    dry = {"dryRun": "All"}
    send(cluster, "POST", MAPS, {"metadata": {"name": "b"}}, query=dry)
    change = [{"op": "add", "path": "/data/x", "value": "1"}]
    assert send(cluster, "PATCH", f"{MAPS}/a", change, query=dry, content_type=JSON_PATCH)["data"]["x"] == "1"
    send(cluster, "DELETE", f"{MAPS}/a", query=dry)
    assert server.state() == before
    assert server.log.tally() == {}


def test_definitions_bring_kinds_and_take_their_objects_along(server, cluster):
    crds, gadgets = (
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/apis/example.com/v1/namespaces/shop/gadgets",
    )
    with pytest.raises(NotFound):
        send(cluster, "GET", gadgets)
    server.admin.create(crds, DEFINITION)
    gadget = {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "g"}}
    server.admin.create(gadgets, gadget)
    assert send(cluster, "GET", gadgets.replace("v1", "v2"))["items"][0]["apiVersion"] == "example.com/v2"
    paths = send(cluster, "GET", "/openapi/v3")["paths"]
    assert {"apis/example.com/v1", "apis/example.com/v2", "api/v1"} <= set(paths)
    server.admin.delete(f"{crds}/gadgets.example.com")
    assert not server.state("gadgets")


def test_a_namespace_that_is_going_takes_nothing(server, cluster):
    server.admin.delete("/api/v1/namespaces/shop")
    with pytest.raises(ClusterError) as caught:
        send(cluster, "POST", MAPS, {"metadata": {"name": "a"}})
    assert caught.value.status == 403
    server.api.finish_namespace("shop")
    with pytest.raises(NotFound):
        send(cluster, "POST", MAPS, {"metadata": {"name": "a"}})


def test_a_restored_backup_brings_old_revisions_back(server):
    make(server, "a")
    backup = server.backup()
    make(server, "b")
    server.restore(backup)
    assert server.revision == backup.revision
    assert server.admin.find(f"{MAPS}/b") is None


def test_what_the_owner_leaves_behind_is_collected(server):
    owner = make(server, "owner")[0]["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner}
    server.admin.create(MAPS, {"metadata": {"name": "owned", "ownerReferences": [reference]}})
    server.admin.delete(f"{MAPS}/owner")
    assert not server.state("configmaps")


def test_admission_may_change_and_refuse(server):
    server.api.machinery.admission.append(lambda _, obj: {**obj, "data": {"k": "webhook"}})
    assert make(server, "a")[0]["data"] == {"k": "webhook"}


@pytest.mark.parametrize("effect", [Drop(), CommitThenDrop(), Drop(reset=True)], ids=str)
def test_a_dropped_write_is_sent_once_and_its_outcome_is_in_the_log(server, cluster, effect):
    server.faults.add(effect, "create", resource="configmaps")
    with pytest.raises(Unreachable):
        send(cluster, "POST", MAPS, {"metadata": {"name": "a"}})
    committed = isinstance(effect, CommitThenDrop)
    assert server.log.tally() == ({("configmaps", "shop", "a"): (1, 0)} if committed else {})
    assert (server.admin.find(f"{MAPS}/a") is not None) == committed
    assert [entry.status for entry in server.log.writes()] == [201 if committed else 0]


def test_faults_fire_for_the_nth_match(server, cluster):
    fault = server.faults.add(Refuse(503), "list", resource="configmaps", nth=2, times=2)
    codes = []
    for _ in range(5):
        try:
            send(cluster, "GET", MAPS)
            codes.append(200)
        except ClusterError as error:
            codes.append(error.status)
    assert codes == [200, 503, 503, 200, 200]
    assert fault.fired == 2


def test_throttled_with_retry_after(server, cluster):
    server.faults.add(Refuse(429, retry_after=3), "list")
    with pytest.raises(Throttled) as caught:
        send(cluster, "GET", MAPS)
    assert caught.value.retry_after == 3


@pytest.mark.parametrize("effect", [Truncate(), Truncate(packed=True)], ids=str)
def test_a_truncated_answer_is_no_answer(server, cluster, effect):
    make(server, "a")
    server.faults.add(effect, "list")
    with pytest.raises(Unreachable):
        cluster.request("GET", MAPS)


@pytest.mark.parametrize("effect", [Shorten(), Shorten(packed=True)], ids=str)
def test_a_shortened_answer_is_no_json(server, cluster, effect):
    make(server, "a")
    server.faults.add(effect, "list")
    with pytest.raises(gojson.msgspec.DecodeError):
        send(cluster, "GET", MAPS)


def test_a_stale_list(server, cluster):
    make(server, "a")
    since = server.revision
    make(server, "b")
    server.faults.add(Stale(since), "list")
    listed = send(cluster, "GET", MAPS)
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a"]
    assert listed["metadata"]["resourceVersion"] == str(since)


def test_events_are_hidden_and_come_twice(server, cluster):
    since = server.revision
    make(server, "a", "b")
    server.faults.add(hide(lambda event: event["object"]["metadata"]["name"] == "a"), "watch")
    assert watch(cluster, MAPS, since) == [("ADDED", "b")]
    server.faults.add(duplicate(), "watch")
    assert watch(cluster, MAPS, since) == [("ADDED", "a"), ("ADDED", "a"), ("ADDED", "b"), ("ADDED", "b")]


def test_a_watch_is_cut_within_a_line(server, cluster):
    since = server.revision
    make(server, "a", "b")
    server.faults.add(cut(1, line_share=0.5), "watch")
    got = []
    query = {"watch": "true", "resourceVersion": str(since), "timeoutSeconds": "1"}
    with pytest.raises(Unreachable), cluster.stream(MAPS, query=query, read_timeout=20) as chunks:
        got.extend(chunks)
    first, second = b"".join(got).split(b"\n")
    assert gojson.loads(first)["type"] == "ADDED"
    with pytest.raises(ValueError, match=r".*"):
        gojson.loads(second)


def test_a_token_is_asked_for(server):
    server.token = "new"
    with pytest.raises(Unauthorized):
        send(server.connect(token="old"), "GET", MAPS)
    assert send(server.connect(token="new"), "GET", MAPS)["items"] == []


@pytest.mark.parametrize("cluster", ["http"], indirect=True)  # Only there is a network.
def test_down_and_up_again_on_the_same_port(server, cluster):
    send(cluster, "GET", MAPS)
    server.refuse_connections()
    with pytest.raises(Unreachable):
        send(cluster, "GET", MAPS)
    server.listen()
    send(cluster, "GET", MAPS)


@pytest.mark.parametrize("cluster", ["http"], indirect=True)  # Only there is a network.
def test_a_frozen_network_swallows_requests(server, cluster):
    server.freeze()
    with pytest.raises(Unreachable):
        cluster.request("POST", MAPS, body=b'{"metadata":{"name":"a"}}', timeout=0.3)
    server.thaw()
    assert send(cluster, "GET", MAPS)["items"] == []


def test_a_client_that_leaves_ends_its_watch_and_closing_ends_all(server, cluster):
    before = threading.active_count()
    query = {"watch": "true", "resourceVersion": str(server.revision)}
    with cluster.stream(MAPS, query=query, read_timeout=20):
        pass
    cluster.close()
    assert eventually(lambda: threading.active_count() <= before)


def test_the_administrator_sees_refusals_and_is_in_no_log(server):
    with pytest.raises(Refused) as caught:
        server.admin.get(f"{MAPS}/none")
    assert caught.value.status == 404
    assert len(server.log) == 0
