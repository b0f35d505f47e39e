"""A cluster whose controllers work: after they settled there is no drift, and reconciling on and on writes nothing.

``GENRECONCILE_SETTLE_SECONDS`` sets how long the quiet time is watched (default 8; a minute is 60).
"""

import json
import os
import time
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from genreconcile.testing import ControlPlane
from support.audit import AuditLog
from support.eventually import eventually

SECONDS = float(os.environ.get("GENRECONCILE_SETTLE_SECONDS", "8"))
NAMESPACE = "settled"
PRUNE = {"delete_from_namespace": NAMESPACE, "delete_selector": {"set": "settled"}}
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
# A StatefulSet's claims carry the labels of their template and no owner: deletion leaves them alone, and says so.
CLAIM = "PersistentVolumeClaim settled/files-database-0"


class Settled:
    """A control plane with its controllers, the whole set created by the user whose requests are counted."""

    def __init__(self, plane, log):
        self.log = log
        self.admin = gr.connect(kubeconfig=str(plane.kubeconfig))
        counted = gr.connect(kubeconfig=str(plane.user_kubeconfig("counted", ["system:masters"])))
        self.reconciler = gr.Reconciler(counted)
        self.expected = list(yaml.safe_load_all((Path(__file__).parent / "controllers.yaml").read_text("utf-8")))
        self.repairs = []
        self.created = self.reconcile()

    def reconcile(self):
        result = self.reconciler.reconcile(self.expected, **PRUNE)
        self.repairs += [(str(done), done.change.operations) for done in result if done.status == "configured"]
        return result

    def live(self, kind, name, namespace=NAMESPACE):
        return self.reconciler.cache.get(kind, name, namespace=namespace) or {}

    def writes(self):
        return [(verb, uri) for verb, uri in self.log.settled() if verb in WRITES]

    def read(self, where, path):
        """What stands at a JSON pointer, or around its last token "-"."""
        keys = [key.replace("~1", "/") for key in path.removesuffix("/-").split("/")[1:]]
        return at(json.loads(self.admin.request("GET", where)), *keys)

    def patch(self, where, *operations):
        body = json.dumps(operations).encode()
        self.admin.request("PATCH", where, body=body, content_type="application/json-patch+json")


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    log = AuditLog(tmp_path_factory.mktemp("audit"), "counted")
    with ControlPlane(controller_manager=True, scheduler=True, kwok=True, extra_apiserver_args=log.arguments) as plane:
        settled = Settled(plane, log)
        with settled.reconciler:
            eventually(lambda: settled.reconcile() and not unsettled(settled), timeout=90.0, pause=0.2)
            yield settled


def at(obj, *path):
    """What stands there, None where nothing does."""
    for key in path:
        obj = obj[int(key)] if isinstance(obj, list) else (obj or {}).get(key)
    return obj


def unsettled(settled):
    """What the controllers have yet to do, by the names of the kinds."""
    live = settled.live
    done = {
        "Deployment": at(live("apps/v1/Deployment", "web"), "status", "availableReplicas") == 2,
        "HorizontalPodAutoscaler": at(live("apps/v1/Deployment", "scaled"), "spec", "replicas") == 3,
        "StatefulSet": at(live("apps/v1/StatefulSet", "database"), "status", "readyReplicas") == 1,
        "DaemonSet": at(live("apps/v1/DaemonSet", "agent"), "status", "numberReady") == 2,
        "ReplicaSet": at(live("apps/v1/ReplicaSet", "bare"), "status", "readyReplicas") == 1,
        "ReplicationController": at(live("v1/ReplicationController", "old"), "status", "readyReplicas") == 1,
        "Job": at(live("batch/v1/Job", "once"), "status", "succeeded") == 1,
        "indexed Job": at(live("batch/v1/Job", "indexed"), "status", "completedIndexes") == "0,1",
        "PersistentVolumeClaim": at(live("v1/PersistentVolumeClaim", "data"), "status", "phase") == "Bound",
        "reserved claim": at(live("v1/PersistentVolumeClaim", "reserved"), "status", "phase") == "Bound",
        "PersistentVolume": at(live("v1/PersistentVolume", "settled-reserved", ""), "spec", "claimRef", "uid"),
        "Secret": at(live("v1/Secret", "runner-token"), "data", "token"),
        "Pod": at(live("v1/Pod", "lonely"), "status", "phase") == "Running",
        "ResourceQuota": at(live("v1/ResourceQuota", "quota"), "status", "used", "pods"),
        "PodDisruptionBudget": at(live("policy/v1/PodDisruptionBudget", "web"), "status", "currentHealthy") == 2,
        "ClusterRole": at(live("rbac.authorization.k8s.io/v1/ClusterRole", "settled-all", ""), "rules"),
        "Node": at(live("v1/Node", "settled-node", ""), "metadata", "annotations", "node.alpha.kubernetes.io/ttl"),
    }
    return [what for what, is_done in done.items() if not is_done]


def loud(result):
    """The outcomes that say something, as text."""
    return [str(outcome) for outcome in result if outcome.status != "unchanged" or outcome.reason]


def test_every_controller_has_done_its_work(settled):
    assert settled.created.counts["created"] == len(settled.expected)
    assert unsettled(settled) == []


def test_nothing_was_ever_written_but_the_objects_themselves(settled):
    """From the first moment on: what controllers do while they are at work is not undone either."""
    assert settled.repairs == []
    assert [write for write in settled.writes() if write[0] != "create"] == []
    assert len(settled.writes()) == len(settled.expected)


