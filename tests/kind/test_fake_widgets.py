"""Objects of a custom kind, written at random in all ways, valid and not: both servers say the same.

Invariant: what is compared is the whole answer, with the owners of all fields, but for what the server itself gives.
Left out, as FakeCluster does not have it: nulls and empty labels in an apply, and that owners are not counted where a
part that the endpoint does not write is of a wrong type.
"""

import json
import random

import pytest

from genreconcile.cluster import connect
from genreconcile.errors import ClusterError
from genreconcile.gojson import dumps
from genreconcile.testing import FakeCluster
from support.contract import Place
from support.contract.kinds import SHARED

RUNS, WRITES = 30, 12
HEAD = {"apiVersion": "contract.example.dev/v1", "kind": "Widget"}
JSON, MERGE, APPLY = "application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"
KEYS = [
    "size",
    "replicas",
    "mode",
    "note",
    "maybe",
    "text",
    "tags",
    "labels",
    "port",
    "ratio",
    "free",
    "nested",
    "inner",
]
KEYS += ["rules", "nope"]
_LISTS = [[], ["a"], ["a", "b", "c"], [{"verb": "x"}, {}], [{"path": None}]]
_MAPS = [
    {},
    {"level": 2},
    {"level": None},
    {"level": "x"},
    {"deep": {"on": True}},
    {"a": "1"},
    {"x": {"y": [None, 1.0]}},
]
VALUES = [None, 0, 1, 5, 101, -1, 1.0, 1.5, "a", "abc", "ABC", "fast", True, *_LISTS, *_MAPS]
_SERVERS = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp")


def _spec(dice, *, is_apply=False):
    values = [value for value in VALUES if not is_apply or "null" not in json.dumps(value)]
    return {"size": 1, **{key: dice.choice(values) for key in dice.sample(KEYS, dice.randint(0, 4))}}


def _metadata(dice):
    found = {
        "labels": {key: dice.choice(["1", "2", "a b"]) for key in dice.sample("lmn", 1)},
        "annotations": {"a": dice.choice(["", "x"])},
        "finalizers": dice.choice([[], ["e.dev/x"], ["x"]]),
        "nope": 1,
        "generation": 7,
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": ""}],
    }
    return {key: found[key] for key in found if dice.random() < (0.3 if key in {"labels", "annotations"} else 0.08)}


def _write(dice):
    """Method, whether it is one of the status, content type and body. A PUT is completed by what is there."""
    way = dice.choice(["put", "status", "merge", "merge", "json", "json", "apply", "create", "get", "delete"])
    if way in {"get", "delete"}:
        return way.upper(), False, "", None
    if way == "status":
        status = dice.choice([{"phase": "x", "nope": 1}, {"phase": 1}, {"replicas": 1}, {}, None])
        body = {"status": status, "spec": {"size": 2}}
        return dice.choice([("PATCH", True, MERGE, body), ("PUT", True, "application/json", body)])
    body = {"metadata": {"name": "w", **_metadata(dice)}, "spec": _spec(dice, is_apply=way == "apply")}
    if way == "json":
        operations = [{"op": "add", "path": f"/spec/{key}", "value": value} for key, value in body["spec"].items()]
        removed = [{"op": "remove", "path": f"/spec/{dice.choice(KEYS)}"}] if dice.random() < 0.3 else []
        return "PATCH", False, JSON, operations + removed
    if way == "apply":
        return "PATCH", False, APPLY, {**HEAD, **body}
    if way == "create":
        return "POST", False, "application/json", {**HEAD, **body}
    return ("PUT", False, "application/json", body) if way == "put" else ("PATCH", False, MERGE, body)


def writes(dice):
    """The writes of one run, each with its query."""
    yield "POST", False, "application/json", {**HEAD, "metadata": {"name": "w"}, "spec": {"size": 1, "rules": [{}]}}, {}
    for _ in range(WRITES):
        write = _write(dice)
        query = {"fieldManager": dice.choice("abu")} if write[0] in {"POST", "PUT", "PATCH"} else {}
        query |= {"fieldValidation": "Strict"} if query and dice.random() < 0.2 else {}
        query |= {"force": "true"} if write[2] == APPLY and dice.random() < 0.7 else {}
        query |= {"dryRun": "All"} if write[0] != "GET" and dice.random() < 0.1 else {}
        yield (*write, query)


class Side:
    """One of the two servers; it knows whether a write changed the version."""

    def __init__(self, cluster, namespace):
        self._cluster = cluster
        self._root = f"/apis/contract.example.dev/v1/namespaces/{namespace}/widgets"
        self._version = ""

    def answer(self, method, is_status, content_type, body, query):
        """What comparable there is in the answer."""
        try:
            return self._comparable(self._sent(method, is_status, content_type, body, query))
        except ClusterError as error:
            causes = {(cause["reason"], cause["field"]) for cause in error.details.get("causes", [])}
            return error.status, error.reason, causes, error.details.get("name")

    def _sent(self, method, is_status, content_type, body, query):
        path = self._root if method == "POST" else f"{self._root}/w" + ("/status" if is_status else "")
        if method == "PUT":
            live = json.loads(self._cluster.request("GET", f"{self._root}/w"))
            body = {**live, **body, "metadata": {**live["metadata"], **body.get("metadata", {})}}
        data = None if body is None else dumps(body)
        content = {"content_type": content_type} if content_type else {}
        return json.loads(self._cluster.request(method, path, query=query, body=data, **content))

    def _comparable(self, obj):
        if obj["kind"] == "Status":
            return obj["status"]
        metadata = dict(obj["metadata"])
        is_same, self._version = metadata.get("resourceVersion") == self._version, metadata.get("resourceVersion")
        there = [metadata.pop(key, None) is not None for key in _SERVERS]
        entries = [{**entry, "time": ""} for entry in metadata.pop("managedFields", [])]
        entries.sort(key=lambda entry: json.dumps(entry, sort_keys=True))
        return json.dumps([{**obj, "metadata": metadata}, there, entries, is_same], sort_keys=True)


@pytest.fixture(scope="module")
def cluster(control_plane):
    opened = connect(kubeconfig=str(control_plane.kubeconfig))
    place = Place(opened, "default")
    place.kind("Widget")
    place.settle(lambda: place.is_served("contract.example.dev/v1/widgets"))
    yield opened
    opened.close()


@pytest.mark.parametrize("seed", range(RUNS))
def test_both_say_the_same(cluster, namespace, seed):
    with FakeCluster([SHARED["Widget"]]) as fake:
        fake.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        here, there = Side(fake, namespace), Side(cluster, namespace)
        for write in writes(random.Random(seed)):  # noqa: S311 - no secret
            assert here.answer(*write) == there.answer(*write), write
