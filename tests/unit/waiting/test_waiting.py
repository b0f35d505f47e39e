"""Reconciler.wait, and waves that wait, on a FakeCluster."""

from concurrent.futures import ThreadPoolExecutor

import pytest

import genreconcile as gr
from genreconcile.testing import FakeCluster
from support.eventually import eventually
from support.objects import available, obj

DEPLOYMENT = "apps/v1/Deployment"
POD = {"containers": [{"name": "web", "image": "nginx:1.27"}]}
LABELS = {"app": "web"}
SOON = 40.0
"""Seconds within which a wait ends, on any machine; nobody waits for them to pass."""


def deployment(name="web"):
    template = {"metadata": {"labels": LABELS}, "spec": POD}
    spec = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
    return obj("apps/v1", "Deployment", name, "default", spec=spec)


def config(name="settings"):
    return obj("v1", "ConfigMap", name, "default", data={"k": "v"})


def balancer():
    return obj("v1", "Service", "door", "default", spec={"type": "LoadBalancer", "ports": [{"port": 80}]})


@pytest.fixture
def fake():
    with FakeCluster() as fake:
        yield fake


@pytest.fixture
def requests():
    return []


@pytest.fixture
def reconciler(fake, requests):
    cluster = fake.recording(lambda method, path, _: requests.append((method, path)))
    with gr.Reconciler(cluster) as reconciler:
        yield reconciler


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as pool:
        yield pool


def states(waited):
    return [(one.key.name, one.status.state) for one in waited]


def test_what_is_ready_is_not_waited_for(reconciler):
    reconciler.reconcile([config()]).raise_for_failures()
    (one,) = reconciler.wait([config()], timeout=0)
    assert (str(one.key), one.is_current, one.blocker, one.event) == ("ConfigMap default/settings", True, None, "")


def test_an_event_of_the_cache_ends_the_wait(fake, reconciler, requests, pool):
    reconciler.reconcile([deployment(), config()]).raise_for_failures()
    waiting = pool.submit(reconciler.wait, [deployment(), config()], timeout=SOON)
    requests.clear()
    fake.set_status(DEPLOYMENT, "web", available(1, generation=1))
    assert states(waiting.result(SOON)) == [("web", "Current"), ("settings", "Current")]
    assert [request for request in requests if "watch" not in request[1]] == [], "the cache knows it all"


def test_what_is_not_there_may_come(fake, reconciler, pool):
    waiting = pool.submit(reconciler.wait, [config()], timeout=SOON)
    fake.create(config())
    assert states(waiting.result(SOON)) == [("settings", "Current")]


def test_what_has_failed_ends_the_wait(fake, reconciler, pool):
    reconciler.reconcile([deployment()]).raise_for_failures()
    waiting = pool.submit(reconciler.wait, [deployment()], timeout=SOON)
    stuck = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow"}
    fake.set_status(DEPLOYMENT, "web", {"observedGeneration": 1, "conditions": [stuck]})
    (one,) = waiting.result(SOON)
    assert str(one.status) == "Failed (ProgressDeadlineExceeded): the rollout makes no progress: too slow"


def owned(child, owner):
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"]}
    reference |= {"uid": owner["metadata"]["uid"], "controller": True}
    return child | {"metadata": {**child["metadata"], "ownerReferences": [reference]}}


def event(live, reason, note, time):
    regarding = {"kind": live["kind"], "name": live["metadata"]["name"], "uid": live["metadata"]["uid"]}
    more = {"regarding": regarding, "reason": reason, "note": note, "eventTime": time, "type": "Warning"}
    more |= {"reportingController": "scheduler", "reportingInstance": "one", "action": "Scheduling"}
    return obj("events.k8s.io/v1", "Event", f"e-{reason.lower()}", "default", **more)


def held_up(fake):
    """A Deployment whose Pod finds no node, and what was said of that."""
    template = {"metadata": {"labels": LABELS}, "spec": POD}
    replicas = obj(
        "apps/v1", "ReplicaSet", "web-1", "default", spec={"selector": {"matchLabels": LABELS}, "template": template}
    )
    made = fake.create(owned(replicas, fake.get(DEPLOYMENT, "web")))
    fake.create(obj("v1", "Pod", "other", "default", spec=POD))
    pod = fake.create(owned(obj("v1", "Pod", "web-1-a", "default", spec=POD), made))
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    fake.set_status("v1/Pod", "web-1-a", {"phase": "Pending", "conditions": [condition]})
    return pod


def test_when_the_time_is_over_it_is_told_what_holds_it_up(fake, reconciler):
    reconciler.reconcile([deployment()]).raise_for_failures()
    pod = held_up(fake)
    fake.create(event(pod, "Pulled", "long ago", "2026-01-01T00:00:00.000000Z"))
    fake.create(event(pod, "FailedScheduling", "0/1 nodes\nare available", "2026-01-02T00:00:00.000000Z"))
    (one,) = reconciler.wait([deployment()], timeout=0)
    assert str(one.key) == "Deployment.apps default/web"
    assert str(one.blocker) == "Pod default/web-1-a"
    assert one.blocker_status.reason in {"NotScheduled", "Unschedulable"}
    assert one.event == "FailedScheduling: 0/1 nodes are available"
    assert str(one) == (
        f"Deployment.apps default/web: InProgress (TooFewReplicas): 0 of 1 replicas are there; "
        f"held up by Pod default/web-1-a: {one.blocker_status}; last Event: FailedScheduling: 0/1 nodes are available"
    )


