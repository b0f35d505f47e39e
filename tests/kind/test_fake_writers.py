"""Several managers write one object by applies and patches, at random: a real API server and FakeCluster say the same.

Invariant: what is compared is the whole answer, with the owners of all fields, but for what the server itself gives.
"""

import json
import random

import pytest

from genreconcile.cluster import connect
from genreconcile.errors import ClusterError
from genreconcile.gojson import dumps
from genreconcile.testing import FakeCluster

APPLY = "application/apply-patch+yaml"
PATCHES = {"merge": "application/merge-patch+json", "strategic": "application/strategic-merge-patch+json"}
RUNS, WRITES = 20, 6
_SERVERS = ("uid", "resourceVersion", "creationTimestamp", "namespace")


def _container(dice, name):
    found = {"name": name, "image": dice.choice("ij")}
    if dice.random() < 0.5:
        env = dice.sample("XYZ", dice.randint(0, 3))
        found["env"] = [{"name": variable, "value": dice.choice("12")} for variable in env]
    if dice.random() < 0.4:
        found["ports"] = [{"containerPort": port} for port in dice.sample([80, 81], dice.randint(0, 2))]
    if dice.random() < 0.3:
        found["args"] = dice.sample("pqr", 2)
    return found


def _metadata(dice):
    labels = {key: dice.choice("12") for key in dice.sample("lmn", dice.randint(0, 2))}
    return {"labels": labels, "finalizers": [f"e.dev/{name}" for name in dice.sample("xyz", dice.randint(0, 3))]}


def _config(dice):
    """A configuration: lists with keys, a set, atoms and maps, some of them empty."""
    containers = [_container(dice, name) for name in dice.sample("abc", dice.randint(1, 3))]
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers}}
    selector = {"matchLabels": {"a": "b"}}
    spec = {"paused": True, "replicas": dice.randint(0, 2), "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w", **_metadata(dice)}, "spec": spec}


def _change(dice):
    config = _config(dice)
    containers = config["spec"]["template"]["spec"]["containers"]
    return {"metadata": _metadata(dice), "spec": {"template": {"spec": {"containers": containers}}}}


def writes(dice):
    """Content type, query and body of each write."""
    yield APPLY, {"fieldManager": "a", "force": "true"}, _config(dice)
    for _ in range(WRITES - 1):
        way = dice.choice(["apply", "apply", *PATCHES])
        if way == "apply":
            force = {"force": "true"} if dice.random() < 0.7 else {}
            yield APPLY, {"fieldManager": dice.choice("ab"), **force}, _config(dice)
        else:
            yield PATCHES[way], {"fieldManager": dice.choice("um")}, _change(dice)


def answer(cluster, namespace, content_type, query, body):
    """What comparable there is in the answer to one write."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/w"
    try:
        found = cluster.request("PATCH", path, query=query, body=dumps(body), content_type=content_type)
    except ClusterError as error:
        causes = sorted((cause["reason"], cause["field"]) for cause in error.details.get("causes", []))
        return error.status, error.reason, causes
    obj = json.loads(found)
    entries = [{**entry, "time": ""} for entry in obj["metadata"].pop("managedFields", [])]
    kept = {key: value for key, value in obj["metadata"].items() if key not in _SERVERS}
    key = json.dumps
    return {**obj, "metadata": kept, "status": None}, sorted(entries, key=lambda one: key(one, sort_keys=True))


@pytest.fixture(scope="module")
def cluster(control_plane):
    opened = connect(kubeconfig=str(control_plane.kubeconfig))
    yield opened
    opened.close()


@pytest.mark.parametrize("seed", range(RUNS))
def test_both_say_the_same(cluster, namespace, seed):
    with FakeCluster() as fake:
        fake.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        for write in writes(random.Random(seed)):  # noqa: S311 - no secret
            assert answer(fake, namespace, *write) == answer(cluster, namespace, *write), write
