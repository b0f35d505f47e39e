"""Defaults that the server chose at creation, by fields that change later (R1.6).

What cannot be changed any more is left as it was allotted; what can follows the field that it depends on.
"""

import copy

import pytest

IMAGE = "registry.example/app"


def pod_spec(image, **rest):
    return {"containers": [{"name": "c", "image": image}], "restartPolicy": "Never", **rest}


def job(**spec):
    return {"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": pod_spec("a:1")}, **spec}}


def pod(image):
    return {"apiVersion": "v1", "kind": "Pod", "spec": pod_spec(image)}


def service(**spec):
    return {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}], **spec}}


def policy(**spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "spec": {"podSelector": {}, "ingress": [{}], **spec},
    }


# What is expected first and then, and the paths that the second is to change.
CHANGES = {
    "parallelism": (job(), job(parallelism=2), ["/spec/parallelism"]),
    "parallelism-0": (job(), job(parallelism=0), ["/spec/parallelism"]),
    "parallelism-left-out": (job(parallelism=2), job(), ["/spec/parallelism"]),
    "parallelism-of-completions": (job(completions=3), job(completions=3, parallelism=2), ["/spec/parallelism"]),
    "latest-to-tag": (pod(f"{IMAGE}:latest"), pod(f"{IMAGE}:1"), ["/spec/containers/0/image"]),
    "tag-to-latest": (pod(f"{IMAGE}:1"), pod(f"{IMAGE}:latest"), ["/spec/containers/0/image"]),
    "headless-gains-selector": (
        service(clusterIP="None"),
        service(clusterIP="None", selector={"a": "b"}),
        ["/spec/selector", "/spec/ipFamilyPolicy"],
    ),
    "headless-loses-selector": (
        service(clusterIP="None", selector={"a": "b"}),
        service(clusterIP="None"),
        ["/spec/ipFamilyPolicy", "/spec/selector"],
    ),
    "policy-types": (policy(), policy(egress=[{}]), ["/spec/egress", "/spec/policyTypes/1"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_r1_6_what_was_allotted_at_creation_is_left(world, name):
    first, second, paths = (
        {**obj, "metadata": {"name": "allotted", "namespace": world.namespace}} if isinstance(obj, dict) else obj
        for obj in copy.deepcopy(CHANGES[name])
    )
    world.create(first)
    assert [operation["path"] for operation in world.plan(second)] == paths
    world.repair(second)
