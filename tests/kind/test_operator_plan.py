"""``run --plan`` on a real server: it writes nothing, and what it prints is what the operator then writes."""

import json
import random
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest
import yaml

import genreconcile as gr
from genreconcile.controllers.planning import missing_rights, planned
from genreconcile.report import schema
from genreconcile.testing import ControlPlane
from kind.operator_world import EXAMPLES, PROGRAM
from support.audit import AuditLog
from support.eventually import eventually
from support.pages import texts
from unit.controllers.things import definition, thing

PAGE = (Path(gr.__file__).parents[1] / "docs/operators.md").read_text("utf-8")
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
NO_STATUS = (
    "v1/ConfigMap: no status is written: the kind has no status subresource; declare it in the definition of the kind"
)
NOT_COUNTED = {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "events"}
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


class Foretold(NamedTuple):
    code: int
    text: str
    writes: Counter


class World:
    def __init__(self, plane, namespace, folder):
        self.plane, self.namespace = plane, namespace
        self.cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
        self.operator = folder / "operator.py"
        self.operator.write_text(OPERATOR)
        self.operators = [self.operator]
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
        return [PROGRAM, "run", *self.operators, *cluster, *options]

    def plan(self, *options, **account):
        return subprocess.run(
            self.command("--plan", *options, **account), capture_output=True, text=True, timeout=120, check=False
        )

    def ready(self, plural):
        """The status of the condition Ready of all parents of a kind."""
        path = f"/apis/example.com/v1/namespaces/{self.namespace}/{plural}"
        found = [one.get("status", {}).get("conditions", ()) for one in self.get(path)["items"]]
        return [next((one["status"] for one in conditions if one["type"] == "Ready"), "") for conditions in found]

    def get(self, path):
        return json.loads(self.cluster.request("GET", path))

    def foretold(self, *options):
        """What a plan says, for people and for programs."""
        text, document = self.plan(*options), self.plan("-o", "json", *options)
        assert text.returncode == document.returncode, text.stderr
        found = json.loads(document.stdout)
        jsonschema.validate(found, schema())
        return Foretold(text.returncode, text.stdout, of_document(found))

    def settle(self, wanted, is_done=lambda: True, why=tuple):
        """Run the operator until the children are these, and ``is_done``."""
        with subprocess.Popen(self.command(user="runner"), stderr=subprocess.DEVNULL) as process:
            try:
                eventually(lambda: self.live() == wanted and is_done(), lambda: why() or sorted(self.live()))
            finally:
                process.terminate()


def wanted(parents):
    return {f"{parent}-{name}": data for parent, children in parents.items() for name, data in children.items()}


def of_document(document):
    """As ``writes``, of what is planned."""
    sent = [write for one in document["plans"] for write in one["writes"]]
    return Counter((one["verb"], _whole(one["resource"], one["subresource"]), one["name"]) for one in sent)


def _whole(resource, subresource):
    return f"{resource}/{subresource}" if subresource else resource


def writes(log, user, namespace):
    """How often a user has written what in a namespace: (verb, resource with subresource, name). Events tell of it."""
    found = Counter()
    for event in log.logged():
        ref = event.get("objectRef", {})
        is_done = event["stage"] == "ResponseComplete" and event["responseStatus"]["code"] < 300
        is_theirs = event["user"]["username"] == user and ref.get("namespace", namespace) == namespace
        if is_theirs and is_done and event["verb"] in WRITES and ref["resource"] not in NOT_COUNTED:
            name = ref.get("name") or event["requestObject"]["metadata"]["name"]
            found[event["verb"], _whole(ref["resource"], ref.get("subresource")), name] += 1
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
    assert done.returncode == 1, done.stderr
    assert done.stderr == f"W genreconcile.controllers: wishes: {NO_STATUS} [GR912]\n", "as the operator says it"
    document = json.loads(done.stdout)
    jsonschema.validate(document, schema())
    assert world.live() == before
    assert writes(log, "planner", world.namespace) == Counter(), "nothing but reads has reached the server"

    expected = of_document(document)
    assert len([name for _, _, name in expected if name not in parents]) > 250, "children"
    assert len([name for _, _, name in expected if name in parents]) > 20, "records of parents"
    log.file.write_text("")

    def differing():
        now = writes(log, "runner", world.namespace)
        return now - expected, expected - now

    world.settle(wanted(parents), lambda: not any(differing()), differing)
    assert not any(differing())
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


