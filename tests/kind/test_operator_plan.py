"""``run --plan`` on a real server: it writes nothing, and what it prints is what the operator then writes."""

import json
import random
import subprocess

import jsonschema
import pytest

import genreconcile as gr
from genreconcile.controllers.planning import missing_rights, planned
from genreconcile.report import schema
from genreconcile.testing import ControlPlane
from kind.operator_world import PROGRAM
from support.audit import AuditLog
from support.eventually import eventually

WRITES = {"create", "update", "patch", "delete", "deletecollection"}
REVIEWS = {"selfsubjectaccessreviews", "selfsubjectrulesreviews"}
OPERATOR = """
import json
import genreconcile as gr

@gr.controller("v1/ConfigMap", name="wishes", selector="wish=yes", min_interval=0, workers=8, max_deletions=100)
def wishes(parent, ctx):
    if "plan" in parent["data"]:
        assert ctx.is_plan
    for name, data in json.loads(parent["data"]["children"]).items():
        metadata = {"name": f"{parent['metadata']['name']}-{name}"}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    log = AuditLog(tmp_path_factory.mktemp("audit"), "")
    with ControlPlane(extra_apiserver_args=log.arguments) as plane:
        yield plane, log


@pytest.fixture
def world(served, namespace_of, tmp_path):
    plane, _ = served
    return World(plane, namespace_of, tmp_path)


@pytest.fixture
def namespace_of(served, request):
    name = request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-")
    return served[0].create_namespace(name)


class World:
    def __init__(self, plane, namespace, folder):
        self.plane, self.namespace = plane, namespace
        self.cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.operator = folder / "operator.py"
        self.operator.write_text(OPERATOR)
        self.maps = f"/api/v1/namespaces/{namespace}/configmaps"

    def wish(self, name, children, **data):
        metadata = {"name": name, "namespace": self.namespace, "labels": {"wish": "yes"}}
        data = {"children": json.dumps(children), **data}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        self.cluster.request("POST", self.maps, body=json.dumps(body).encode())

    def patch(self, name, *operations):
        body, path = json.dumps(operations).encode(), f"{self.maps}/{name}"
        self.cluster.request("PATCH", path, body=body, content_type="application/json-patch+json")

    def live(self):
        """The data of all children."""
        items = json.loads(self.cluster.request("GET", self.maps))["items"]
        found = [one for one in items if one["metadata"].get("labels", {}).get("wish") != "yes"]
        data = {one["metadata"]["name"]: one.get("data", {}) for one in found}
        data.pop("kube-root-ca.crt", None)
        return data

    def command(self, *options, user="planner", groups=("system:masters",)):
        cluster = ["--kubeconfig", self.plane.user_kubeconfig(user, list(groups)), "--watch-namespace", self.namespace]
        return [PROGRAM, "run", self.operator, *cluster, *options]

    def plan(self, *options, **account):
        return subprocess.run(
            self.command("--plan", *options, **account), capture_output=True, text=True, timeout=120, check=False
        )

    def settle(self, wanted):
        """Run the operator until the children are these."""
        with subprocess.Popen(self.command(user="runner"), stderr=subprocess.DEVNULL) as process:
            try:
                eventually(lambda: self.live() == wanted, lambda: sorted(self.live()))
            finally:
                process.terminate()


def wanted(parents):
    return {f"{parent}-{name}": data for parent, children in parents.items() for name, data in children.items()}


def writes(log, user, namespace):
    """(verb, resource, name) of what a user has written in a namespace."""
    found = set()
    for event in map(json.loads, log.file.read_text().splitlines()):
        ref = event.get("objectRef", {})
        is_done = event["stage"] == "ResponseComplete" and event["responseStatus"]["code"] < 300
        is_theirs = event["user"]["username"] == user and ref.get("namespace", namespace) == namespace
        if is_theirs and is_done and event["verb"] in WRITES and ref["resource"] not in REVIEWS:
            name = ref.get("name") or event["requestObject"]["metadata"]["name"]
            found.add((event["verb"], ref["resource"], name))
    return found


def test_it_writes_nothing_and_says_what_the_operator_then_writes(served, world):
    """Over 500 random parents, whose children exist, have drifted, are to change, or are too many."""
    _, log = served
    dice = random.Random(0)  # noqa: S311 - the same in each run
    parents = {f"p{n}": {f"c{k}": {"k": str(dice.randrange(9))} for k in range(dice.randrange(4))} for n in range(500)}
    for name, children in parents.items():
        world.wish(name, children)
    world.settle(wanted(parents))
    for name, children in parents.items():
        for child in children:
            if dice.random() < 0.2:
                world.patch(
                    f"{name}-{child}", {"op": "add", "path": f"/data/{dice.choice(['k', 'more'])}", "value": "theirs"}
                )
        if dice.random() < 0.3:
            children[f"c{dice.randrange(5)}"] = {"k": str(dice.randrange(9))}
        if children and dice.random() < 0.2:
            children.pop(dice.choice(sorted(children)))
        world.patch(name, {"op": "replace", "path": "/data/children", "value": json.dumps(children)})
    before = world.live()

    done = world.plan("-o", "json")
    assert (done.returncode, done.stderr) == (1, "")
    document = json.loads(done.stdout)
    jsonschema.validate(document, schema())
    assert world.live() == before
    assert writes(log, "planner", world.namespace) == set(), "nothing but reads has reached the server"

    expected = set()
    for one in document["plans"]:
        for change in one["plan"]["changes"]:
            verb = {"create": "create", "update": "patch", "delete": "delete"}[change["operation"]]
            expected.add((verb, "configmaps", change["name"]))
    assert len(expected) > 250
    earlier = writes(log, "runner", world.namespace)
    log.file.write_text("")
    world.settle(wanted(parents))
    now = {one for one in writes(log, "runner", world.namespace) if one[1] == "configmaps" and one[2] not in parents}
    assert now == expected
    assert earlier
    done = world.plan()
    assert (done.returncode, done.stdout) == (0, "500 looked at: 0 would be changed, 0 could not be judged\n")


def test_rights_that_are_missing_and_parents_that_nobody_can_judge(world):
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch", "get"]}]
    of_rbac, metadata = {"apiVersion": "rbac.authorization.k8s.io/v1"}, {"name": "reader", "namespace": world.namespace}
    subject = {"kind": "User", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"}
    ref = {"kind": "Role", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"}
    role = {**of_rbac, "kind": "Role", "metadata": metadata, "rules": rules}
    binding = {**of_rbac, "kind": "RoleBinding", "metadata": metadata, "subjects": [subject], "roleRef": ref}
    with gr.Reconciler(world.cluster) as author:
        author.reconcile([role, binding]).raise_for_failures()
    world.wish("one", {"a": {"k": "1"}}, plan="yes")
    body = {"op": "replace", "path": "/data/children", "value": "no JSON"}
    world.wish("two", {})
    world.patch("two", body)
    done = world.plan(user="reader", groups=())
    assert done.returncode == 2, done.stderr
    assert f"missing right: create configmaps in {world.namespace}" in done.stdout.splitlines()
    assert f"wishes: ConfigMap {world.namespace}/one:" in done.stdout
    assert f"  configmap/one-a to create ({world.namespace})" in done.stdout
    assert f"wishes: ConfigMap {world.namespace}/two: not judged: " in done.stdout
    assert done.stdout.endswith("2 looked at: 1 would be changed, 1 could not be judged\n")


def test_sets_without_a_parent(world):
    kept = gr.callable(
        lambda: [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "namespace": world.namespace}}],
        name="kept",
    )
    (found,) = planned([kept], world.cluster, [world.namespace])
    assert (found.name, found.parent, found.has_changes, found.is_judged) == ("kept", None, True, True)
    assert missing_rights([found], world.cluster) == []
    failing = gr.callable(lambda: 1 / 0, name="failing")
    (found,) = planned([failing], world.cluster, [world.namespace])
    assert (found.is_judged, found.plan) == (False, None)
    assert "ZeroDivisionError" in found.error
