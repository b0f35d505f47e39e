"""FakeCluster as its users see it."""

import json

import pytest

import genreconcile as gr
from genreconcile.errors import ClusterError, InputError, Invalid, NotFound
from genreconcile.testing import FakeCluster
from support.contract.kinds import SHARED, custom

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1"}}
KIND = "contract.example.dev/v1/Widget"
WIDGET = custom("contract.example.dev/v1/widgets", "Widget", "w", spec={"size": 1}, status={"phase": "x"})


@pytest.fixture
def fake():
    with FakeCluster() as cluster:
        yield cluster


def in_namespace(obj, namespace):
    return {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}


def test_what_it_begins_with():
    with FakeCluster([in_namespace(WIDGET, "shop"), MAP, SHARED["Widget"]]) as fake:
        widget = fake.get(KIND, "w", namespace="shop")
        assert (widget["spec"]["mode"], widget["status"]) == ("fast", {"phase": "x"})
        assert fake.get("v1/ConfigMap", "a")["metadata"]["namespace"] == "default"
        names = {obj["metadata"]["name"] for obj in fake.find("v1/Namespace")}
        assert names == {"default", "kube-node-lease", "kube-public", "kube-system", "shop"}


def test_its_own_namespace():
    with FakeCluster([MAP], namespace="shop") as fake:
        assert fake.get("v1/ConfigMap", "a")["metadata"]["namespace"] == "shop"
        fake.create(in_namespace({**MAP}, "default"))
        assert [obj["metadata"]["namespace"] for obj in fake.find("v1/ConfigMap")] == ["default", "shop"]
        assert [obj["metadata"]["namespace"] for obj in fake.find("v1/ConfigMap", namespace="shop")] == ["shop"]


def test_what_it_is_given_is_not_changed():
    given = json.loads(json.dumps([SHARED["Widget"], WIDGET]))
    with FakeCluster(given):
        assert given == [SHARED["Widget"], WIDGET]


@pytest.mark.parametrize(
    ("objects", "told"),
    [
        ([MAP, MAP], "already exists"),
        ([{**MAP, "kind": "Nothing"}], "no such kind is served"),
        ([{**MAP, "metadata": {"name": "A"}}], "is invalid: metadata.name"),
        ([SHARED["Widget"], {**WIDGET, "spec": {"size": "x"}}], "spec.size"),
    ],
)
def test_what_it_refuses_to_begin_with(objects, told):
    with pytest.raises(InputError, match=told):
        FakeCluster(objects)


def test_somebody_writes(fake):
    made = fake.create(MAP, manager="me")
    assert made["metadata"]["managedFields"][0]["manager"] == "me"
    changed = fake.patch("v1/ConfigMap", "a", {"op": "add", "path": "/data/n", "value": "2"})
    assert changed == fake.get("v1/ConfigMap", "a")
    assert changed["data"] == {"k": "1", "n": "2"}
    fake.delete("v1/ConfigMap", "a")
    with pytest.raises(NotFound):
        fake.get("v1/ConfigMap", "a")
    with pytest.raises(Invalid):
        fake.create({**MAP, "metadata": {}})


def test_a_controller_writes_its_status(fake):
    fake.create(SHARED["Widget"])
    fake.create(WIDGET)
    assert "status" not in fake.get(KIND, "w")
    answer = fake.set_status(KIND, "w", {"phase": "ready"})
    assert answer == fake.get(KIND, "w")
    assert (answer["status"], answer["metadata"]["generation"]) == ({"phase": "ready"}, 1)


def test_what_is_found_can_be_changed(fake):
    fake.create(MAP)
    (found,) = fake.find("v1/ConfigMap")
    found["data"]["k"] = "mine"
    assert fake.get("v1/ConfigMap", "a")["data"] == {"k": "1"}


def test_dependents_go_with_their_owner(fake):
    owner = fake.create(MAP)
    uid = owner["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": uid}
    fake.create({**MAP, "metadata": {"name": "b", "ownerReferences": [reference]}})
    fake.delete("v1/ConfigMap", "a", propagation="Foreground")
    assert fake.find("v1/ConfigMap") == []


def test_time_stands_still_until_it_is_moved(fake):
    first = fake.create(MAP)["metadata"]["creationTimestamp"]
    second = fake.create({**MAP, "metadata": {"name": "b"}})["metadata"]["creationTimestamp"]
    fake.clock.advance(90)
    third = fake.create({**MAP, "metadata": {"name": "c"}})["metadata"]["creationTimestamp"]
    assert (first, second, third) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:01:30Z")
    with pytest.raises(ValueError, match="does not go back"):
        fake.clock.advance(-1)


def _life(seed):
    with FakeCluster([MAP], seed=seed) as fake:
        fake.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}})
        fake.patch("v1/ConfigMap", "a", {"op": "add", "path": "/data/n", "value": "2"})
        return fake.request("GET", "/api/v1/configmaps"), fake.request("GET", "/api/v1/namespaces")


def test_the_same_seed_is_the_same_cluster():
    assert _life(7) == _life(7)
    assert _life(7) != _life(8)


