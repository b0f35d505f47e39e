"""Deletion on a real server: what must stay stays, and a plan says beforehand exactly what goes."""

import pytest
from ground import LABELS, Ground, eventually, statuses

import genreconcile as gr
from genreconcile.errors import Conflict, PlanRefused

KINDS = ["v1/ConfigMap", "v1/ServiceAccount", "v1/PersistentVolumeClaim"]
CLAIM_SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.fixture
def ground(control_plane, namespace):
    return Ground(control_plane, namespace)


@pytest.fixture
def reconciler(ground):
    with gr.Reconciler(ground.cluster, namespaces=[ground.namespace]) as reconciler:
        yield reconciler


def claim(ground, name):
    metadata = {"name": name, "namespace": ground.namespace, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": CLAIM_SPEC}


def settled(reconciler, expected, wanted, settings):
    """Until the cache has seen what others did."""
    assert eventually(lambda: reconciler.plan(expected, **settings).counts["delete"] == wanted)


@pytest.fixture
def crowd(ground):
    """One object for each guard, and one that may go; all with the labels that are looked for."""
    owner = ground.post(ground.config("owner", labels={}))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    ground.post(ground.config("mine"))
    ground.post(ground.config("controlled", metadata={"ownerReferences": [{**reference, "controller": True}]}))
    ground.post(ground.config("kept", metadata={"annotations": {"genreconcile.dev/prune": "disabled"}}))
    ground.post(ground.config("kube-root-ca.crt"))
    label = {"op": "add", "path": "/metadata/labels", "value": LABELS}
    ground.patch(ground.path("serviceaccounts", "default"), label)
    ground.post(claim(ground, "claim"), "persistentvolumeclaims")
    ground.post(claim(ground, "data-db-0"), "persistentvolumeclaims", fieldManager="kube-controller-manager")
    return ground


def test_only_what_no_guard_protects_goes(crowd, reconciler):
    expected = [crowd.config("expected")]
    settings = {**crowd.settings, "kinds": KINDS}
    settled(reconciler, expected, 1, settings)
    plan = reconciler.plan(expected, **settings)
    spared = {change.key.name: change.reason for change in plan.spared}
    assert spared == {
        "controlled": "not deleted: ConfigMap owner controls it; delete that, and this goes with it",
        "kube-root-ca.crt": "not deleted: Kubernetes made it itself; take the label off if it got there by mistake",
        "default": "not deleted: Kubernetes made it itself; take the label off if it got there by mistake",
    }
    result = reconciler.reconcile(expected, **settings)
    others = (
        "not deleted: others go with it; name PersistentVolumeClaim in delete_kinds (--delete-kinds) to have it deleted"
    )
    kept = "not deleted: its annotation genreconcile.dev/prune forbids it; remove the annotation to have it deleted"
    assert {outcome.key.name: (outcome.status, outcome.reason) for outcome in result} == {
        "expected": ("created", ""),
        "mine": ("deleted", ""),
        "kept": ("skipped", kept),
        "claim": ("skipped", others),
        "data-db-0": ("skipped", others),
    }
    assert crowd.cluster.sent("DELETE") == [("DELETE", crowd.path("configmaps", "mine"))]
    assert crowd.names() >= {"expected", "owner", "controlled", "kept", "kube-root-ca.crt"}


def test_a_volume_that_a_controller_made_stays_also_where_its_kind_was_asked_for(crowd, reconciler):
    expected = [crowd.config("expected")]
    settings = {**crowd.settings, "kinds": KINDS, "delete_kinds": ["PersistentVolumeClaim"]}
    settled(reconciler, expected, 2, settings)
    result = reconciler.reconcile(expected, **settings)
    assert statuses(result)["claim"] == "deleted"
    (spared,) = [outcome for outcome in result if outcome.key.name == "data-db-0"]
    assert spared.status == "skipped"
    assert "a StatefulSet's controller made it" in spared.reason
    assert ("DELETE", crowd.path("persistentvolumeclaims", "data-db-0")) not in crowd.cluster.writes
    crowd.cluster.requests.clear()
    assert statuses(reconciler.reconcile(expected, **settings))["data-db-0"] == "skipped"
    assert crowd.cluster.requests == [], "who made it is asked once"


def test_the_annotation_is_obeyed_until_it_is_removed(crowd, reconciler):
    expected = [crowd.config("expected")]
    settled(reconciler, expected, 1, crowd.settings)
    assert statuses(reconciler.reconcile(expected, **crowd.settings))["kept"] == "skipped"
    crowd.patch(crowd.path("configmaps", "kept"), {"op": "remove", "path": "/metadata/annotations"})
    settled(reconciler, expected, 1, crowd.settings)
    assert statuses(reconciler.reconcile(expected, **crowd.settings))["kept"] == "deleted"


def test_a_plan_shows_exactly_what_goes_and_writes_nothing(crowd, reconciler):
    expected = [crowd.config("expected")]
    settings = {**crowd.settings, "kinds": KINDS}
    settled(reconciler, expected, 1, settings)
    plan = reconciler.plan(expected, **settings)
    assert crowd.cluster.writes == []
    assert plan.matches == 7
    going = {change.key for change in plan.changes if change.operation == "delete"}
    result = reconciler.apply(plan)
    assert {outcome.key for outcome in result if outcome.status == "deleted"} == going
    assert len(crowd.cluster.sent("DELETE")) == len(going) == 1


def test_a_cluster_scoped_kind_is_never_touched_by_a_namespaced_deletion(ground, reconciler):
    name = ground.namespace + "-role"
    where = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": []}
    ground.apply(where, {**role, "metadata": {"name": name, "labels": LABELS}})
    ground.post(ground.config("gone"))
    kinds = ["rbac.authorization.k8s.io/v1/ClusterRole", "v1/Namespace", "v1/ConfigMap"]
    settings = {**ground.settings, "kinds": kinds, "delete_kinds": ["Namespace"], "allow_empty": True}
    settled(reconciler, [], 1, settings)
    assert statuses(reconciler.reconcile([], **settings)) == {"gone": "deleted"}
    assert ground.get(f"{where}/{name}")["metadata"]["name"] == name


def test_each_deletion_names_the_object_that_was_seen_and_how_it_is_to_go(ground, reconciler):
    live = ground.post(ground.config("gone"))["metadata"]
    settled(reconciler, [], 1, {**ground.settings, "kinds": KINDS})
    reconciler.reconcile([], allow_empty=True, kinds=KINDS, **ground.settings).raise_for_failures()
    (body,) = [body for method, _, body, _ in ground.cluster.requests if method == "DELETE"]
    assert body == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": {"uid": live["uid"], "resourceVersion": live["resourceVersion"]},
    }