def test_composites_are_planned_through(served, world):
    """A Shop has a Memcached, which does not exist yet, and whose own operator makes a Deployment and a Service."""
    _, log = served
    world.operators = [EXAMPLES / "memcached/memcached.py", EXAMPLES / "composite/shop.py"]
    with gr.Reconciler(world.cluster, field_manager="author") as author:
        for file in ("memcached/crd.yaml", "composite/crd.yaml", "composite/sample.yaml"):
            objects = [*yaml.safe_load_all((EXAMPLES / file).read_text())]
            for obj in objects:
                if "namespace" in obj["metadata"]:
                    obj["metadata"]["namespace"] = world.namespace
            author.reconcile(objects).raise_for_failures()
    # The server describes a kind a moment after it serves it: until then a dry run cannot judge its objects.
    eventually(lambda: "apis/cache.example.com/v1" in json.loads(world.cluster.request("GET", "/openapi/v3"))["paths"])
    log.file.write_text("")
    planned = world.foretold()
    assert planned.code == 1
    created = {(resource, name) for verb, resource, name in planned.writes if verb == "create"}
    assert {resource for resource, _ in created} == {"memcacheds", "configmaps", "deployments", "services"}
    assert writes(log, "planner", world.namespace) == Counter()
    with subprocess.Popen(world.command(user="runner"), stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: made(log, world) == created)
        finally:
            process.terminate()
    assert made(log, world) == created


def codes(log, user):
    """The answers that a user got."""
    events = log.logged()
    return {
        one["responseStatus"]["code"] for one in events if one["user"]["username"] == user and "responseStatus" in one
    }


def made(log, world):
    sent = writes(log, "runner", world.namespace)
    return {(resource, name) for verb, resource, name in sent if verb == "create"}


# An upgrade

SETTINGS = """
import genreconcile as gr


def config(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@gr.controller("example.com/v1/App", name="apps")
def apps(parent, ctx):
    name = parent["metadata"]["name"]
"""
FIRST = """
    yield config(f"{name}-settings", level=parent["spec"]["level"])
    yield config(f"{name}-old", greeting="hello")
"""
SECOND = """
    ctx.status["motd"] = "on"
    yield config(f"{name}-settings", level=parent["spec"]["level"], trace="off")
    yield config(f"{name}-motd", greeting="hello")
"""
APPS = [f"app-{number}" for number in range(6)]


def anonymous(text, namespace):
    """What is printed, without what differs from time to time."""
    text = re.sub(rf"\b{namespace}\b", "shop", text)
    text = re.sub(r"v[0-9][\w.]*\+[0-9a-f]{12}", "v0.1.0+…", text)
    return re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", "…", text)


def test_an_upgrade_is_foretold_with_its_guard(served, world):
    """What the second version of an operator writes where the first one has run is what its plan has said."""
    _, log = served
    with gr.Reconciler(world.cluster, field_manager="author") as author:
        author.reconcile([definition("App")]).raise_for_failures()
        author.reconcile([thing(name, "App", world.namespace, level="info") for name in APPS]).raise_for_failures()
    world.operator.write_text(SETTINGS + FIRST)
    children = {f"{name}-{which}" for name in APPS for which in ("settings", "old")}
    with subprocess.Popen(world.command(user="runner"), stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: world.live().keys() == children and set(world.ready("apps")) == {"True"})
        finally:
            process.terminate()
    done = world.plan()
    assert (done.returncode, done.stdout) == (0, "6 looked at: 0 would be changed, 0 could not be judged\n")

    world.operator.write_text(SETTINGS + SECOND)
    log.file.write_text("")
    refused = world.foretold()
    assert refused.code == 4
    assert "would change 12 of 12 children, which is more than 10" in refused.text
    assert set(refused.writes) == {("patch", "apps/status", name) for name in APPS}
    accepted = world.foretold("--accept-changes")
    assert accepted.code == 1
    assert writes(log, "planner", world.namespace) == Counter(), "a plan writes nothing"
    assert anonymous(accepted.text, world.namespace).split("apps: ")[1].splitlines() == shown_on_the_page()

    done = subprocess.run(world.command(user="runner"), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 4, done.stderr
    assert writes(log, "runner", world.namespace) == refused.writes

    accepted = world.foretold("--accept-changes")
    log.file.write_text("")
    with subprocess.Popen(world.command("--accept-changes", user="runner"), stderr=subprocess.DEVNULL) as process:
        try:
            eventually(
                lambda: writes(log, "runner", world.namespace) == accepted.writes,
                lambda: (writes(log, "runner", world.namespace) - accepted.writes, accepted.writes),
            )
        finally:
            process.terminate()
    assert writes(log, "runner", world.namespace) == accepted.writes
    assert 422 not in codes(log, "runner"), "the server spells values as its watch has told them"
    assert accepted.writes >= Counter({("patch", "apps", name): 1 for name in APPS}), "each record names the build"
    done = world.plan()
    assert (done.returncode, done.stdout) == (0, "6 looked at: 0 would be changed, 0 could not be judged\n")


def shown_on_the_page():
    (block,) = [text for text in texts(PAGE, "text") if "motd" in text]
    return block.removeprefix("apps: ").splitlines()
