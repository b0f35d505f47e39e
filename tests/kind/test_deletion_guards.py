"""Deletion on a real server: what must stay stays, and a plan says beforehand exactly what goes."""

import threading
import time

import pytest

import genreconcile as gr
from genreconcile.errors import Conflict, PlanRefused
from support.deletion_ground import LABELS, Ground, statuses
from support.eventually import eventually
from support.objects import definition, version

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


def test_a_deletion_that_others_forestall_is_looked_at_again(ground, reconciler, monkeypatch):
    """The object is edited between plan and deletion: where it is to go still, it goes."""
    for name in ("goes", "stays"):
        ground.post(ground.config(name))
    settings = {**ground.settings, "kinds": KINDS, "allow_empty": True}
    settled(reconciler, [], 2, settings)
    request = ground.cluster.cluster.request
    edits = {
        ground.path("configmaps", "goes"): {"op": "add", "path": "/data", "value": {"k": "v"}},
        ground.path("configmaps", "stays"): {
            "op": "add",
            "path": "/metadata/annotations",
            "value": {"genreconcile.dev/prune": "disabled"},
        },
    }

    def forestalled(method, path, **options):
        if method == "DELETE" and path in edits:
            ground.patch(path, edits.pop(path))
        return request(method, path, **options)

    monkeypatch.setattr(ground.cluster.cluster, "request", forestalled)
    result = reconciler.reconcile([], **settings)
    assert statuses(result) == {"goes": "deleted", "stays": "skipped"}
    assert len(ground.cluster.sent("DELETE")) == 3
    assert "stays" in ground.names()


def test_waiting_until_it_is_gone(ground, reconciler):
    ground.post(ground.config("held", metadata={"finalizers": ["example.com/hold"]}))
    settings = {**ground.settings, "kinds": KINDS, "allow_empty": True}
    settled(reconciler, [], 1, settings)
    held = ground.path("configmaps", "held")
    timer = threading.Timer(1.0, ground.patch, (held, {"op": "remove", "path": "/metadata/finalizers"}))
    timer.start()
    started = time.monotonic()
    assert statuses(reconciler.reconcile([], wait=True, **settings)) == {"held": "deleted"}
    assert time.monotonic() - started >= 0.9
    assert ground.names() == {"kube-root-ca.crt"} & ground.names()
    timer.join()


def test_what_is_not_gone_in_time_has_failed_and_says_what_holds_it(ground):
    ground.post(ground.config("held", metadata={"finalizers": ["example.com/hold"]}))
    settings = {**ground.settings, "kinds": KINDS, "allow_empty": True}
    with gr.Reconciler(ground.cluster, namespaces=[ground.namespace], wait_timeout=0.3) as reconciler:
        settled(reconciler, [], 1, settings)
        (outcome,) = reconciler.reconcile([], wait=True, **settings)
    assert str(outcome) == (
        f"ConfigMap {ground.namespace}/held failed: not deleted: "
        "accepted, but not gone after 0 s; see to who removes its finalizers: example.com/hold"
    )


@pytest.mark.parametrize("propagation", ["foreground", "Foreground", "orphan"])
def test_how_dependents_go_is_always_said(ground, propagation):
    ground.post(ground.config("gone"))
    settings = {**ground.settings, "kinds": KINDS, "allow_empty": True}
    with gr.Reconciler(ground.cluster, namespaces=[ground.namespace], propagation=propagation) as reconciler:
        settled(reconciler, [], 1, settings)
        reconciler.reconcile([], **settings).raise_for_failures()
    (body,) = [body for method, _, body, _ in ground.cluster.requests if method == "DELETE"]
    assert body["propagationPolicy"] == propagation.capitalize()


def test_an_unknown_propagation_is_refused(ground):
    with pytest.raises(gr.ReconcileError, match="'sideways' is unknown; use background, foreground or orphan"):
        gr.Reconciler(ground.cluster, propagation="sideways")