def test_what_may_not_be_read_is_left_out(fake, reconciler, monkeypatch):
    reconciler.reconcile([deployment()]).raise_for_failures()
    held_up(fake)
    cluster = reconciler._engine.cluster
    request = cluster.request

    def refusing(method, path, **more):
        if "/events" in path or "/replicasets" in path:
            raise gr.Forbidden("not allowed", status=403)
        return request(method, path, **more)

    monkeypatch.setattr(cluster, "request", refusing)
    (one,) = reconciler.wait([deployment()], timeout=0)
    assert str(one) == "Deployment.apps default/web: InProgress (TooFewReplicas): 0 of 1 replicas are there"


def test_what_is_not_known_in_time(reconciler, monkeypatch):
    def unknown(*_, **__):
        raise gr.NotSynced("ConfigMap: no list")

    monkeypatch.setattr(reconciler.cache, "get", unknown)
    (one,) = reconciler.wait([config()], timeout=0)
    assert str(one) == "ConfigMap default/settings: Unknown (NotReadable): ConfigMap: no list"


def test_a_kind_that_is_not_served(reconciler):
    (one,) = reconciler.wait([obj("example.com/v1", "Thing", "one", "default")], timeout=SOON)
    assert (one.status.state, one.status.reason) == ("Unknown", "NotServed")
    assert "no such kind on the server" in one.status.message


def test_users_rules_count(fake):
    steps = [
        {"when": {"at": "/data/ready", "in": ["yes"]}, "state": "Current"},
        {"state": "InProgress", "reason": "Not"},
    ]
    entry = {"id": "mine", "object": {"kind": "ConfigMap", "name": "mine"}, "steps": steps}
    rules = {"apiVersion": "genreconcile.dev/v1alpha1", "kind": "RuleSet", "readiness": [entry]}
    fake.create(config("mine"))
    with gr.Reconciler(fake, rules=gr.Registry.builtin().extend(rules)) as reconciler:
        (one,) = reconciler.wait([config("mine")], timeout=0)
    assert str(one) == "ConfigMap default/mine: InProgress (Not)"


@pytest.mark.parametrize("timeout", [-1, "60", None, float("inf")])
def test_a_timeout_is_a_number_of_seconds(reconciler, timeout):
    with pytest.raises(gr.InputError, match="timeout"):
        reconciler.wait([config()], timeout=timeout)


def test_a_namespace_is_a_name(reconciler):
    with pytest.raises(gr.InputError, match="namespace: not usable"):
        reconciler.wait([config()], namespace="a/b")


def test_the_same_object_twice(reconciler):
    with pytest.raises(gr.LoadError, match="expected twice"):
        reconciler.wait([config(), config()])


def test_a_wave_waits_for_the_one_before(fake, reconciler, pool):
    made = pool.submit(reconciler.reconcile, [balancer(), deployment()], wait_waves=SOON)
    eventually(lambda: fake.find("v1/Service", namespace="default"))
    assert fake.find(DEPLOYMENT) == []
    fake.set_status("v1/Service", "door", {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})
    result = made.result(SOON)
    assert [(outcome.key.name, outcome.status) for outcome in result] == [("door", "created"), ("web", "created")]


def test_what_is_not_ready_in_time_holds_the_next_waves_back(fake, reconciler):
    fake.create(config("old"))
    fake.patch("v1/ConfigMap", "old", {"op": "add", "path": "/metadata/labels", "value": LABELS})
    deletes = {"delete_from_namespace": "default", "delete_selector": "app=web", "kinds": ["v1/ConfigMap"]}
    result = reconciler.reconcile([balancer(), deployment()], wait_waves=0.01, **deletes)
    found = {outcome.key.name: outcome for outcome in result}
    assert (found["door"].status, found["web"].status, found["old"].status) == ("created", "failed", "skipped")
    assert str(found["web"].error) == (
        "Deployment.apps default/web: not created: Service default/door, of an earlier wave, is not ready: "
        "InProgress (NoIngress): no load balancer has given it an address"
    )
    assert fake.find(DEPLOYMENT) == []


def test_what_was_there_before_is_waited_for_too(fake, reconciler):
    reconciler.reconcile([balancer()]).raise_for_failures()
    result = reconciler.apply(reconciler.plan([balancer(), deployment()]), wait_waves=0.01)
    assert result.counts["failed"] == 1


def test_a_claim_holds_nothing_back(fake, reconciler):
    """A volume may be bound to it only when a Pod uses it."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = obj("v1", "PersistentVolumeClaim", "data", "default", spec=spec)
    result = reconciler.reconcile([claim, deployment()], wait_waves=0.01)
    assert result.counts["created"] == 2
