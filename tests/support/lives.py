"""The lives of objects of many kinds under real controllers, recorded state by state.

Invariant: what is recorded is what the API server told; only what says nothing about a state is left out.
"""

import datetime as dt
import json
from contextlib import contextmanager
from pathlib import Path

import yaml

import genreconcile as gr
from genreconcile.objects import GVK
from genreconcile.readiness import status_of
from support.eventually import eventually
from support.objects import obj

OBJECTS = Path(__file__).resolve().parents[1] / "kind/lives.yaml"
RECORDED = Path(__file__).resolve().parents[1] / "unit/readiness/lives.jsonl"
NAMESPACE = "lives"
KINDS = (
    "v1/Namespace",
    "v1/PersistentVolumeClaim",
    "v1/Pod",
    "v1/Service",
    "apps/v1/Deployment",
    "apps/v1/ReplicaSet",
    "apps/v1/StatefulSet",
    "apps/v1/DaemonSet",
    "batch/v1/Job",
    "batch/v1/CronJob",
    "policy/v1/PodDisruptionBudget",
    "apiregistration.k8s.io/v1/APIService",
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
)
PART = "lives.example.com/v1/Part"
DEFINITION = "apiextensions.k8s.io/v1/CustomResourceDefinition"
_METADATA = ("name", "namespace", "generation", "creationTimestamp", "deletionTimestamp")
_SPEC = ("replicas", "updateStrategy", "progressDeadlineSeconds", "type", "clusterIP", "completions", "parallelism")
_JSON_PATCH = "application/json-patch+json"


class Lives:
    """What has been told of each object, in its order: (time, the object)."""

    def __init__(self, cluster, cache):
        self.cluster, self.cache = cluster, cache
        self.told = []

    def hear(self, event):
        if event.after is None:
            return
        live = event.after.decode()
        if event.key.namespace in {"", NAMESPACE} and _is_ours(live):
            self.told.append((dt.datetime.now(dt.UTC), live))

    def live(self, kind, name, namespace=NAMESPACE):
        return self.cache.get(kind, name, namespace=namespace)

    def status(self, kind, name, namespace=NAMESPACE, **arguments):
        return gr.status(self.live(kind, name, namespace), **arguments)

    def comes(self, state, kind, name, namespace=NAMESPACE, **arguments):
        """Wait until the object is in this state."""
        eventually(
            lambda: self.status(kind, name, namespace, **arguments).state == state,
            lambda: f"{kind} {name} {state}: {self.status(kind, name, namespace, **arguments)}",
            timeout=90.0,
        )

    def patch(self, path, *operations):
        self.cluster.request("PATCH", path, body=json.dumps(operations).encode(), content_type=_JSON_PATCH)

    def delete(self, path, propagation="Foreground"):
        self.cluster.request("DELETE", path, query={"propagationPolicy": propagation})


def _is_ours(live):
    name = live["metadata"]["name"]
    return "namespace" in live["metadata"] or NAMESPACE in name or "nobody" in name


@contextmanager
def recording(plane):
    """Lives that are told of from now on."""
    cluster = gr.connect(kubeconfig=str(plane.kubeconfig))
    with gr.Cache(cluster) as cache:
        for kind in KINDS:
            cache.add(kind)
        cache.wait_for_sync()
        lives = Lives(cluster, cache)
        end = cache.subscribe(lives.hear)
        try:
            yield lives
            cache.flush()
        finally:
            end()
    cluster.close()


def live_them(lives):
    """Let the objects live, and see each come to the end that is its own."""
    expected = list(yaml.safe_load_all(OBJECTS.read_text("utf-8")))
    with gr.Reconciler(lives.cluster) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        _grow_up(lives)
        _change(lives, reconciler)
        _go(lives)


def _grow_up(lives):
    for kind, name in (
        ("apps/v1/Deployment", "web"),
        ("apps/v1/ReplicaSet", "bare"),
        ("apps/v1/StatefulSet", "rolling"),
        ("apps/v1/StatefulSet", "manual"),
        ("apps/v1/DaemonSet", "agent"),
        ("batch/v1/Job", "once"),
        ("batch/v1/CronJob", "yearly"),
        ("v1/Pod", "alone"),
        ("v1/Service", "inside"),
        ("v1/PersistentVolumeClaim", "bound"),
        ("policy/v1/PodDisruptionBudget", "web"),
    ):
        lives.comes("Current", kind, name)
    lives.comes("Current", DEFINITION, "parts.lives.example.com", "")
    lives.comes("Failed", "apps/v1/Deployment", "stuck")
    lives.comes("Failed", "batch/v1/Job", "late")
    lives.comes("Failed", "v1/Pod", "nowhere")
    for kind, name, namespace in (
        ("batch/v1/Job", "paused", NAMESPACE),
        ("v1/PersistentVolumeClaim", "unbound", NAMESPACE),
        ("v1/Service", "outside", NAMESPACE),
        ("apiregistration.k8s.io/v1/APIService", "v1.nobody.example.com", ""),
    ):
        lives.comes("InProgress", kind, name, namespace)


