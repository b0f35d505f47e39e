"""What admission writes into objects: webhooks of all sorts, and the plugins of the API server."""

import contextlib
import copy
import itertools
import json

import pytest

import genreconcile as gr
from genreconcile.errors import NotFound
from support.counted import Counted
from support.eventually import eventually
from support.objects import obj, pod_template, workload
from support.webhook import Webhook

DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
CONFIGS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
ANNOTATION = "/metadata/annotations/example.com~1injected"
SIDECAR = "/spec/template/spec/containers/1"


@pytest.fixture
def admin(control_plane):
    return gr.connect(kubeconfig=str(control_plane.kubeconfig))


@pytest.fixture
def cluster(admin):
    return Counted(admin)


@pytest.fixture
def reconciler(cluster):
    with gr.Reconciler(cluster) as reconciler:
        yield reconciler


def send(cluster, method, path, body=None, content_type="application/json", **query):
    data = None if body is None else json.dumps(body).encode()
    return json.loads(cluster.request(method, path, body=data, content_type=content_type, query=query))


def edit(cluster, path, op, where, *value):
    operation = {"op": op, "path": where, **({"value": value[0]} if value else {})}
    return send(cluster, "PATCH", path, [operation], "application/json-patch+json")


def collection(obj):
    group, _, version = obj["apiVersion"].rpartition("/")
    prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
    namespace = obj["metadata"].get("namespace")
    plural = {"Ingress": "ingresses", "IngressClass": "ingressclasses", "StorageClass": "storageclasses"}
    inside = f"/namespaces/{namespace}" if namespace else ""
    kind = obj["kind"]
    named = plural.get(kind) or kind.lower() + ("es" if kind.endswith("s") else "s")
    return f"{prefix}{inside}/{named}"


def place(obj):
    return f"{collection(obj)}/{obj['metadata']['name']}"


@contextlib.contextmanager
def for_now(admin, reconciler, *objects):
    """Cluster-wide objects that must not outlive a test: other tests share the control plane."""
    try:
        reconciler.reconcile(objects).raise_for_failures()
        yield
    finally:
        for obj in objects:
            with contextlib.suppress(NotFound):
                send(admin, "DELETE", place(obj))


def admitted(admin, obj):
    """What would be stored, as admission sees it now."""
    probe = copy.deepcopy(obj)
    probe["metadata"]["name"] = "probe"
    return send(admin, "POST", collection(probe), probe, dryRun="All")


def pod(name, namespace, **spec):
    return obj("v1", "Pod", name, namespace, spec={"containers": [{"name": "main", "image": "main"}], **spec})


def deployment(namespace):
    spec = workload(pod_template({"app": "web"}, "web", "web"))
    return obj("apps/v1", "Deployment", "web", namespace, spec=spec)


def settles(reconciler, cluster, expected):
    """Created, and then never touched again."""
    result = reconciler.reconcile(expected)
    assert result.counts["created"] == len(expected), [str(outcome) for outcome in result]
    cluster.writes.clear()
    for _ in range(2):
        assert [str(o) for o in reconciler.reconcile(expected) if o.status != "unchanged" or o.reason] == []
    assert cluster.writes == []


def finds(reconciler, admin, expected, obj, *operation):
    """An edit by hand is repaired, and what is then stored is what was stored before."""
    before = stored(admin, obj)
    edit(admin, place(obj), *operation)
    assert stored(admin, obj) != before
    assert eventually(lambda: reconciler.reconcile(expected).counts["configured"]) == 1
    assert stored(admin, obj) == before


def stored(admin, obj):
    live = send(admin, "GET", place(obj))
    for key in ("resourceVersion", "generation", "managedFields"):
        live["metadata"].pop(key, None)
    return {key: value for key, value in live.items() if key != "status"}


# Webhooks.


def inject(obj):
    """A sidecar and an annotation, always the same."""
    operations = []
    if not any(container["name"] == "proxy" for container in obj["spec"]["template"]["spec"]["containers"]):
        value = {"name": "proxy", "image": "proxy:1"}
        operations.append({"op": "add", "path": "/spec/template/spec/containers/-", "value": value})
    if "annotations" not in obj["metadata"]:
        operations.append({"op": "add", "path": "/metadata/annotations", "value": {}})
    return [*operations, {"op": "add", "path": ANNOTATION, "value": "yes"}]