def test_history_is_forgotten(fake):
    version = fake.create(MAP)["metadata"]["resourceVersion"]
    fake.create({**MAP, "metadata": {"name": "b"}})
    query = {"resourceVersion": version, "resourceVersionMatch": "Exact"}
    assert len(json.loads(fake.request("GET", "/api/v1/configmaps", query=query))["items"]) == 1
    fake.forget_history()
    with pytest.raises(ClusterError) as raised:
        fake.request("GET", "/api/v1/configmaps", query=query)
    assert raised.value.status == 410
    with fake.stream(
        "/api/v1/configmaps", query={"watch": "true", "resourceVersion": version}, read_timeout=1
    ) as lines:
        assert json.loads(next(lines))["object"]["code"] == 410


def test_kinds_of_a_folder(tmp_path):
    gvk = {"group": "extra.dev", "version": "v1", "kind": "Extra"}
    metadata = {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
    schema = {"type": "object", "properties": {"metadata": metadata, "spec": {"type": "object"}}}
    path = "/apis/extra.dev/v1/namespaces/{namespace}/extras/{name}"
    document = {
        "paths": {path: {"get": {"x-kubernetes-group-version-kind": gvk}}},
        "components": {"schemas": {"dev.extra.v1.Extra": {**schema, "x-kubernetes-group-version-kind": [gvk]}}},
    }
    (tmp_path / "apis_extra.dev_v1.json").write_text(json.dumps(document), "utf-8")
    extra = {"apiVersion": "extra.dev/v1", "kind": "Extra", "metadata": {"name": "a"}, "spec": {"x": 1}}
    with FakeCluster([extra], documents=tmp_path) as fake:
        assert fake.get("extra.dev/v1/Extra", "a")["spec"] == {"x": 1}


def test_the_engine_asks_for_its_rights(fake):
    with gr.Reconciler(fake, check_access="write") as reconciler:
        assert reconciler.reconcile([in_namespace(MAP, "default")]).counts["created"] == 1
    assert fake.unsupported == ()


_UNSUPPORTED = {
    "exec": ("POST", "/api/v1/namespaces/default/pods/a/exec", "application/json", "the subresource exec of pods"),
    "eviction": ("POST", "/api/v1/namespaces/default/pods/a/eviction", "application/json", "the subresource eviction"),
    "token": (
        "POST",
        "/api/v1/namespaces/default/serviceaccounts/a/token",
        "application/json",
        "the subresource token",
    ),
    "yaml": ("POST", "/api/v1/namespaces/default/configmaps", "application/yaml", "bodies of type application/yaml"),
    "review": (
        "POST",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        "application/json",
        "subjectaccessreviews",
    ),
    "metrics": ("GET", "/metrics", "application/json", "the path /metrics"),
}


@pytest.mark.parametrize(("method", "path", "content_type", "what"), _UNSUPPORTED.values(), ids=_UNSUPPORTED)
def test_what_it_cannot_do_is_refused_and_remembered(fake, method, path, content_type, what):
    with pytest.raises(ClusterError, match=f"{method} https://fake{path}: 501 .*FakeCluster does not support {what}"):
        fake.request(method, path, body=b"{}", content_type=content_type)
    (noted,) = fake.unsupported
    assert noted.startswith(f"{method} {path}: ")
    assert what in noted


@pytest.mark.parametrize("depth", [500, 3000, 20_000])
def test_an_object_that_is_nested_too_deeply_for_it_is_refused_and_not_kept(fake, depth):
    fake.create(SHARED["Free"])
    head = b'{"apiVersion":"contract.example.dev/v1","kind":"Free","metadata":{"name":"a"},"spec":'
    body = head + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    path = "/apis/contract.example.dev/v1/namespaces/default/frees"
    with pytest.raises(ClusterError, match=r"501 .*FakeCluster does not support objects that are nested so deeply"):
        fake.request("POST", path, body=body, content_type="application/json")
    assert len(fake.unsupported) == 1
    assert fake.find("contract.example.dev/v1/Free") == []


def test_an_aggregated_api_is_refused(fake):
    spec = {"group": "extra.dev", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1}
    service = {"service": {"namespace": "default", "name": "extra"}}
    name = {"name": "v1.extra.dev"}
    fake.create({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": name, "spec": {**spec, **service},
    })  # fmt: skip
    with pytest.raises(ClusterError, match=r"aggregated APIs such as extra\.dev/v1"):
        fake.request("GET", "/apis/extra.dev/v1/things")


def test_a_conversion_webhook_is_refused(fake):
    definition = json.loads(json.dumps(SHARED["Twin"]))
    client = {"clientConfig": {"url": "https://example.dev"}, "conversionReviewVersions": ["v1"]}
    definition["spec"]["conversion"] = {"strategy": "Webhook", "webhook": client}
    with pytest.raises(ClusterError, match="definitions with a conversion webhook"):
        fake.create(definition)


def test_a_strategic_patch_that_orders_elements_is_refused(fake):
    fake.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "a"},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        }
    )
    body = json.dumps({"spec": {"$setElementOrder/containers": [{"name": "c"}]}}).encode()
    with pytest.raises(ClusterError, match="setElementOrder of strategic merge patches"):
        fake.request(
            "PATCH",
            "/api/v1/namespaces/default/pods/a",
            body=body,
            content_type="application/strategic-merge-patch+json",
        )
