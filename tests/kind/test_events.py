"""Events on a real server: what it takes of them, and when the recorder stops."""

import json
import logging
import uuid

import pytest

import genreconcile as gr
from genreconcile.observe.events import Recorder
from support.eventually import LONG, eventually
from support.objects import config_map, obj

MANAGER = "genreconcile-things"
RBAC = "rbac.authorization.k8s.io/v1"


@pytest.fixture
def cluster(control_plane):
    return gr.connect(kubeconfig=str(control_plane.kubeconfig))


@pytest.fixture
def recorder(cluster):
    opened = Recorder(cluster, MANAGER)
    yield opened
    opened.close()


@pytest.fixture
def live(cluster, namespace):
    return post(cluster, f"/api/v1/namespaces/{namespace}/configmaps", config_map("a", namespace))


def post(cluster, path, body):
    return json.loads(cluster.request("POST", path, body=json.dumps(body).encode()))


def path_of(event):
    metadata = event["metadata"]
    return f"/apis/events.k8s.io/v1/namespaces/{metadata['namespace']}/events/{metadata['name']}"


def events(cluster, namespace, regarding):
    found = json.loads(cluster.request("GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"))["items"]
    return [event for event in found if event["regarding"].get("uid") == regarding["metadata"]["uid"]]


def record(recorder, regarding, note="made a child", **fields):
    recorder.record(regarding, "Normal", "Created", "Create", note, **fields)
    assert recorder.flush(LONG)


def test_an_event_is_there(cluster, recorder, namespace, live):
    other = post(cluster, f"/api/v1/namespaces/{namespace}/configmaps", config_map("b", namespace))
    record(recorder, live, related=other)
    assert recorder.counts == (1, 0, 0)
    (event,) = events(cluster, namespace, live)
    told = {field: event[field] for field in ("type", "reason", "action", "note", "reportingController")}
    assert told == {
        "type": "Normal", "reason": "Created", "action": "Create", "note": "made a child",
        "reportingController": MANAGER,
    }  # fmt: skip
    kind = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": namespace}
    assert event["regarding"] == {**kind, "name": "a", "uid": live["metadata"]["uid"]}
    assert event["related"] == {**kind, "name": "b", "uid": other["metadata"]["uid"]}
    assert "series" not in event
    assert {entry["manager"] for entry in event["metadata"]["managedFields"]} == {MANAGER}
    path = f"/api/v1/namespaces/{namespace}/events/{event['metadata']['name']}"
    assert json.loads(cluster.request("GET", path))["message"] == "made a child"


def test_equal_ones_are_one(cluster, recorder, namespace, live):
    for _ in range(3):
        record(recorder, live)
    (event,) = events(cluster, namespace, live)
    assert event["series"]["count"] == 3
    assert event["series"]["lastObservedTime"] > event["eventTime"]
    assert recorder.counts == (3, 0, 0)


def test_one_that_was_deleted_is_made_anew(cluster, recorder, namespace, live):
    for _ in range(2):
        record(recorder, live)
    (first,) = events(cluster, namespace, live)
    cluster.request("DELETE", path_of(first))
    record(recorder, live)
    (anew,) = events(cluster, namespace, live)
    assert anew["metadata"]["name"] != first["metadata"]["name"]
    assert "series" not in anew
    record(recorder, live)
    assert events(cluster, namespace, live)[0]["series"]["count"] == 2
    assert recorder.counts == (4, 0, 0)


def test_an_object_without_a_namespace_and_with_a_colon(cluster, recorder):
    name = f"genreconcile:Events:{uuid.uuid4().hex}"
    path = f"/apis/{RBAC}/clusterroles"
    role = post(cluster, path, obj(RBAC, "ClusterRole", name, rules=[]))
    try:
        for _ in range(2):
            record(recorder, role)
        (event,) = events(cluster, "default", role)
    finally:
        cluster.request("DELETE", f"{path}/{name}")
    assert event["regarding"]["name"] == name
    assert event["metadata"]["name"].startswith(name.lower().replace(":", "-") + ".")
    assert event["series"]["count"] == 2
    cluster.request("DELETE", path_of(event))


@pytest.mark.parametrize("name", ["x" * 253, "-.a:.B-", ":", "y" * 235 + ".yyy"])
def test_the_server_takes_each_name(cluster, recorder, namespace, live, name):
    """Of objects that need not be there."""
    record(recorder, {**live, "metadata": {**live["metadata"], "name": name}})
    assert recorder.counts == (1, 0, 0)


def test_the_longest_texts(cluster, namespace, live):
    recorder = Recorder(cluster, "Argo CD/é" + "x" * 100, instance="h" * 200)
    recorder.record(live, "Warning", "é" * 100, "a" * 200, "é" * 1000)
    recorder.close(LONG)
    assert recorder.counts == (1, 0, 0)
    (event,) = events(cluster, namespace, live)
    assert event["note"] == "é" * 510 + "…"
    assert event["reason"] == "é" * 62 + "…"
    assert event["action"] == "a" * 125 + "…"


def test_an_account_without_the_right_is_refused_once(control_plane, cluster, namespace, live, caplog):
    user = gr.connect(kubeconfig=str(control_plane.user_kubeconfig(f"none-{namespace}")))
    recorder = Recorder(user, MANAGER)
    for number in range(3):
        record(recorder, live, str(number))
    assert recorder.counts == (0, 2, 1)
    (warning,) = [entry for entry in caplog.records if entry.name == "genreconcile.observe"]
    right = f"create and patch of events.events.k8s.io in the namespace {namespace}"
    assert warning.levelno == logging.WARNING
    assert warning.getMessage().endswith(f"{right} [GR403]")
    assert events(cluster, namespace, live) == []
    recorder.close()


def test_create_alone_does_for_one(control_plane, cluster, namespace, live, caplog):
    """And the repetition is refused."""
    name = f"create-{namespace}"
    roles = f"/apis/{RBAC}/namespaces/{namespace}"
    rule = {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "events"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}
    post(cluster, f"{roles}/roles", obj(RBAC, "Role", "events", namespace, rules=[rule]))
    binding = obj(RBAC, "RoleBinding", "events", namespace, roleRef=reference, subjects=[subject])
    post(cluster, f"{roles}/rolebindings", binding)
    user = gr.connect(kubeconfig=str(control_plane.user_kubeconfig(name)))
    wait_for_right(user, namespace)
    recorder = Recorder(user, MANAGER)
    for _ in range(3):
        record(recorder, live)
    assert recorder.counts == (1, 1, 1)
    assert len([entry for entry in caplog.records if entry.name == "genreconcile.observe"]) == 1
    recorder.close()


def wait_for_right(user, namespace):
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    asked = {"verb": "create", "group": "events.k8s.io", "resource": "events", "namespace": namespace}
    body = {**review, "spec": {"resourceAttributes": asked}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    eventually(lambda: post(user, path, body)["status"]["allowed"])


def test_a_namespace_that_is_being_deleted_does_not_turn_it_off(control_plane, cluster, recorder, namespace, live):
    """The server says 403 then as well."""
    going = control_plane.create_namespace(f"{namespace}-going")
    lost = post(cluster, f"/api/v1/namespaces/{going}/configmaps", config_map("a", going))
    cluster.request("DELETE", f"/api/v1/namespaces/{going}")  # Nobody empties it here.
    record(recorder, lost)
    record(recorder, live)
    assert recorder.counts == (1, 0, 1)
    assert len(events(cluster, namespace, live)) == 1