def _change(lives, reconciler):
    image = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "nginx:1.28"}
    for path, kind, name in (
        ("/apis/apps/v1/namespaces/lives/deployments/web", "apps/v1/Deployment", "web"),
        ("/apis/apps/v1/namespaces/lives/statefulsets/rolling", "apps/v1/StatefulSet", "rolling"),
        ("/apis/apps/v1/namespaces/lives/daemonsets/agent", "apps/v1/DaemonSet", "agent"),
    ):
        lives.patch(path, image)
        eventually(lambda kind=kind, name=name: lives.live(kind, name)["metadata"]["generation"] > 1)
        lives.comes("Current", kind, name)
    lives.patch(
        "/apis/batch/v1/namespaces/lives/jobs/paused", {"op": "replace", "path": "/spec/suspend", "value": False}
    )
    lives.comes("Current", "batch/v1/Job", "paused")
    _tell(lives, "/api/v1/namespaces/lives/services/outside", {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})
    lives.comes("Current", "v1/Service", "outside")
    _tell(lives, "/api/v1/namespaces/lives/pods/nowhere", {"phase": "Failed", "reason": "Evicted"})
    eventually(lambda: lives.status("v1/Pod", "nowhere").reason == "Evicted")
    _parts(lives, reconciler)


def _parts(lives, reconciler):
    """A custom resource, of which its controller tells one thing after the other; the controller is this test."""
    reconciler.reconcile([obj("lives.example.com/v1", "Part", "one", NAMESPACE, spec={"size": 1})]).raise_for_failures()
    lives.cache.add(PART)
    lives.cache.wait_for_sync([PART])
    schema = gr.Schema.from_cluster(lives.cluster)
    assert lives.status(PART, "one", schema=schema).reason == "NothingTold"
    path = "/apis/lives.example.com/v1/namespaces/lives/parts/one"
    for condition, state in (
        ({"type": "Reconciling", "status": "True", "reason": "Making", "message": "1 of 2"}, "InProgress"),
        ({"type": "Stalled", "status": "True", "reason": "NoQuota", "message": "no room"}, "Failed"),
        ({"type": "Ready", "status": "False", "reason": "Starting", "message": "soon"}, "InProgress"),
        ({"type": "Ready", "status": "True", "reason": "Up", "message": "up"}, "Current"),
    ):
        _tell(lives, path, {"observedGeneration": 1, "conditions": [condition]})
        lives.comes(state, PART, "one", schema=schema)
    lives.patch(path, {"op": "replace", "path": "/spec/size", "value": 2})
    lives.comes("InProgress", PART, "one", schema=schema)


def _tell(lives, path, status):
    lives.patch(f"{path}/status", {"op": "add", "path": "/status", "value": status})


def _go(lives):
    names = {"kind": "Other", "plural": "others", "listKind": "PartList"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    spec = {"group": "lives.example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    taken = obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", "others.lives.example.com", spec=spec)
    lives.cluster.request(
        "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body=json.dumps(taken).encode()
    )
    lives.comes("Failed", DEFINITION, "others.lives.example.com", "")
    lives.delete("/apis/apps/v1/namespaces/lives/deployments/web")
    eventually(lambda: lives.status("apps/v1/Deployment", "web").state in {"Terminating", "NotFound"})
    lives.delete("/api/v1/namespaces/lives", "Background")
    eventually(lambda: lives.status("v1/Namespace", "lives", "").state in {"Terminating", "NotFound"})


def trimmed(live):
    """What of an object says how it is."""
    metadata = {key: live["metadata"][key] for key in _METADATA if key in live["metadata"]}
    spec = {key: live["spec"][key] for key in _SPEC if key in live.get("spec", {})}
    return {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": metadata,
        **({"spec": spec} if spec else {}),
        **({"status": live["status"]} if "status" in live else {}),
    }


def states(told):
    """(time, the trimmed object) of each state in which an object was, once where nothing changed that says one."""
    last = {}
    for at, live in told:
        short = trimmed(live)
        key = short["kind"], short["metadata"].get("namespace"), short["metadata"]["name"], live["metadata"]["uid"]
        if last.get(key) != short:
            last[key] = short
            yield at, short


def long_ago(live):
    """The object made long ago: kstatus cannot be asked about another time than the present."""
    return live | {"metadata": live["metadata"] | {"creationTimestamp": "2000-01-01T00:00:00Z"}}


def judged(at, live):
    """How it is in the profile wait, where the schema of the custom kind is known."""
    return status_of(live, at, tells=lambda: live["kind"] == GVK.parse(PART).kind)


def recorded():
    """(time, object, its states in the profiles kstatus and wait) of each state that is recorded."""
    for line in RECORDED.read_text("utf-8").splitlines():
        entry = json.loads(line)
        yield dt.datetime.fromisoformat(entry["at"]), entry["object"], entry["kstatus"], entry["wait"]
