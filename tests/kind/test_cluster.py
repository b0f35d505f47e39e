"""The adapter, discovery and the OpenAPI documents on a real API server."""

import base64
import json
import uuid

import pytest

from genreconcile import gojson
from genreconcile.cluster import connect
from genreconcile.errors import ClusterError, Conflict, Forbidden, Gone, Invalid, NotFound
from genreconcile.kinds.discovery import Discovery
from genreconcile.kinds.openapi import OpenAPIDocuments
from genreconcile.kinds.types import document_path
from genreconcile.objects import GVK
from support.api.passing import Passing

JSON_PATCH = "application/json-patch+json"
CONFIG_MAP = GVK("", "v1", "ConfigMap")
SECRET = GVK("", "v1", "Secret")
DEPLOYMENT = GVK("apps", "v1", "Deployment")
PASSWORD = "hunter2: x"


class Counted(Passing):
    """Passes requests on and notes them."""

    def __init__(self, cluster):
        super().__init__(cluster)
        self.requests = []

    def request(self, method, path, **options):
        self.requests.append((method, path))
        return super().request(method, path, **options)


@pytest.fixture(scope="module")
def cluster(control_plane):
    opened = connect(kubeconfig=str(control_plane.kubeconfig))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def discovery(cluster):
    return Discovery(cluster)


@pytest.fixture
def maps(discovery, namespace):
    return discovery.get(CONFIG_MAP).path(namespace)


@pytest.fixture
def secrets(discovery, namespace):
    return discovery.get(SECRET).path(namespace)


def create(cluster, path, name, **content):
    return json.loads(cluster.request("POST", path, body=gojson.dumps({"metadata": {"name": name}, **content})))


def patch(cluster, path, *operations):
    return json.loads(cluster.request("PATCH", path, body=gojson.dumps(operations), content_type=JSON_PATCH))


@pytest.mark.parametrize("value", ["<a> & 'b'", "grüße 🎉", "\u2028\u2029", 'a"b\\c\n\t\x01', "\x7f\u0080"])
def test_a_test_operation_compares_raw_bytes_and_passes(cluster, maps, value):
    create(cluster, maps, "a", data={"k": value})
    test = {"op": "test", "path": "/data/k", "value": value}
    assert patch(cluster, f"{maps}/a", test, {"op": "add", "path": "/data/n", "value": "1"})["data"]["n"] == "1"
    with pytest.raises(Invalid):
        patch(cluster, f"{maps}/a", {**test, "value": value + "x"})


def test_a_misspelt_test_operation_fails_so_bytes_are_not_rewritten(cluster, maps):
    create(cluster, maps, "a", data={"k": "ä<"})
    for spelled in (b'"\\u00e4\\u003c"', '"ä<"'.encode()):
        body = b'[{"op":"test","path":"/data/k","value":%s}]' % spelled
        with pytest.raises(Invalid):
            cluster.request("PATCH", f"{maps}/a", body=body, content_type=JSON_PATCH)