def test_a_dry_run_asks_the_server_for_everything_and_changes_nothing(crowd, reconciler):
    crowd.post(crowd.config("changed", k="old"))
    expected = [crowd.config("new"), crowd.config("changed", k="new")]
    settings = {**crowd.settings, "kinds": KINDS}
    settled(reconciler, expected, 1, settings)
    before = crowd.get(crowd.path())["items"]
    plan = reconciler.plan(expected, **settings)
    result = reconciler.apply(plan, dry_run=True, wait=True)
    assert statuses(result) == {
        "new": "created",
        "changed": "configured",
        "mine": "deleted",
        "kept": "skipped",
        "claim": "skipped",
        "data-db-0": "skipped",
    }
    assert len(crowd.cluster.writes) == 3
    for method, _, body, query in crowd.cluster.requests:
        if method != "GET":
            assert query.get("dryRun") == "All" or body.get("dryRun") == ["All"]
    assert crowd.get(crowd.path())["items"] == before
    # Nothing of it is remembered: the same plan comes again, and what is done then is what was shown.
    again = reconciler.plan(expected, **settings)
    assert [(change.operation, change.key) for change in again] == [(change.operation, change.key) for change in plan]
    assert statuses(reconciler.apply(again)) == statuses(result)


def test_a_dry_run_shows_what_the_server_would_refuse(ground, reconciler):
    """A guard that only the server has: a Service's selector may not name what is no label."""
    metadata = {"name": "s", "namespace": ground.namespace}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 70000}]}}
    result = reconciler.apply(reconciler.plan([service]), dry_run=True)
    assert statuses(result) == {"s": "failed"}


def test_a_dry_run_of_what_the_plan_itself_brings(ground):
    name = ground.namespace + "-new"
    group = f"{ground.namespace}.dry.dev"
    crd = definition(group, version())
    metadata = {"name": "t", "namespace": ground.namespace}
    expected = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        ground.config("in-it", namespace=name),
        crd,
        {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": metadata},
        ground.config("nowhere", namespace="missing"),
    ]
    with gr.Reconciler(ground.cluster) as reconciler:
        result = reconciler.apply(reconciler.plan(expected), dry_run=True)
    told = {outcome.key.name: (outcome.status, outcome.reason) for outcome in result}
    assert told == {
        name: ("created", ""),
        "in-it": ("created", "not tried: the same plan brings its namespace"),
        f"things.{group}": ("created", ""),
        "t": ("created", "not tried: the same plan brings its kind"),
        "nowhere": ("failed", ""),
    }
    assert all(query.get("dryRun") == "All" for method, *_, query in ground.cluster.requests if method != "GET")


@pytest.mark.parametrize("guard", ["kind", "annotation"])
def test_what_deletion_leaves_alone_is_not_recreated_either(ground, guard):
    """Another way to lose data: an immutable field of a claim differs."""
    if guard == "kind":
        first, plural = claim(ground, "c"), "persistentvolumeclaims"
        second = {**first, "spec": {**CLAIM_SPEC, "accessModes": ["ReadOnlyMany"]}}
        told = "not recreated: others, or data, would go with it; delete it yourself"
    else:
        metadata = {"annotations": {"genreconcile.dev/prune": "disabled"}}
        first, plural = {**ground.config("c", metadata=metadata, k="1"), "immutable": True}, "configmaps"
        second = {**first, "data": {"k": "2"}}
        told = "not recreated: not deleted: its annotation genreconcile.dev/prune forbids it"
    live = ground.post(first, plural)
    with gr.Reconciler(ground.cluster, namespaces=[ground.namespace], on_immutable="recreate") as reconciler:
        (outcome,) = reconciler.reconcile([second])
    assert outcome.status == "failed"
    assert told in str(outcome.error)
    assert ground.get(ground.path(plural, "c"))["metadata"]["uid"] == live["metadata"]["uid"]


def test_nothing_goes_while_the_server_refuses_an_expected_object(ground, reconciler):
    """Only the server knows that the object is wrong: the plan still says that the other one goes."""
    ground.post(ground.config("old"))
    metadata = {"name": "s", "namespace": ground.namespace, "labels": LABELS}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 70000}]}}
    expected = [ground.config("a"), service]
    settled(reconciler, expected, 1, ground.settings)
    result = reconciler.reconcile(expected, **ground.settings)
    assert statuses(result) == {"a": "created", "s": "failed", "old": "skipped"}
    (skipped,) = [outcome for outcome in result if outcome.status == "skipped"]
    assert skipped.reason == (
        "not deleted: 1 expected object(s) failed, so what is unexpected is not sure; correct them first"
    )
    assert ground.cluster.sent("DELETE") == []
