"""What a program tells of itself on a real server: its Events, its metrics and probes, as users see them."""

import json
import re
import signal
import socket
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

import genreconcile as gr
from genreconcile.testing import ControlPlane
from kind.operator_world import PATCH, World
from support.eventually import eventually

MAP, EVENT = "v1/ConfigMap", "events.k8s.io/v1/Event"
OPERATOR = """
import genreconcile as gr

@gr.controller("v1/ConfigMap", name="wishes", selector="wish=yes", min_interval=0)
def wishes(parent, ctx):
    for name, value in parent["data"].items():
        namespace = {} if not value.startswith("in ") else {"namespace": value.removeprefix("in ")}
        metadata = {"name": f"{parent['metadata']['name']}-{name}", **namespace}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": value}}
"""


@pytest.fixture(scope="module")
def plane():
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def world(plane, tmp_path, request):
    name = re.sub(r"[^a-z]+", "-", request.node.name.removeprefix("test_"))[:50].strip("-")
    world = World(plane, name, tmp_path / "log")
    (tmp_path / "operator.py").write_text(OPERATOR)
    world.operator = tmp_path / "operator.py"
    yield world
    world.close()


def port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Program:
    """The operator as a process that is scraped."""

    def __init__(self, world, *options):
        self.world, self.port = world, port()
        world.run(world.operator, "--listen", f"127.0.0.1:{self.port}", *options)
        eventually(lambda: self.get("/readyz") == (200, "ok\n"), world.said)

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def sample(self, metric, /, **labels):
        families = text_string_to_metric_families(self.get("/metrics")[1])
        samples = (one for family in families for one in family.samples)
        return next((one.value for one in samples if (one.name, one.labels) == (metric, labels)), None)


def wish(world, name, **data):
    metadata = {"name": name, "namespace": world.namespace, "labels": {"wish": "yes"}}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    world.cluster.request("POST", world.path(MAP), body=json.dumps(body).encode())


def meddle(world, name, value, manager):
    body = json.dumps([{"op": "replace", "path": "/data/k", "value": value}]).encode()
    query = {"fieldManager": manager}
    world.cluster.request("PATCH", world.path(MAP, name), query=query, body=body, content_type=PATCH)


def events(world, reason=""):
    found = json.loads(world.cluster.request("GET", world.path(EVENT)))["items"]
    return [event for event in found if event["reason"] in {reason, *([] if reason else [event["reason"]])}]


def notes(world, reason):
    return [event["note"] for event in events(world, reason)]


def value(world, name):
    found = world.get(MAP, name)
    return found and found["data"]["k"]


def test_drift_that_is_repaired_and_fought_over(world):
    wish(world, "w", a="mine")
    program = Program(world)
    eventually(lambda: value(world, "w-a") == "mine")
    for number in range(8):  # The same two values: after five rounds it is a fight.
        eventually(lambda: value(world, "w-a") == "mine" or notes(world, "DriftFought"), world.said)
        if notes(world, "DriftFought"):
            break
        meddle(world, "w-a", "theirs", "kubectl-edit")
        eventually(lambda: value(world, "w-a") == "mine" or notes(world, "DriftFought"), f"round {number}")
    of_repairs = f"Repaired ConfigMap {world.namespace}/w-a: /data/k (set by kubectl-edit)"
    assert notes(world, "DriftRepaired") == [of_repairs]
    (repaired,) = events(world, "DriftRepaired")
    eventually(lambda: events(world, "DriftRepaired")[0].get("series", {}).get("count", 0) >= 4)
    assert (repaired["type"], repaired["regarding"]["name"], repaired["related"]["name"]) == ("Normal", "w", "w-a")
    assert repaired["reportingController"] == "genreconcile-wishes"
    (fought,) = events(world, "DriftFought")
    assert fought["type"] == "Warning"
    assert "a fight with kubectl-edit, who keeps undoing it" in fought["note"]
    assert "next repair" not in fought["note"]
    assert program.sample("genreconcile_fights", controller="wishes") == 1
    assert program.sample("genreconcile_drift_fields_total", kind="ConfigMap", manager="kubectl-edit") >= 4
    assert program.sample("genreconcile_repairs_total", controller="wishes", kind="ConfigMap") >= 4
    assert notes(world, "Created") == [f"Created ConfigMap {world.namespace}/w-a"]