@pytest.mark.parametrize("change", ["recreated", "edited"])
def test_scenario_4_another_object_under_the_name_of_one_that_should_go_lives(ground, reconciler, change):
    ground.post(ground.config("a"))
    settings = {**ground.settings, "kinds": KINDS, "allow_empty": True}
    settled(reconciler, [], 1, settings)
    plan = reconciler.plan([], **settings)
    where = ground.path("configmaps", "a")
    if change == "recreated":
        ground.delete(where)
        ground.post(ground.config("a", labels={"app": "others"}))
    else:
        ground.patch(where, {"op": "replace", "path": "/metadata/labels", "value": {"app": "another"}})
    (outcome,) = reconciler.apply(plan)
    assert (outcome.status, type(outcome.error)) == ("failed", Conflict)
    assert str(outcome.error).startswith(f"ConfigMap {ground.namespace}/a: not deleted: ")
    assert "a" in ground.names()


def test_deletions_go_in_reverse_order(ground, reconciler):
    kinds = {"ServiceAccount": "serviceaccounts", "ConfigMap": "configmaps", "Service": "services", "Pod": "pods"}
    metadata = {"name": "x", "namespace": ground.namespace, "labels": LABELS}
    specs = {"Service": {"ports": [{"port": 80}]}, "Pod": {"containers": [{"name": "c", "image": "i"}]}}
    for kind, plural in kinds.items():
        spec = {"spec": specs[kind]} if kind in specs else {}
        ground.post({"apiVersion": "v1", "kind": kind, "metadata": metadata, **spec}, plural)
    settings = {**ground.settings, "kinds": [f"v1/{kind}" for kind in kinds], "allow_empty": True}
    settled(reconciler, [], 4, settings)
    reconciler.reconcile([], **settings).raise_for_failures()
    expected = [
        ("DELETE", ground.path(plural, "x")) for plural in ("pods", "services", "configmaps", "serviceaccounts")
    ]
    assert ground.cluster.sent("DELETE") == expected