def test_an_empty_patch_is_a_list(cluster, maps):
    made = create(cluster, maps, "a")
    assert patch(cluster, f"{maps}/a")["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_a_missing_namespace_is_told_from_a_missing_object(cluster, discovery, maps):
    with pytest.raises(NotFound) as caught:
        create(cluster, discovery.get(CONFIG_MAP).path("none-such"), "a")
    assert caught.value.details["kind"] == "namespaces"
    with pytest.raises(NotFound) as caught:
        cluster.request("GET", f"{maps}/none")
    assert caught.value.details["kind"] != "namespaces"
    with pytest.raises(NotFound):
        cluster.request("GET", "/apis/none.example.com/v1/things")


def test_conflicts(cluster, maps):
    create(cluster, maps, "a")
    with pytest.raises(Conflict) as caught:
        create(cluster, maps, "a")
    assert caught.value.reason == "AlreadyExists"
    stale = {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}
    with pytest.raises(Conflict) as caught:
        patch(cluster, f"{maps}/a", stale, {"op": "add", "path": "/data", "value": {}})
    assert caught.value.reason == "Conflict"
    body = gojson.dumps({"preconditions": {"uid": str(uuid.uuid4())}})
    with pytest.raises(Conflict):
        cluster.request("DELETE", f"{maps}/a", body=body)


def test_a_user_without_rights_is_forbidden(control_plane, maps):
    nobody = connect(kubeconfig=str(control_plane.user_kubeconfig("nobody")))
    with pytest.raises(Forbidden, match=r"cannot list resource .*; have it allowed by RBAC"):
        nobody.request("GET", maps)
    with pytest.raises(Forbidden), nobody.stream(maps, query={"watch": "true"}, read_timeout=10):
        pass


def test_an_old_version_is_gone(cluster, maps):
    query = {"limit": "1", "continue": base64.urlsafe_b64encode(b'{"v":"meta.k8s.io/v1","rv":1,"start":"a"}').decode()}
    with pytest.raises((Gone, Invalid)):
        cluster.request("GET", maps, query=query)


def test_what_is_wrong_is_named_without_its_value(cluster, discovery, namespace):
    container = {"name": "c", "image": "i", "ports": [{"containerPort": 70000}]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container], "restartPolicy": "Sometimes"}}
    spec = {"replicas": -1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    with pytest.raises(Invalid) as caught:
        create(cluster, discovery.get(DEPLOYMENT).path(namespace), "a", spec=spec)
    assert "spec.replicas: Invalid value: must be greater than or equal to 0" in str(caught.value)
    assert "containerPort: Invalid value: must be between 1 and 65535" in str(caught.value)
    assert 'supported values: "Always"' in str(caught.value)
    assert "Sometimes" not in str(caught.value)


WRONG = [
    {"op": "add", "path": "/data/z", "value": "???"},
    {"op": "add", "path": "/data/z", "value": 5},
    {"op": "replace", "path": "/data", "value": PASSWORD},
    {"op": "replace", "path": "/metadata/uid", "value": PASSWORD},
    {"op": "add", "path": "/metadata/labels", "value": {PASSWORD: PASSWORD}},
    {"op": "add", "path": "/stringData", "value": {"k": PASSWORD, "n": 5}},
    {"op": "replace", "path": "/type", "value": PASSWORD},
    {"op": "add", "path": "/immutable", "value": PASSWORD},
]


@pytest.mark.parametrize("operation", WRONG, ids=lambda operation: operation["path"])
def test_the_refusal_of_a_secret_does_not_show_it(cluster, secrets, operation):
    annotations = {"note": PASSWORD}
    body = {"metadata": {"name": "a", "annotations": annotations}, "stringData": {"k": PASSWORD}}
    cluster.request("POST", secrets, body=gojson.dumps(body))
    with pytest.raises(Invalid) as caught:
        patch(cluster, f"{secrets}/a", operation)
    shown = str(caught.value) + repr(caught.value.details) + repr(caught.value)
    assert "hunter2" not in shown
    assert base64.b64encode(PASSWORD.encode()).decode() not in shown


def test_all_kinds_in_two_requests_as_the_groups_list_them_one_by_one(cluster):
    counted = Counted(cluster)
    discovery = Discovery(counted)
    found = discovery.resources()
    assert counted.requests == [("GET", "/api"), ("GET", "/apis")]
    assert discovery.get(DEPLOYMENT).path("x", "y") == "/apis/apps/v1/namespaces/x/deployments/y"
    assert {"status", "scale"} <= discovery.get(DEPLOYMENT).subresources
    assert len(counted.requests) == 2

    class Plain(Counted):
        def request(self, method, path, **options):
            return super().request(method, path, **{**options, "accept": "application/json"})

    plain = Plain(cluster)
    assert Discovery(plain).resources() == found
    assert len(plain.requests) > 10


def test_documents_come_from_the_disk_the_second_time(cluster, tmp_path):
    first = Counted(cluster)
    documents = OpenAPIDocuments(first, cache_dir=tmp_path / "openapi")
    paths = list(documents.hashes())
    read = {path: documents.document(path) for path in paths}
    assert len(first.requests) == 1 + len(paths)
    assert "io.k8s.api.apps.v1.Deployment" in read[document_path("apps", "v1")]["components"]["schemas"]

    second = Counted(cluster)
    again = OpenAPIDocuments(second, cache_dir=tmp_path / "openapi")
    assert {path: again.document(path) for path in paths} == read
    assert second.requests == [("GET", "/openapi/v3")]
    assert again.document("apis/none.example.com/v1") is None


def test_a_hash_that_is_not_the_servers_is_a_redirect(cluster):
    """What ``OpenAPIDocuments`` relies on."""
    with pytest.raises(ClusterError) as caught:
        cluster.request("GET", "/openapi/v3/api/v1", query={"hash": "00"})
    assert caught.value.status == 301