def test_reconciling_on_and_on_writes_nothing(settled):
    before, rounds = settled.writes(), 0
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        said = [text for text in loud(settled.reconcile()) if not text.startswith(CLAIM)]
        assert said == []
        rounds += 1
        time.sleep(0.1)
    assert rounds > 1, "it reconciled all the while"
    written = settled.writes()[len(before) :]
    assert written == []
    print(f"{rounds} reconciles in {SECONDS:.0f} s, writes: {len(written)}")


def test_what_controllers_made_is_not_deleted(settled):
    """Its labels match the selector: the templates carry them."""
    cache = settled.reconciler.cache
    kinds = ("v1/Pod", "apps/v1/ReplicaSet", "v1/PersistentVolumeClaim", "discovery.k8s.io/v1/EndpointSlice")
    for kind in kinds:
        assert len(cache.list(kind, namespace=NAMESPACE, selector="set=settled")) > 1, kind
    result = settled.reconcile()
    assert result.counts["deleted"] == 0
    (skipped,) = loud(result)
    assert skipped.startswith(f"{CLAIM} skipped (not deleted: others go with it")


def test_a_volume_that_a_statefulset_made_is_not_deleted_when_its_kind_was_asked_for(settled):
    result = settled.reconciler.reconcile(settled.expected, **PRUNE, delete_kinds=["PersistentVolumeClaim"])
    assert result.counts["deleted"] == 0
    (skipped,) = loud(result)
    assert skipped.startswith(f"{CLAIM} skipped (not deleted: a StatefulSet's controller made it")


CORE = f"/api/v1/namespaces/{NAMESPACE}"
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
EDITS = {
    "key in a token Secret": (f"{CORE}/secrets/runner-token", "add", "/data/extra", "eA=="),
    "annotation of a token Secret": (f"{CORE}/secrets/runner-token", "add", "/metadata/annotations/x", "y"),
    "annotation of the binder": (
        f"{CORE}/persistentvolumeclaims/data",
        "replace",
        "/metadata/annotations/pv.kubernetes.io~1bound-by-controller",
        "no",
    ),
    "label of a volume": ("/api/v1/persistentvolumes/settled-data", "add", "/metadata/labels", {"x": "y"}),
    "replicas": (f"{APPS}/deployments/web", "replace", "/spec/replicas", 3),
    "image": (f"{APPS}/deployments/web", "replace", "/spec/template/spec/containers/0/image", "nginx:1.28"),
    "pull policy": (
        f"{APPS}/daemonsets/agent",
        "replace",
        "/spec/template/spec/containers/0/imagePullPolicy",
        "Never",
    ),
    "claim template's StatefulSet": (f"{APPS}/statefulsets/database", "add", "/spec/minReadySeconds", 3),
    "name label of a Job": (
        f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs/indexed",
        "replace",
        "/metadata/labels/job-name",
        "other",
    ),
    "suspended CronJob": (f"/apis/batch/v1/namespaces/{NAMESPACE}/cronjobs/often", "replace", "/spec/suspend", True),
    "limit of the autoscaler": (
        f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers/scaled",
        "replace",
        "/spec/maxReplicas",
        9,
    ),
    "affinity": (f"{CORE}/services/web", "replace", "/spec/sessionAffinity", "ClientIP"),
    "quota": (f"{CORE}/resourcequotas/quota", "replace", "/spec/hard/pods", "201"),
    "aggregated part": (f"{ROLES}/settled-part", "add", "/rules/0/verbs/-", "delete"),
    "aggregation": (
        f"{ROLES}/settled-all",
        "add",
        "/aggregationRule/clusterRoleSelectors/-",
        {"matchLabels": {"x": "y"}},
    ),
    "automount": (f"{CORE}/serviceaccounts/runner", "add", "/automountServiceAccountToken", False),
    "label of the namespace": (f"/api/v1/namespaces/{NAMESPACE}", "add", "/metadata/labels/x", "y"),
    "cordoned node": ("/api/v1/nodes/settled-node", "add", "/spec/unschedulable", True),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_by_hand_is_still_found(settled, name):
    where, op, path, value = EDITS[name]
    before = settled.read(where, path)
    settled.patch(where, {"op": op, "path": path, "value": value})
    assert settled.read(where, path) != before
    found = eventually(lambda: settled.reconcile().counts["configured"])
    assert found == 1
    assert settled.read(where, path) == before
    assert [text for text in loud(settled.reconcile()) if not text.startswith(CLAIM)] == []


def test_replicas_of_the_autoscaler_are_left_alone(settled):
    settled.patch(f"{APPS}/deployments/scaled", {"op": "replace", "path": "/spec/replicas", "value": 4})
    assert eventually(lambda: at(settled.live("apps/v1/Deployment", "scaled"), "spec", "replicas") == 4)
    assert settled.reconciler.plan(settled.expected).changes == ()


def test_a_controller_that_writes_a_new_value_each_time_is_a_fight(settled):
    """As it would be without the rules for token Secrets: each removal makes the controller mint another token."""
    gap = gr.Registry(rule for rule in gr.Registry.builtin().rules if not rule.id.startswith("token-secret-"))
    metadata = {
        "name": "fought-over",
        "namespace": NAMESPACE,
        "annotations": {"kubernetes.io/service-account.name": "runner"},
    }
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"}
    repairs = 0
    with gr.Reconciler(settled.admin, rules=gap) as reconciler:
        for _ in range(10):
            reconciler.reconcile([secret]).raise_for_failures()
            assert eventually(lambda: at(reconciler.cache.get("v1/Secret", "fought-over", namespace=NAMESPACE), "data"))
            repairs += reconciler.reconcile([secret]).counts["configured"]
    assert repairs <= 6