@pytest.fixture
def webhook(admin, tmp_path):
    """Makes a webhook that is called for what is in one namespace; ``probe`` shows that it is."""

    @contextlib.contextmanager
    def run(mutate, rule, probe):
        namespace = probe["metadata"]["namespace"]
        with Webhook(tmp_path, mutate) as server, gr.Reconciler(admin) as own:
            configuration = server.configuration(namespace, namespace, rule)
            with for_now(admin, own, configuration):
                assert eventually(lambda: admitted(admin, probe) and server.calls)
                yield server

    return run


def reasons(reconciler, expected, times):
    return [reconciler.reconcile([expected]).outcomes[0].reason for _ in range(times)]


def test_a_webhook_that_injects_is_patched_twice_and_then_left_alone(reconciler, cluster, admin, namespace, webhook):
    expected = deployment(namespace)
    with webhook(inject, DEPLOYMENTS, expected):
        assert reconciler.reconcile([expected]).counts["created"] == 1
        cluster.writes.clear()
        said = reasons(reconciler, expected, 8)
        assert cluster.writes == [("PATCH", place(expected))] * 2
        # No default is a member of a list or an annotation, so this is no missing rule.
        assert [text.partition(":")[0] for text in said[:2]] == ["the server insists"] * 2
        for text in said[2:]:
            assert ANNOTATION in text
            assert SIDECAR in text
        # What is wanted besides is still done, and the webhook's own part is not touched again.
        expected["spec"]["replicas"] = 2
        cluster.writes.clear()
        reasons(reconciler, expected, 6)
        assert 1 <= len(cluster.writes) <= 3
        assert send(admin, "GET", place(expected))["spec"]["replicas"] == 2


def test_beside_a_webhook_an_edit_by_hand_is_still_repaired(reconciler, cluster, admin, namespace, webhook):
    expected = deployment(namespace)
    with webhook(inject, DEPLOYMENTS, expected):
        reconciler.reconcile([expected])
        reasons(reconciler, expected, 3)
        edit(admin, place(expected), "replace", "/spec/template/spec/containers/0/image", "other")
        assert eventually(lambda: reconciler.reconcile([expected]).counts["configured"]) == 1
        containers = send(admin, "GET", place(expected))["spec"]["template"]["spec"]["containers"]
        assert [container["image"] for container in containers] == ["web", "proxy:1"]
        edit(admin, place(expected), "replace", f"{SIDECAR}/image", "other")
        assert eventually(lambda: reasons(reconciler, expected, 1) and sidecar_image(admin, expected) == "proxy:1")


def sidecar_image(admin, expected):
    return send(admin, "GET", place(expected))["spec"]["template"]["spec"]["containers"][1]["image"]


def test_a_webhook_that_changes_its_own_part_of_a_wanted_change(reconciler, cluster, namespace, webhook):
    """It forces a value that expected sets otherwise: the server insists."""
    expected = deployment(namespace)
    expected["spec"]["replicas"] = 3
    replicas = itertools.cycle((1, 2))
    operation = {"op": "replace", "path": "/spec/replicas"}
    with webhook(lambda _: [{**operation, "value": next(replicas)}], DEPLOYMENTS, expected):
        reconciler.reconcile([expected])
        cluster.writes.clear()
        said = reasons(reconciler, expected, 10)
        assert len(cluster.writes) <= 5
        assert said[0] == "the server insists"
        assert said[-1] == "the server insists at /spec/replicas"


@pytest.mark.parametrize("where", ["/data", "/metadata/annotations"])
def test_a_webhook_that_never_answers_the_same_is_given_up(reconciler, cluster, namespace, webhook, where):
    """Each answer is a new value: without an end to it every reconcile would write."""
    expected = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "random", "namespace": namespace, "annotations": {"k": "v"}},
        "data": {"k": "v"},
    }
    numbers = itertools.count()

    def mutate(_):
        return [{"op": "add", "path": f"{where}/random", "value": str(next(numbers))}]

    with webhook(mutate, CONFIGS, expected):
        assert reconciler.reconcile([expected]).counts["created"] == 1
        cluster.writes.clear()
        said = reasons(reconciler, expected, 12)
        assert len(cluster.writes) <= 5
        assert said[0] == "the server insists"
        assert said[-1] == f"the server insists at {where}/random"
        # It is given up at this place alone.
        edit(cluster.admin, place(expected), "add", "/data/extra", "x")
        assert eventually(lambda: reconciler.reconcile([expected]).counts["configured"]) == 1
        assert "extra" not in send(cluster.admin, "GET", place(expected))["data"]
        # Another Reconciler has not learned it, and gives up as soon.
        with gr.Reconciler(Counted(cluster.admin)) as other:
            reasons(other, expected, 12)
            assert reasons(other, expected, 1)[0].startswith("the server insists at")


