"""What is remembered of objects in sync, and what makes it void: only what may have changed is compared anew."""

import copy
import time

import pytest

import genreconcile as gr
from genreconcile import gojson
from genreconcile.compare import Comparison
from support.eventually import eventually
from support.objects import obj, pod_template, workload

JSON_PATCH = "application/json-patch+json"
DEPLOYMENTS = "/apis/apps/v1/namespaces"


def deployment(namespace, name="web", **spec):
    spec = workload(pod_template({"app": name}, "example.com/c:1"), **spec)
    return obj("apps/v1", "Deployment", name, namespace, labels={"app": name}, spec=spec)


def autoscaler(namespace, target="web"):
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h", "namespace": namespace},
        "spec": {"maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}},
    }


@pytest.fixture
def cluster(control_plane):
    return gr.connect(kubeconfig=str(control_plane.kubeconfig))


@pytest.fixture
def judged(monkeypatch):
    """The names of the objects that are compared."""
    names = []

    is_clean = Comparison.is_clean

    def noted(self, expected, live):
        if expected["metadata"]["name"] not in names:  # What its patch leads to is compared as well.
            names.append(expected["metadata"]["name"])
        return is_clean(self, expected, live)

    monkeypatch.setattr(Comparison, "is_clean", noted)
    return names


@pytest.fixture
def world(cluster, namespace, judged):
    """Two Deployments in sync, and a way to plan them; what was judged so far is forgotten."""
    expected = [deployment(namespace, "web"), deployment(namespace, "other")]
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        reconciler.plan(expected)
        judged.clear()
        yield World(cluster, namespace, reconciler, expected, judged)


class World:
    def __init__(self, cluster, namespace, reconciler, expected, judged):
        self.cluster, self.namespace, self.reconciler = cluster, namespace, reconciler
        self.expected, self.judged = expected, judged

    def patch(self, name, *operations, place=""):
        path = f"{DEPLOYMENTS}/{self.namespace}/deployments/{name}{place}"
        self.cluster.request("PATCH", path, body=gojson.dumps(list(operations)), content_type=JSON_PATCH)

    def post(self, path, obj):
        self.cluster.request("POST", f"{path}/namespaces/{self.namespace}/{obj[1]}", body=gojson.dumps(obj[0]))

    def plan(self, **settings):
        self.judged.clear()
        return self.reconciler.plan(copy.deepcopy(self.expected), **settings)

    def plan_until(self, condition):
        """The first plan of which the condition holds; what was judged for it stays."""
        plans = []

        def holds():
            plans.append(self.plan())
            return condition(plans[-1])

        eventually(holds, lambda: [plan.summary() for plan in plans[-1:]])
        return plans[-1]


def test_nothing_is_compared_twice(world):
    plan = world.plan()
    assert world.judged == []
    assert plan.counts["unchanged"] == 2
    assert [change.key.name for change in plan.unchanged] == ["web", "other"]


def test_what_somebody_edits_is_compared_alone(world):
    world.patch("web", {"op": "replace", "path": "/spec/replicas", "value": 7})
    plan = world.plan_until(lambda plan: plan.changes)
    assert world.judged == ["web"]
    assert plan.changes[0].operations == [{"op": "replace", "path": "/spec/replicas", "value": 1}]


def test_an_edit_that_is_undone_is_compared_and_found_in_sync(world):
    world.patch("web", {"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}})
    world.plan_until(lambda plan: plan.changes)
    world.patch("web", {"op": "remove", "path": "/metadata/annotations"})
    world.plan_until(lambda plan: not plan.changes)
    assert world.judged == ["web"]
    world.plan()
    assert world.judged == []


def test_another_expected_content_is_compared(world):
    world.expected[1]["spec"]["replicas"] = 1  # The default: still in sync.
    assert not world.plan().changes
    assert world.judged == ["other"]
    world.expected[1]["spec"]["replicas"] = 2
    assert world.plan().counts["update"] == 1
    world.expected[1]["spec"]["replicas"] = True
    assert world.plan().counts["failed"] == 1


def test_another_policy_and_another_namespace_are_other_questions(world):
    world.plan(fields="subset")
    assert world.judged == ["web", "other"]
    world.plan(namespace="elsewhere")
    assert world.judged == ["web", "other"]
    world.plan()
    assert world.judged == []


def test_an_object_that_is_gone_or_another_one_is_noticed(world):
    path = f"{DEPLOYMENTS}/{world.namespace}/deployments/web"
    world.cluster.request("DELETE", path)
    plan = world.plan_until(lambda plan: plan.changes)
    assert [change.operation for change in plan.changes] == ["create"]
    world.post("/apis/apps/v1", (deployment(world.namespace, "web", replicas=5), "deployments"))
    plan = world.plan_until(lambda plan: plan.counts["update"])
    assert world.judged == ["web"]


def test_an_autoscaler_that_comes_and_goes_is_noticed(world):
    world.patch("web", {"op": "replace", "path": "/spec/replicas", "value": 7})
    world.plan_until(lambda plan: plan.changes)
    world.post("/apis/autoscaling/v2", (autoscaler(world.namespace), "horizontalpodautoscalers"))
    world.plan_until(lambda plan: not plan.changes)
    assert world.judged == ["web", "other"]
    world.plan()
    assert world.judged == []
    path = f"/apis/autoscaling/v2/namespaces/{world.namespace}/horizontalpodautoscalers/h"
    status = [
        {"op": "add", "path": "/status/currentReplicas", "value": 7},
        {"op": "add", "path": "/status/desiredReplicas", "value": 7},
    ]
    seen = gojson.loads(
        world.cluster.request("PATCH", f"{path}/status", body=gojson.dumps(status), content_type=JSON_PATCH)
    )
    world.plan(not_older_than=seen)
    assert world.judged == [], "the status of an autoscaler decides nothing"
    world.cluster.request("DELETE", path)
    world.plan_until(lambda plan: plan.changes)


def test_the_same_object_twice_is_refused_all_the_same(world):
    with pytest.raises(gr.LoadError, match=r"expected twice: expected\[0\] and expected\[2\]"):
        world.reconciler.plan([*world.expected, world.expected[0]])


def test_deletion_still_sees_what_is_remembered(world):
    settings = {"delete_from_namespace": world.namespace, "delete_selector": "app"}
    assert world.plan(**settings).counts["delete"] == 0
    del world.expected[1]
    plan = world.plan(**settings)
    assert [change.key.name for change in plan.changes] == ["other"]
    assert world.judged == []


def test_a_kind_that_became_forbidden_is_unknown(control_plane, cluster, namespace, judged):
    user = f"verdict-{namespace}"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": user}}
    role |= {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}}
    role |= {"subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]}
    place = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    cluster.request("POST", place, body=gojson.dumps(role))
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}}
    own = gr.connect(kubeconfig=str(control_plane.user_kubeconfig(user, [])))
    with gr.Reconciler(own) as reconciler:
        reconciler.reconcile([config]).raise_for_failures()
        reconciler.plan([config])
        judged.clear()
        assert reconciler.plan([config]).counts["unchanged"] == 1
        assert judged == []
        cluster.request("DELETE", f"{place}/{user}")
        deadline = time.monotonic() + 45
        while reconciler.cache.has_synced("v1/ConfigMap") and time.monotonic() < deadline:
            reconciler.cache.relist("v1/ConfigMap", timeout=1)  # The authorizer may not have heard of it yet.
        plan = reconciler.plan([config])
        assert plan.counts["failed"] == 1, plan.summary()
