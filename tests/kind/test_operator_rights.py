"""``rbac operator.py`` on a real server: the operator runs under exactly the roles that are printed."""

import json
import signal
import subprocess

import pytest
import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane
from kind.operator_world import EXAMPLES, PATCH, PROGRAM, World
from support.audit import AuditLog
from support.eventually import eventually

MEMCACHED = EXAMPLES / "memcached/memcached.py"
KIND, DEPLOYMENT, SERVICE = "cache.example.com/v1/Memcached", "apps/v1/Deployment", "v1/Service"
USER = "operator"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    log = AuditLog(tmp_path_factory.mktemp("audit"), USER)
    with ControlPlane(extra_apiserver_args=log.arguments) as plane:
        with gr.Reconciler(gr.connect(kubeconfig=str(plane.kubeconfig)), field_manager="author") as author:
            author.reconcile(gr.load([EXAMPLES / "memcached/crd.yaml"])).raise_for_failures()
        yield plane, log


@pytest.fixture
def world(served, tmp_path, request):
    plane, _ = served
    world = World(plane, f"rights-{request.node.callspec.id}", tmp_path / "log")
    yield world
    world.close()


def printed(world, *options):
    command = [PROGRAM, "rbac", MEMCACHED, "--kubeconfig", world.plane.kubeconfig, "--user", USER, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def verbs(roles):
    """(group/resource, verb) of all rules."""
    return {
        (f"{group}/{resource}", verb)
        for role in roles
        for rule in role.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def meddle(world, kind, path, value):
    body = json.dumps([{"op": "add", "path": path, "value": value}]).encode()
    world.cluster.request("PATCH", world.path(kind, "cache"), body=body, content_type=PATCH)


@pytest.mark.parametrize("where", ["namespace", "everywhere"])
def test_it_runs_under_exactly_what_is_printed(served, world, where):
    plane, log = served
    watch = ["--watch-namespace", world.namespace] if where == "namespace" else []
    world.apply("memcached/sample.yaml")
    roles = printed(world, "--name", f"operator-{where}", *watch)
    of_namespaces = {role["metadata"].get("namespace", "") for role in roles}
    assert of_namespaces == {world.namespace if where == "namespace" else ""}
    assert not any(word in json.dumps(roles) for word in ("*", "escalate", "impersonate", "deletecollection"))
    with gr.Reconciler(world.cluster, field_manager="author") as author:
        author.reconcile(roles).raise_for_failures()
    kubeconfig = plane.user_kubeconfig(USER, [])
    world.start(PROGRAM, "run", MEMCACHED, "--kubeconfig", kubeconfig, *watch)
    eventually(lambda: world.get(DEPLOYMENT, "cache") and world.get(SERVICE, "cache"), world.said)
    meddle(world, DEPLOYMENT, "/spec/template/spec/hostNetwork", value=True)
    meddle(world, SERVICE, "/spec/publishNotReadyAddresses", value=True)
    eventually(lambda: not world.get(SERVICE, "cache")["spec"].get("publishNotReadyAddresses"), world.said)
    eventually(lambda: "hostNetwork" not in world.get(DEPLOYMENT, "cache")["spec"]["template"]["spec"], world.said)
    world.cluster.request("DELETE", world.path(SERVICE, "cache"))
    eventually(lambda: (world.get(SERVICE, "cache") or {}).get("spec"), world.said)
    eventually(lambda: (world.get(KIND, "cache").get("status") or {}).get("conditions"), world.said)
    code, said = world.end(signal.SIGTERM)
    assert code == 0, said
    assert "forbidden" not in said.lower(), said
    events = [event for event in log.events() if event["user"]["username"] == USER]
    refused = [event["requestURI"] for event in events if event["responseStatus"]["code"] == 403]
    assert refused == []
    used = {
        (
            f"{event['objectRef'].get('apiGroup', '')}/{event['objectRef']['resource']}"
            + (f"/{event['objectRef']['subresource']}" if "subresource" in event["objectRef"] else ""),
            event["verb"],
        )
        for event in events
        if "objectRef" in event
    }
    assert {right for right in used if "reviews" not in right[0]} <= verbs(roles)
    # What only some cases need: no refusal came, nothing was to be read anew, and no child left the set.
    spare = {right for right in verbs(roles) - used if right[1] not in {"get", "delete"}}
    assert spare <= {("cache.example.com/memcacheds/finalizers", "update"), ("events.k8s.io/events", "patch")}, spare