def test_a_webhook_that_refuses_is_reported(reconciler, namespace, webhook):
    """Nobody listens: the create fails with the server's words, and nothing is taken for stored."""
    expected = deployment(namespace)
    with webhook(inject, DEPLOYMENTS, expected) as server:
        server.refuses = True
        (outcome,) = reconciler.reconcile([expected])
        assert outcome.status == "failed"
        assert "denied by the test" in str(outcome.error)
        server.refuses = False
        assert reconciler.reconcile([expected]).counts["created"] == 1


# Plugins of the API server.


def test_limit_ranger(reconciler, cluster, admin, namespace):
    limits = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "limits", "namespace": namespace},
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "500m", "memory": "64Mi"},
                    "defaultRequest": {"cpu": "0.1", "memory": "32Mi"},
                }
            ]
        },
    }
    settles(reconciler, cluster, [limits])
    main = {"name": "main", "image": "main"}
    pods = [
        pod("nothing", namespace),
        pod("limits", namespace, containers=[{**main, "resources": {"limits": {"cpu": "0.2"}}}]),
        pod("requests", namespace, containers=[{**main, "resources": {"requests": {"memory": "1Mi"}}}]),
        pod("init", namespace, initContainers=[{**main, "name": "init"}]),
    ]
    assert eventually(lambda: "annotations" in admitted(admin, pods[0])["metadata"])
    expected = [limits, *pods, deployment(namespace)]
    reconciler.reconcile(expected).raise_for_failures()
    cluster.writes.clear()
    assert reconciler.reconcile(expected).counts["unchanged"] == len(expected)
    assert cluster.writes == []
    assert send(admin, "GET", place(pods[0]))["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "100m"
    finds(reconciler, admin, expected, limits, "replace", "/spec/limits/0/default/cpu", "600m")
    finds(reconciler, admin, expected, pods[0], "add", "/metadata/labels", {"x": "y"})
    finds(reconciler, admin, expected, pods[3], "replace", "/spec/containers/0/image", "other")
    # It is for Pods that the plugin acts, not for templates.
    template = "/spec/template/spec/containers/0/resources/limits"
    finds(reconciler, admin, expected, deployment(namespace), "add", template, {"cpu": "1"})


def claim(name, namespace, **spec):
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec},
    }


def test_default_storage_class(reconciler, cluster, admin, namespace):
    chosen = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": f"{namespace}-default",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "example.com/none",
    }
    expected = [claim("any", namespace), claim("none", namespace, storageClassName="")]
    with for_now(admin, reconciler, chosen):
        assert eventually(lambda: admitted(admin, expected[0])["spec"].get("storageClassName"))
        settles(reconciler, cluster, expected)
        assert stored(admin, expected[0])["spec"]["storageClassName"] == f"{namespace}-default"
        assert stored(admin, expected[1])["spec"]["storageClassName"] == ""
        finds(reconciler, admin, expected, expected[0], "add", "/metadata/labels", {"x": "y"})
        mark = "/metadata/annotations/storageclass.kubernetes.io~1is-default-class"
        finds(reconciler, admin, [chosen], chosen, "replace", mark, "false")
    assert eventually(lambda: "storageClassName" not in admitted(admin, expected[0])["spec"])


def ingress(name, namespace, annotations=None, **spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace, "annotations": {"k": "v", **(annotations or {})}},
        "spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}, **spec},
    }


