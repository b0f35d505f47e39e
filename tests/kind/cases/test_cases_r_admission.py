"""What admission merges into a Pod from the objects that it names (R1.5)."""

import itertools

import pytest

import genreconcile as gr
from genreconcile.compare import Comparison
from support.eventually import eventually


def pod(world, **spec):
    spec = {"containers": [{"name": "c", "image": "a:1"}], **spec}
    return world.obj("v1", "Pod", "web", spec=spec)


@pytest.fixture
def runtime(world):
    """A RuntimeClass that admission merges into Pods."""
    name = f"{world.namespace}-rc"
    world.post(
        {
            "apiVersion": "node.k8s.io/v1",
            "kind": "RuntimeClass",
            "metadata": {"name": name},
            "handler": "runc",
            "overhead": {"podFixed": {"cpu": "100m", "memory": "10Mi"}},
            "scheduling": {
                "nodeSelector": {"runtime": "special"},
                "tolerations": [
                    {"key": "special", "operator": "Exists", "effect": "NoSchedule"},
                    {"key": "other", "operator": "Equal", "value": "x"},
                ],
            },
        }
    )
    return name


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"tolerations": [{"key": "mine", "operator": "Exists"}]},
        {"tolerations": [{"key": "special", "operator": "Exists", "effect": "NoSchedule"}]},
        {"tolerations": [{"key": "special", "operator": "Equal", "value": "x", "effect": "NoSchedule"}]},
        {"tolerations": [{"key": "mine", "operator": "Exists"}, {"key": "mine", "operator": "Exists"}]},
        {
            "tolerations": [
                {"key": "mine", "operator": "Exists"},
                {"key": "mine", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5},
            ]
        },
        {"tolerations": [{"operator": "Exists"}]},
        {"tolerations": [{"key": "other", "operator": "Equal", "value": "x", "effect": "NoExecute"}]},
        {"nodeSelector": {"disk": "ssd"}},
        {"nodeSelector": {"runtime": "special"}},
    ],
    ids=str,
)
def test_r1_5_what_a_runtime_class_merges(world, runtime, own):
    expected = pod(world, runtimeClassName=runtime, **own)
    world.post_until(expected, lambda live: "overhead" in live["spec"])
    for _ in range(2):
        assert [outcome.status for outcome in world.reconcile(expected)] == ["unchanged"]
    assert world.plan(expected) == []


ALL = [
    {
        key: value
        for key, value in zip(("key", "operator", "value", "effect", "tolerationSeconds"), parts, strict=True)
        if value is not None
    }
    for parts in itertools.product(
        (None, "a", "b"), (None, "Exists", "Equal"), (None, "x"), (None, "NoSchedule", "NoExecute"), (None, 5, 60)
    )
    if parts[0] or parts[1] == "Exists"
    if not (parts[1] == "Exists" and parts[2])
    if parts[4] is None or parts[3] == "NoExecute"
]


def test_r1_5_any_two_tolerations_merge_as_the_server_merges_them(world, runtime):
    """In one Pod of a class for each two: what the dry run gives is unchanged."""
    expected = pod(world, runtimeClassName=runtime)
    world.post_until(expected, lambda live: "overhead" in live["spec"])
    node, typed = world.catalog.node(world.catalog.resource(gr.GVK.of(expected)), expected)
    place = world.path(expected).rpartition("/")[0]
    for one, other in itertools.product(ALL, ALL):
        both = pod(world, runtimeClassName=runtime, tolerations=[one, other])
        both["metadata"]["name"] = "both"
        stored = world.send("POST", place, both, query={"dryRun": "All"})
        assert not Comparison(node, typed).compare(both, stored), (one, other)


def test_r1_5_a_toleration_that_is_expected_is_added(world, runtime):
    expected = pod(world, runtimeClassName=runtime)
    world.post_until(expected, lambda live: "overhead" in live["spec"])
    expected["spec"]["tolerations"] = [{"key": "new", "operator": "Exists"}]
    world.repair(expected)
    assert {t["key"] for t in world.get(expected)["spec"]["tolerations"]} >= {"new", "special", "other"}


def test_r1_5_without_a_runtime_class_a_toleration_by_hand_is_found(world):
    expected = pod(world)
    world.create(expected)
    world.edit(expected, {"op": "add", "path": "/spec/tolerations/-", "value": {"key": "hand", "operator": "Exists"}})
    assert [operation["op"] for operation in world.plan(expected)] == ["remove"]


def test_r1_5_what_a_priority_class_gives(world):
    world.post(
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": f"{world.namespace}-pc"},
            "value": 77,
            "preemptionPolicy": "Never",
        }
    )
    expected = pod(world, priorityClassName=f"{world.namespace}-pc")
    eventually(lambda: [outcome.status for outcome in world.reconcile(expected)] == ["created"])
    assert world.get(expected)["spec"]["priority"] == 77
    assert world.plan(expected) == []


def test_r1_5_what_a_service_account_gives(world):
    account = world.obj("v1", "ServiceAccount", "puller", imagePullSecrets=[{"name": "registry"}])
    world.post(account)
    expected = pod(world, serviceAccountName="puller", initContainers=[{"name": "i", "image": "b:1"}])
    world.post_until(expected, lambda live: "imagePullSecrets" in live["spec"])
    assert [outcome.status for outcome in world.reconcile(expected)] == ["unchanged"]
    assert world.plan(expected) == []


@pytest.mark.parametrize(
    "resources",
    [
        {},
        {"limits": {"memory": "1Gi"}},
        {"requests": {"cpu": "1m"}},
        {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}},
    ],
    ids=str,
)
def test_r1_5_what_a_limit_range_gives(world, resources):
    limits = [{"type": "Container", "default": {"cpu": "2", "memory": "2Gi"}, "defaultRequest": {"cpu": "10m"}}]
    world.post(world.obj("v1", "LimitRange", "limits", spec={"limits": limits}))
    container = {"name": "c", "image": "a:1", "resources": resources}
    expected = pod(world, containers=[container], initContainers=[{**container, "name": "i"}])
    world.post_until(expected, lambda live: "kubernetes.io/limit-ranger" in live["metadata"].get("annotations", {}))
    assert [outcome.status for outcome in world.reconcile(expected)] == ["unchanged"]
    assert world.plan(expected) == []