def test_scenario_17_what_is_going_is_neither_deleted_nor_counted_again(ground, reconciler):
    ground.post(ground.config("held", metadata={"finalizers": ["example.com/hold"]}))
    settings = {**ground.settings, "kinds": KINDS, "allow_empty": True}
    settled(reconciler, [], 1, settings)
    assert statuses(reconciler.reconcile([], **settings)) == {"held": "deleted"}
    for _ in range(3):
        plan = reconciler.plan([], **settings, max_deletions=0)
        assert (plan.changes, plan.refusals, plan.matches) == ((), (), 0)
        assert [change.key.name for change in plan.spared] == ["held"]
        assert statuses(reconciler.reconcile([], **settings)) == {}
    assert len(ground.cluster.sent("DELETE")) == 1
    # It is expected again while it goes: neither patched nor created, until it is gone.
    back = ground.config("held", k="v")
    (outcome,) = reconciler.reconcile([back], **settings)
    assert (outcome.status, "being deleted" in outcome.reason) == ("skipped", True)
    assert ground.cluster.sent("POST", "PATCH") == []
    ground.patch(ground.path("configmaps", "held"), {"op": "remove", "path": "/metadata/finalizers"})
    assert eventually(lambda: statuses(reconciler.reconcile([back], **settings)) == {"held": "created"})


def test_scenario_18_a_namespace_that_ends(ground, reconciler, control_plane):
    """Without controllers it ends for ever. What is created there is refused, and nothing is deleted in that call."""
    ending = control_plane.create_namespace(ground.namespace + "-ending")
    ground.post(ground.config("old"))
    with gr.Reconciler(ground.cluster) as wide:
        settled(wide, [ground.config("x")], 1, ground.settings)
        ground.delete(f"/api/v1/namespaces/{ending}")
        expected = [ground.config("there", namespace=ending), ground.config("here")]
        result = wide.reconcile(expected, **ground.settings)
        assert statuses(result) == {"there": "failed", "here": "created", "old": "skipped"}
        (failed,) = result.failures
        assert "is being terminated; wait until the namespace is gone, and create it anew" in str(failed.error)
        assert "RBAC" not in str(failed.error), "no advice that does not help"
        assert ground.cluster.sent("DELETE") == []
        # Without the object that cannot be, deletion goes on.
        assert statuses(wide.reconcile([ground.config("here")], **ground.settings))["old"] == "deleted"


def test_scenario_20_a_set_that_breaks_off_deletes_nothing(ground, reconciler):
    for name in "abc":
        ground.post(ground.config(name))
    settled(reconciler, [ground.config("a")], 2, ground.settings)

    def rendered():
        yield ground.config("a")
        raise OSError("the renderer died")

    with pytest.raises(OSError, match="the renderer died"):
        reconciler.reconcile(rendered(), **ground.settings)
    with pytest.raises(gr.LoadError):
        reconciler.reconcile([ground.config("a"), {"apiVersion": "v1"}], **ground.settings)
    with pytest.raises(PlanRefused, match="all 3 would go"):
        reconciler.reconcile([], kinds=KINDS, **ground.settings)
    with pytest.raises(PlanRefused, match="2 deletions are more than the 1 allowed"):
        reconciler.reconcile([ground.config("a")], max_deletions=1, **ground.settings)
    assert ground.cluster.sent("DELETE") == []
    assert ground.names() >= {"a", "b", "c"}


def test_scenario_21_a_deletion_that_is_denied_is_tried_again_under_another_set(ground, reconciler):
    """Denied by an admission policy for as long as the object says so."""
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": ground.namespace},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["services"]}
                ]
            },
            "validations": [{"expression": "!('hold' in oldObject.metadata.labels)", "message": "it is on hold"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": ground.namespace},
        "spec": {
            "policyName": ground.namespace,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ground.namespace}}},
        },
    }
    where = "/apis/admissionregistration.k8s.io/v1"
    ground.apply(f"{where}/validatingadmissionpolicies", policy)
    ground.apply(f"{where}/validatingadmissionpolicybindings", binding)
    metadata = {"name": "s", "namespace": ground.namespace, "labels": {**LABELS, "hold": ""}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}
    assert statuses(reconciler.reconcile([service, ground.config("a")], **ground.settings))["s"] == "created"
    eventually(lambda: is_denied(ground, ground.path("services", "s")))
    first = reconciler.reconcile([ground.config("a")], **ground.settings)
    assert statuses(first) == {"a": "unchanged", "s": "failed"}
    assert str(first.failures[0].error).startswith(f"Service {ground.namespace}/s: not deleted: ")
    assert "denied request" in str(first.failures[0].error)
    # The kind has vanished from the set, and the set has changed: it is still known, and tried again.
    second = reconciler.reconcile([ground.config("b")], **ground.settings)
    assert statuses(second) == {"b": "created", "a": "deleted", "s": "failed"}
    ground.patch(ground.path("services", "s"), {"op": "remove", "path": "/metadata/labels/hold"})
    assert eventually(
        lambda: statuses(reconciler.reconcile([ground.config("b")], **ground.settings)).get("s") == "deleted"
    )
    assert ground.names("services") == set()


def is_denied(ground, path):
    try:
        ground.admin.request("DELETE", path, query={"dryRun": "All"})
    except gr.ClusterError:
        return True
    return False