def test_what_is_refused(world):
    """By the controller's own rules, and by the server."""
    with gr.Reconciler(world.cluster, field_manager="author") as reconciler:
        reconciler.reconcile(refusing(world.namespace)).raise_for_failures()
    eventually(lambda: "not this one" in tried(world, "a-bad"), "the policy is at work")
    wish(world, "w", good="one", bad="two")
    wish(world, "other", a="in elsewhere")
    program = Program(world)
    eventually(lambda: value(world, "w-good") == "one", world.said)
    refused = eventually(lambda: events(world, "Refused"), lambda: (events(world), world.said()))
    assert {(event["type"], event["regarding"]["name"]) for event in refused} == {("Warning", "w")}
    assert all("w-bad" in event["note"] and "not this one" in event["note"] for event in refused)
    invalid = eventually(lambda: events(world, "InvalidChildren"), lambda: (events(world), world.said()))
    assert {(event["type"], event["regarding"]["name"]) for event in invalid} == {("Warning", "other")}
    eventually(lambda: program.sample("genreconcile_reconcile_total", controller="wishes", result="error") >= 2)


def refusing(namespace):
    """A policy under which no ConfigMap of this namespace may have a name that ends with ``-bad``."""
    place = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    maps = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"]}
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": f"{namespace}.example.com"}}
    spec = {
        "matchConstraints": {"namespaceSelector": place, "resourceRules": [maps]},
        "validations": [{"expression": "!object.metadata.name.endsWith('-bad')", "message": "not this one"}],
    }
    binding = {"policyName": head["metadata"]["name"], "validationActions": ["Deny"]}
    return [
        {**head, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**head, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]


def tried(world, name):
    """What the server would say."""
    metadata = {"name": name, "namespace": world.namespace}
    body = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}).encode()
    try:
        world.cluster.request("POST", world.path(MAP), query={"dryRun": "All"}, body=body)
    except gr.ClusterError as error:
        return str(error)
    return ""


def test_a_right_that_is_missing_is_said_once_and_nothing_stops(world, plane):
    """Events are a comfort: without the right the operator works as before."""
    rights = [
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "verbs": ["list", "watch", "get", "create", "patch", "delete"],
        },
        {"apiGroups": [""], "resources": ["configmaps/status"], "verbs": ["patch"]},
    ]
    metadata = {"name": "operator", "namespace": world.namespace}
    of_rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    subject = {"kind": "User", "name": "operator", "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "Role", "name": "operator", "apiGroup": "rbac.authorization.k8s.io"}
    with gr.Reconciler(world.cluster, field_manager="author") as reconciler:
        reconciler.reconcile(
            [
                {**of_rbac, "kind": "Role", "metadata": metadata, "rules": rights},
                {**of_rbac, "kind": "RoleBinding", "metadata": metadata, "subjects": [subject], "roleRef": role},
            ]
        ).raise_for_failures()
    Program(world, "--as", "operator")
    wish(world, "w", a="one", b="two")
    eventually(lambda: (value(world, "w-a"), value(world, "w-b")) == ("one", "two"), world.said)
    meddle(world, "w-a", "theirs", "somebody")
    eventually(lambda: value(world, "w-a") == "one")
    code, said = world.end(signal.SIGTERM)
    assert code == 0, said
    assert said.count("no Event is written there any more") == 1, said
    assert f"events.events.k8s.io in the namespace {world.namespace}" in said
    assert events(world) == []


def test_a_log_of_json(world):
    wish(world, "w", a="one")
    Program(world, "--log-format", "json", "--no-events")
    eventually(lambda: value(world, "w-a") == "one")
    code, said = world.end()
    assert code == 0, said
    lines = [json.loads(line) for line in said.splitlines()]
    assert {"running %s", "listening on port %d", "stopping"} <= {line["template"] for line in lines}
    assert events(world) == []