def test_default_ingress_class(reconciler, cluster, admin, namespace):
    chosen = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": namespace, "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        "spec": {"controller": "example.com/none"},
    }
    expected = [
        ingress("any", namespace),
        ingress("named", namespace, ingressClassName="other"),
        ingress("annotated", namespace, {"kubernetes.io/ingress.class": "old"}),
    ]
    with for_now(admin, reconciler, chosen):
        assert eventually(lambda: admitted(admin, expected[0])["spec"].get("ingressClassName"))
        settles(reconciler, cluster, expected)
        assert stored(admin, expected[0])["spec"]["ingressClassName"] == namespace
        finds(reconciler, admin, expected, expected[0], "replace", "/spec/defaultBackend/service/port/number", 81)
        finds(reconciler, admin, expected, expected[0], "replace", "/spec/ingressClassName", "by-hand")
        finds(reconciler, admin, expected, expected[1], "replace", "/spec/ingressClassName", namespace)
        finds(reconciler, admin, expected, expected[2], "add", "/spec/ingressClassName", namespace)
    assert eventually(lambda: "ingressClassName" not in admitted(admin, expected[0])["spec"])


def test_service_account_admission(reconciler, cluster, admin, namespace):
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "puller", "namespace": namespace},
        "imagePullSecrets": [{"name": "registry"}],
    }
    settles(reconciler, cluster, [account])
    main = {"name": "main", "image": "main"}
    pods = [
        pod("default", namespace),
        pod("pulls", namespace, serviceAccountName="puller", initContainers=[{**main, "name": "init"}]),
        pod("own", namespace, serviceAccountName="puller", imagePullSecrets=[{"name": "mine"}]),
        pod("none", namespace, automountServiceAccountToken=False),
    ]
    assert eventually(lambda: admitted(admin, pods[1])["spec"].get("imagePullSecrets"))
    settles(reconciler, cluster, pods)
    live = stored(admin, pods[1])["spec"]
    assert live["imagePullSecrets"] == [{"name": "registry"}]
    assert live["volumes"][0]["name"].startswith("kube-api-access-")
    finds(reconciler, admin, [account], account, "add", "/secrets", [{"name": "by-hand"}])
    finds(reconciler, admin, [account], account, "add", "/imagePullSecrets/-", {"name": "by-hand"})
    for expected in pods:
        finds(reconciler, admin, pods, expected, "replace", "/spec/containers/0/image", "other")


def test_priority(reconciler, cluster, admin, namespace):
    def priority(name, value, **more):
        metadata = {"name": f"{namespace}-{name}"}
        return {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": metadata,
            "value": value,
        } | more

    pods = [
        pod("any", namespace),
        pod("named", namespace, priorityClassName=f"{namespace}-never"),
        pod("critical", namespace, priorityClassName="system-node-critical"),
    ]
    settles(reconciler, cluster, [pod("before", namespace)])
    classes = [
        priority("default", 7, globalDefault=True),
        priority("never", 5, preemptionPolicy="Never"),
    ]
    with for_now(admin, reconciler, *classes):
        assert eventually(lambda: admitted(admin, pods[0])["spec"]["priority"] == 7)
        settles(reconciler, cluster, pods)
        assert [stored(admin, obj)["spec"]["priority"] for obj in pods] == [7, 5, 2000001000]
        assert stored(admin, pods[1])["spec"]["preemptionPolicy"] == "Never"
        finds(reconciler, admin, pods, pods[0], "add", "/metadata/annotations", {"x": "y"})
        finds(reconciler, admin, classes, classes[1], "add", "/description", "by hand")
    assert eventually(lambda: admitted(admin, pods[0])["spec"]["priority"] == 0)


def test_runtime_class(reconciler, cluster, admin, namespace):
    runtime = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": namespace},
        "handler": "sandbox",
        "overhead": {"podFixed": {"memory": "32Mi"}},
        "scheduling": {"nodeSelector": {"sandbox": "yes"}},
    }
    expected = [pod("sandboxed", namespace, runtimeClassName=namespace)]
    with for_now(admin, reconciler, runtime):
        # The plugin refuses what it does not know yet.
        assert eventually(lambda: is_admitted(admin, expected[0]))
        settles(reconciler, cluster, expected)
        assert stored(admin, expected[0])["spec"]["nodeSelector"] == {"sandbox": "yes"}
        finds(reconciler, admin, expected, expected[0], "add", "/metadata/labels", {"x": "y"})


def is_admitted(admin, obj):
    try:
        return admitted(admin, obj)
    except gr.ClusterError:
        return None
