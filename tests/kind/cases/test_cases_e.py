"""E: values that the server and its controllers own."""

import pytest

from support.eventually import eventually
from support.node_ports import free_node_port

OTHER_UID = "0f2e8b52-1111-4111-8111-111111111111"


def service(world, **spec):
    return world.obj("v1", "Service", "web", spec={"selector": {"app": "web"}, "ports": [{"port": 80}], **spec})


def claim(world, **spec):
    resources = {"requests": {"storage": "1Gi"}}
    return world.obj(
        "v1", "PersistentVolumeClaim", "data", spec={"accessModes": ["ReadWriteOnce"], "resources": resources, **spec}
    )


def pod(world, **spec):
    return world.obj("v1", "Pod", "p", spec={"containers": [{"name": "c", "image": "i:1"}], **spec})


def validating(world):
    """A webhook that is never called: nothing serves its group."""
    rule = {"apiGroups": ["none.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["none"]}
    service = {"namespace": world.namespace, "name": "hook"}
    hook = {"name": "a.example.com", "clientConfig": {"service": service}, "rules": [rule], "sideEffects": "None"}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": world.namespace},
        "webhooks": [{**hook, "admissionReviewVersions": ["v1"]}],
    }


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort", "LoadBalancer"], ids=lambda kind: f"E1-{kind}")
def test_allocated_values_of_a_service(world, kind):
    expected = service(world, type=kind)
    live = world.create(expected)
    assert live["spec"]["clusterIP"]
    world.edit(expected, {"op": "add", "path": "/spec/ports/0/name", "value": "by-hand"})
    world.repair(expected)
    assert world.get(expected)["spec"] == live["spec"], "the repair kept what was allocated"


def test_e1_allocated_values_that_are_expected_win(world):
    first = service(world, type="NodePort")
    world.create(first)
    other = free_node_port()
    expected = service(world, type="NodePort", ports=[{"port": 80, "nodePort": other}])
    assert world.plan(expected) == [{"op": "replace", "path": "/spec/ports/0/nodePort", "value": other}]
    world.repair(expected)


def test_e1_an_ordinary_service_does_not_become_headless(world):
    headless = world.obj("v1", "Service", "web", spec={"clusterIP": "None", "ports": [{"port": 80}]})
    world.post(service(world))
    (outcome,) = world.reconcile(headless)
    assert outcome.status == "failed"
    assert "an immutable field differs" in str(outcome.error)


def test_e1_being_headless_is_drift_that_the_server_keeps(world):
    world.post(world.obj("v1", "Service", "web", spec={"clusterIP": "None", "ports": [{"port": 80}]}))
    assert any(operation["path"] == "/spec/clusterIP" for operation in world.plan(service(world)))
    outcomes = [world.reconcile(service(world)).outcomes[0] for _ in range(4)]
    assert "at /spec/clusterIP" in outcomes[-1].reason
    assert world.plan(service(world)) == []


def test_e1_load_balancer_class_of_a_webhook(world):
    """Written at creation, it may not change: reported, refused and not looped, until a rule adopts it."""
    expected = service(world, type="LoadBalancer")
    live = world.post({**expected, "spec": {**expected["spec"], "loadBalancerClass": "example.com/nlb"}})
    assert world.plan(expected) == [{"op": "remove", "path": "/spec/loadBalancerClass"}]
    (outcome,) = world.reconcile(expected)
    assert outcome.status == "failed"
    assert "may not change once set" in str(outcome.error)
    assert world.get(expected)["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
    adopt = {"object": {"kind": "Service"}, "path": "spec/loadBalancerClass", "adopt": True}
    with world.with_rules(adopt) as ruled:
        assert ruled.plan(expected) == []


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"], ids=lambda kind: f"E2-from-{kind}")
def test_back_to_cluster_ip(world, kind):
    expected = service(world)
    before = world.create(expected)
    world.edit(expected, {"op": "replace", "path": "/spec/type", "value": kind})
    world.repair(expected)
    assert world.get(expected)["spec"] == before["spec"]


@pytest.fixture
def default_class(world):
    """A default class of storage."""
    storage = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "example.com/p"}
    storage["metadata"] = {
        "name": world.namespace,
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    }
    world.reconcile(storage).raise_for_failures()
    yield world.namespace
    world.delete(storage)


def test_e3_default_storage_class(world, default_class):
    expected = claim(world)
    world.post_until(expected, lambda live: live["spec"].get("storageClassName") == default_class)
    assert world.plan(expected) == []


def test_e3_a_grown_claim_is_drift_that_the_server_refuses_to_undo(world):
    expected = claim(world)
    world.create(expected)
    bigger = claim(world, resources={"requests": {"storage": "512Mi"}})
    for _ in range(2):
        (outcome,) = world.reconcile(bigger)
        assert outcome.status == "failed"
        assert "not patched" in str(outcome.error)
        assert "spec is immutable after creation" in str(outcome.error)


def test_e4_deletion_skips_what_belongs_to_others(world):
    labels = {"app": "e4"}
    owner = world.post(world.config("owner"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    owned = {"labels": labels, "ownerReferences": [{**reference, "controller": True}]}
    world.post(world.config("controlled", owned))
    world.post(world.config("mine", {"labels": labels}))
    world.post({**claim(world), "metadata": {"name": "data-db-0", "namespace": world.namespace, "labels": labels}})
    result = world.reconcile(
        kinds=["v1/ConfigMap", "v1/PersistentVolumeClaim"],
        delete_from_namespace=world.namespace,
        delete_selector=labels,
        allow_empty=True,
    )
    assert {outcome.key.name: outcome.status for outcome in result} == {"mine": "deleted", "data-db-0": "skipped"}


OWNED = {
    "E5-token-secrets": (
        lambda world: world.obj("v1", "ServiceAccount", "robot"),
        [
            {"op": "add", "path": "/secrets", "value": [{"name": "robot-token-abcde"}]},
            {"op": "add", "path": "/imagePullSecrets", "value": [{"name": "robot-dockercfg-abcde"}]},
        ],
        [
            {"type": "io.k8s.api.core.v1.ServiceAccount", "path": "secrets", "keep": "all"},
            {"type": "io.k8s.api.core.v1.ServiceAccount", "path": "imagePullSecrets", "keep": "all"},
        ],
        {"op": "add", "path": "/automountServiceAccountToken", "value": False},
    ),
    "E6-injected-authority": (
        validating,
        [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "YQ=="}],
        [{"type": "io.k8s.api.admissionregistration.v1.WebhookClientConfig", "path": "caBundle", "adopt": True}],
        {"op": "replace", "path": "/webhooks/0/timeoutSeconds", "value": 30},
    ),
    "E7-injected-bundle": (
        lambda world: world.config(metadata={"annotations": {"example.com/inject-cabundle": "true"}}),
        [{"op": "add", "path": "/data", "value": {"service-ca.crt": "x"}}],
        [
            {
                "type": "io.k8s.api.core.v1.ConfigMap",
                "path": "data/service-ca.crt",
                "when": {"at": "/metadata/annotations/example.com~1inject-cabundle", "in": ["true"]},
                "managed": True,
            }
        ],
        {"op": "add", "path": "/data/other", "value": "y"},
    ),
}


@pytest.mark.parametrize("case", OWNED)
def test_written_by_a_controller_and_left_to_it_by_a_rule(world, case):
    make, written, entries, edit = OWNED[case]
    expected = make(world)
    with world.with_rules(*entries) as ruled:
        before = ruled.create(expected)
        live = ruled.edit(expected, *written)
        assert ruled.plan(expected) == []
        ruled.edit(expected, edit)
        ruled.repair(expected)
        after = ruled.get(expected)
    changing = ("resourceVersion", "generation", "managedFields")
    for obj in (live, after):
        obj["metadata"] = {key: value for key, value in obj["metadata"].items() if key not in changing}
    assert after == live, "the repair is of the edit alone"
    assert before != live
    if case.startswith("E6"):
        world.delete(expected)


def test_e10_replicas_belong_to_the_autoscaler(world):
    expected = world.deployment(replicas=2)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 9}
    autoscaler = world.obj("autoscaling/v2", "HorizontalPodAutoscaler", "web", spec=spec)
    world.create(expected, autoscaler)
    world.edit(expected, {"op": "replace", "path": "/spec/replicas", "value": 7})
    assert world.plan(expected, autoscaler) == []
    result = world.reconcile(
        expected,
        delete_from_namespace=world.namespace,
        delete_selector="!none",
        kinds=["autoscaling/v2/HorizontalPodAutoscaler"],
    )
    assert {outcome.key.kind: outcome.status for outcome in result}["HorizontalPodAutoscaler"] == "deleted"
    assert eventually(lambda: world.plan(expected)) == [{"op": "replace", "path": "/spec/replicas", "value": 2}]


REWRITTEN = {
    "E12-requests": ("containers/*/resources", "/containers/0/resources/requests", {"cpu": "250m"}),
    "E12-tolerations": ("tolerations", "/tolerations", [{"key": "arch", "operator": "Exists"}]),
    "E12-security-context": ("securityContext", "/securityContext/seccompProfile", {"type": "RuntimeDefault"}),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_template_rewritten_by_an_autopilot(world, case):
    rule, path, value = REWRITTEN[case]
    expected = world.deployment()
    world.create(expected)
    world.edit(expected, {"op": "add", "path": f"/spec/template/spec{path}", "value": value})
    assert [operation["op"] for operation in world.plan(expected)] == ["remove"]
    ignore = {"object": {"kind": "Deployment"}, "path": f"spec/template/spec/{rule}", "ignore": True}
    with world.with_rules(ignore) as ruled:
        assert ruled.plan(expected) == []
    world.repair(expected)


def test_e13_a_bound_pod(world):
    expected = pod(world)
    live = world.create(expected)
    assert {volume["name"][:16] for volume in live["spec"]["volumes"]} == {"kube-api-access-"}
    target = {"apiVersion": "v1", "kind": "Node", "name": "somewhere"}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": target}
    world.send("POST", world.path(expected) + "/binding", binding)
    bound = world.get(expected)
    assert bound["spec"]["nodeName"] == "somewhere"
    world.wait_for(expected, bound)
    assert world.plan(expected) == []
    world.edit(expected, {"op": "add", "path": "/metadata/labels", "value": {"by": "hand"}})
    world.repair(expected)


def test_e13_gates_that_were_lifted(world):
    expected = pod(world, schedulingGates=[{"name": "example.com/gate"}])
    world.create(expected)
    world.edit(expected, {"op": "remove", "path": "/spec/schedulingGates"})
    (outcome,) = world.reconcile(expected)
    assert outcome.status == "failed", "a gate cannot be put back"


def test_e15_namespace(world):
    name = f"{world.namespace}-e15"
    expected = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    live = world.create(expected)
    assert live["metadata"]["labels"] == {"kubernetes.io/metadata.name": name}
    assert live["spec"] == {"finalizers": ["kubernetes"]}
    label = "pod-security.kubernetes.io~1warn"
    world.edit(expected, {"op": "add", "path": f"/metadata/labels/{label}", "value": "baseline"})
    assert world.plan(expected) == [{"op": "remove", "path": f"/metadata/labels/{label}"}]
    adopt = {"object": {"kind": "Namespace"}, "path": f"metadata/labels/{label}", "adopt": True}
    with world.with_rules(adopt) as ruled:
        assert ruled.plan(expected) == []
    world.repair(expected)


def test_e16_metadata_of_the_server_in_expected(world):
    """What kubectl get -o yaml printed can be expected again, also after the object was recreated."""
    printed = world.post(world.config(data={"k": "v"}))
    printed["metadata"]["generation"] = 7
    printed["metadata"]["selfLink"] = "/x"
    assert world.plan(printed) == []
    world.delete(printed)
    assert eventually(lambda: world.reconciler.plan([printed]).counts["create"])
    (outcome,) = world.reconcile(printed)
    assert outcome.status == "created"
    assert world.get(printed)["metadata"]["uid"] != printed["metadata"]["uid"]
    assert world.plan(printed) == []


def test_e17_restarted_by_hand(world):
    expected = world.deployment()
    world.create(expected)
    key = "/spec/template/metadata/annotations"
    world.edit(expected, {"op": "add", "path": key, "value": {"kubectl.kubernetes.io/restartedAt": "2026-01-01"}})
    assert world.plan(expected) == []


def test_e18_leader_election_annotation_under_a_rule(world):
    expected = world.config()
    key = "metadata/annotations/control-plane.alpha.kubernetes.io~1leader"
    world.create(expected)
    world.edit(
        expected,
        {"op": "add", "path": "/metadata/annotations", "value": {key.rpartition("/")[2].replace("~1", "/"): "{}"}},
    )
    assert len(world.plan(expected)) == 1
    with world.with_rules({"root": True, "path": key, "ignore": True}) as ruled:
        assert ruled.plan(expected) == []


def test_e20_endpoint_slices_of_a_service_are_not_deleted(world):
    labels = {"app": "e20"}
    live = world.post({**service(world), "metadata": {"name": "web", "namespace": world.namespace, "labels": labels}})
    owner = {"apiVersion": "v1", "kind": "Service", "name": "web", "uid": live["metadata"]["uid"], "controller": True}
    metadata = {"labels": {**labels, "kubernetes.io/service-name": "web"}, "ownerReferences": [owner]}
    slices = {"addressType": "IPv4", "endpoints": [], "ports": []}
    world.post(world.obj("discovery.k8s.io/v1", "EndpointSlice", "web-abcde", metadata, **slices))
    expected = service(world)
    expected["metadata"]["labels"] = labels
    result = world.reconcile(
        expected,
        kinds=["discovery.k8s.io/v1/EndpointSlice"],
        delete_from_namespace=world.namespace,
        delete_selector=labels,
    )
    assert [str(outcome) for outcome in result] == [f"Service {world.namespace}/web unchanged"]


ROLLOUT = {
    "E21-service-selector": (
        service,
        {"op": "add", "path": "/spec/selector/rollouts-pod-template-hash", "value": "abc"},
        "spec/selector/rollouts-pod-template-hash",
    ),
    "E21-weights": (
        lambda world: world.sample(rules=[{"backendRefs": [{"name": "a", "weight": 100}, {"name": "b", "weight": 0}]}]),
        {"op": "replace", "path": "/spec/rules/0/backendRefs/0/weight", "value": 90},
        "spec/rules/*/backendRefs/*/weight",
    ),
}


@pytest.mark.parametrize("case", ROLLOUT)
def test_progressive_delivery_edits(world, case):
    make, edit, path = ROLLOUT[case]
    expected = make(world)
    world.create(expected)
    world.edit(expected, edit)
    assert len(world.plan(expected)) == 1
    with world.with_rules({"root": True, "path": path, "adopt": True}) as ruled:
        assert ruled.plan(expected) == []
    world.repair(expected)


def test_e22_secret_that_a_controller_fills(world):
    expected = world.obj("v1", "Secret", "tls", type="Opaque")
    world.create(expected)
    world.edit(expected, {"op": "add", "path": "/data", "value": {"password": "eA=="}})
    assert world.plan(expected) == [{"op": "remove", "path": "/data"}]
    with world.with_rules({"object": {"kind": "Secret", "name": "tls"}, "path": "data", "adopt": True}) as ruled:
        assert ruled.plan(expected) == []


def test_e24_status_of_a_kind_with_a_subresource(world):
    expected = {**world.deployment(), "status": {"replicas": 5}}
    world.create(expected)
    status = {"op": "add", "path": "/status/observedGeneration", "value": 1}
    world.edit(expected, status, subresource="/status")
    assert world.plan(expected) == []
