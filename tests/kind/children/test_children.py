"""The children of a controller's parents on a real server: parents of any kind, and whose an object is."""

import pytest

import genreconcile as gr
from genreconcile.errors import ChildConflict, PlanRefused
from genreconcile.settings import Settings
from support import objects
from support.children import (
    ID,
    KINDS,
    KNOWN,
    MANAGER,
    MEMBER,
    PART_OF,
    TOOLING,
    error_of,
    live,
    plain,
    recorded,
    ref,
    reference,
    service,
)
from support.deletion_ground import Recorded, statuses
from support.eventually import eventually

# Parents of any kind, and two controllers


def test_children_come_and_go_with_a_parent_that_was_no_set(ground, reconciler, parent):
    first = reconciler.reconcile_children([plain(ground, "a"), service(ground)], ref(parent))
    assert statuses(first) == {"a": "created", "web": "created"}
    assert recorded(ground) == ("ConfigMap,Service", "")
    marks = live(ground)["metadata"]
    assert marks["annotations"][TOOLING].startswith("genreconcile-shops/v")
    assert live(ground, "a")["metadata"]["labels"] == {PART_OF: marks["labels"][ID]}
    assert live(ground, "a")["metadata"]["managedFields"][0]["manager"] == MANAGER
    second = reconciler.reconcile_children([plain(ground, "a")], ref(parent))
    assert statuses(second) == {"a": "unchanged", "web": "deleted"}
    assert recorded(ground) == ("ConfigMap", "")
    third = reconciler.reconcile_children([], ref(parent))
    assert statuses(third) == {"a": "deleted"}, "an empty set means no children"
    assert recorded(ground) == ("", "")


@pytest.mark.parametrize("kind", ["Deployment", "Namespace", "Shop"])
def test_the_parent_may_be_of_any_kind(ground, reconciler, kind):
    """Of a custom kind too, whose definition does not have the label of parents."""
    name = ground.namespace
    group = f"{name}.shops.dev"
    with gr.Reconciler(ground.admin) as admin:
        pod = objects.pod_template({"a": "b"})
        made = {
            "Deployment": objects.obj("apps/v1", "Deployment", "shop", name, spec=objects.workload(pod)),
            "Namespace": objects.obj("v1", "Namespace", name + "-parent"),
            "Shop": objects.obj(f"{group}/v1", "Shop", "shop", name),
        }[kind]
        crd = [objects.definition(group, objects.version(), kind="Shop")] if kind == "Shop" else []
        admin.reconcile([*crd, made]).raise_for_failures()
        admin.plan([made])
        key = gr.ObjectKey.of(made)
        found = admin.cache.get(gr.GVK.of(made), key.name, namespace=key.namespace)
    children = [plain(ground, "a"), service(ground)]
    known = ref(found, known=KNOWN)
    assert statuses(reconciler.reconcile_children(children, known)) == {"a": "created", "web": "created"}
    assert statuses(reconciler.reconcile_children(children[:1], known)) == {"a": "unchanged", "web": "deleted"}
    ground.cluster.requests.clear()
    assert statuses(reconciler.reconcile_children(children[:1], known)) == {"a": "unchanged"}
    assert ground.cluster.requests == []


def test_two_controllers_on_one_parent_never_share_a_set(ground, reconciler, parent):
    reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
    with (
        gr.Reconciler(Recorded(ground.admin), field_manager="genreconcile-tills") as second,
        pytest.raises(PlanRefused, match=r"genreconcile-shops/v\S+ has a set there already; let one of the two go"),
    ):
        second.reconcile_children([], ref(parent, "tills", known=KNOWN))
    assert live(ground, "a")


def test_a_second_controller_that_has_seen_no_set_yet_is_refused_by_the_record(ground, reconciler, parent):
    with gr.Reconciler(Recorded(ground.admin), field_manager="genreconcile-tills") as second:
        late = second.plan_children([plain(ground, "b")], ref(parent, "tills"))
        reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
        with pytest.raises(PlanRefused, match="genreconcile-shops/"):
            second.apply(late)
    assert "b" not in ground.names()


@pytest.mark.parametrize("tooling", ["kubectl/v1.32.0", "genreconcile/v0.1.0", "helm/v3"])
def test_the_set_of_another_tool_is_refused(ground, reconciler, tooling):
    parent = ground.post(plain(ground, "shop", annotations={TOOLING: tooling, KINDS: ""}))
    with pytest.raises(PlanRefused, match=f"{tooling} has a set there already"):
        reconciler.reconcile_children([plain(ground, "a")], ref(parent))
    assert ground.cluster.writes == []


def test_a_parent_without_children_is_not_written(ground, reconciler, parent):
    assert len(reconciler.reconcile_children([], ref(parent, known=KNOWN))) == 0
    assert ground.cluster.writes == []


# Adoption


def test_an_object_of_nobody_is_not_touched(ground, reconciler, parent):
    before = ground.post(plain(ground, "a"))
    result = reconciler.reconcile_children([plain(ground, "a"), plain(ground, "b")], ref(parent))
    assert statuses(result) == {"a": "failed", "b": "created"}
    error = error_of(result, "a")
    assert isinstance(error, ChildConflict)
    assert error.holder == ""
    assert str(error) == (
        f"ConfigMap {ground.namespace}/a: not taken over: it was there before, and nobody controls it; delete it, or "
        "give the child another name"
    )
    assert live(ground, "a") == before


def test_an_object_of_nobody_is_taken_where_the_controller_says_so(ground, reconciler, parent):
    before = ground.post(plain(ground, "a", annotations={"theirs": "x"}))
    result = reconciler.reconcile_children([plain(ground, "a")], ref(parent, adopt="unowned"))
    assert statuses(result) == {"a": "configured"}
    now = live(ground, "a")["metadata"]
    assert (now["uid"], now["annotations"].keys()) == (before["metadata"]["uid"], {MEMBER})
    (patch,) = [body for method, path, body, _ in ground.cluster.requests if path.endswith("/a") and method == "PATCH"]
    version = before["metadata"]["resourceVersion"]
    assert {"op": "replace", "path": "/metadata/resourceVersion", "value": version} in patch


@pytest.mark.parametrize(
    ("marks", "holder"),
    [
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Secret", "name": "s", "uid": "u", "controller": True}]},
            "Secret s controls it",
        ),
        ({"labels": {PART_OF: "applyset-other-v1"}}, "it is a member of the owner set applyset-other-v1"),
        ({"annotations": {"meta.helm.sh/release-name": "r"}}, "meta.helm.sh/release-name marks it as another tool's"),
        (
            {"labels": {"kustomize.toolkit.fluxcd.io/name": "r"}},
            "kustomize.toolkit.fluxcd.io/name marks it as another tool's",
        ),
    ],
    ids=["controller", "set", "helm", "flux"],
)
def test_what_somebody_has_is_taken_by_nobody_and_named(ground, reconciler, parent, marks, holder):
    before = ground.post(plain(ground, "a", **marks))
    for adopt in ("never", "unowned"):
        error = error_of(reconciler.reconcile_children([plain(ground, "a")], ref(parent, adopt=adopt)), "a")
        assert isinstance(error, ChildConflict)
        assert error.holder == holder
        assert holder in str(error)
    assert live(ground, "a") == before


def test_any_takes_what_the_reconciler_takes(ground, reconciler, parent):
    ground.post(plain(ground, "a", annotations={"meta.helm.sh/release-name": "r"}))
    ground.post(plain(ground, "b", labels={PART_OF: "applyset-other-v1"}))
    result = reconciler.reconcile_children([plain(ground, "a"), plain(ground, "b")], ref(parent, adopt="any"))
    assert statuses(result) == {"a": "configured", "b": "failed"}


def test_two_parents_with_one_child_the_first_keeps_it_and_the_second_is_told(ground, reconciler, parent):
    second = ground.post(plain(ground, "second"))
    child = plain(ground, "a", ownerReferences=[reference(parent)])
    reconciler.reconcile_children([child], ref(parent)).raise_for_failures()
    before = live(ground, "a")
    claim = plain(ground, "a", ownerReferences=[reference(second)])
    result = reconciler.reconcile_children([claim], ref(second, adopt="unowned"))
    assert error_of(result, "a").holder == "ConfigMap shop controls it"
    assert statuses(reconciler.reconcile_children([child], ref(parent))) == {"a": "unchanged"}
    assert live(ground, "a") == before


def test_two_parents_with_one_child_that_both_saw_missing(ground, reconciler, parent):
    """Whoever is second learns of it by the server's answer."""
    second = ground.post(plain(ground, "second"))
    with gr.Reconciler(Recorded(ground.admin), field_manager=MANAGER) as late:
        assert late.plan_children([plain(ground, "a")], ref(second)).counts["create"] == 1
        reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
        result = late.reconcile_children([plain(ground, "a")], ref(second))
    assert isinstance(error_of(result, "a"), ChildConflict)
    assert "it is a member of the owner set applyset-" in error_of(result, "a").holder


def test_a_member_that_lost_its_marks_is_repaired(ground, reconciler, parent):
    """The reference to the parent is there, and this controller wrote it."""
    child = plain(ground, "a", ownerReferences=[reference(parent)])
    reconciler.reconcile_children([child], ref(parent)).raise_for_failures()
    where = ground.path("configmaps", "a")
    ground.patch(where, *({"op": "remove", "path": f"/metadata/{field}"} for field in ("labels", "annotations")))
    assert eventually(lambda: reconciler.plan_children([child], ref(parent)).counts["update"] == 1)
    assert statuses(reconciler.reconcile_children([child], ref(parent))) == {"a": "configured"}
    assert MEMBER in live(ground, "a")["metadata"]["annotations"]


def test_what_another_program_made_for_the_same_parent_is_not_ours(ground, reconciler, parent):
    """As a ReplicaSet that Kubernetes made for a Deployment, whose controller we are as well."""
    before = ground.post(plain(ground, "a", ownerReferences=[reference(parent)]), fieldManager="another")
    child = plain(ground, "a", ownerReferences=[reference(parent)])
    result = reconciler.reconcile_children([child], ref(parent, adopt="unowned"))
    assert error_of(result, "a").holder == "ConfigMap shop, by way of another program, controls it"
    assert live(ground, "a") == before


# A parent that was made anew


def recreated(ground, parent):
    """The parent under another uid; nothing collects its children here."""
    ground.delete(ground.path("configmaps", "shop"))
    return ground.post(plain(ground, "shop"))


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "without marks"])
def test_children_of_an_earlier_parent_are_taken_over_by_one_patch(ground, reconciler, parent, marked):
    child = plain(ground, "a", ownerReferences=[reference(parent)])
    if marked:
        reconciler.reconcile_children([child], ref(parent)).raise_for_failures()
    else:
        ground.post(child, fieldManager="restored")
    now = recreated(ground, parent)
    ground.cluster.requests.clear()
    child = plain(ground, "a", ownerReferences=[reference(now)])
    settings = Settings(not_older_than=now)
    before = live(ground, "a")["metadata"]
    result = reconciler.reconcile_children([child], ref(now), settings)
    assert statuses(result) == {"a": "configured"}
    (patch,) = [body for _, path, body, _ in ground.cluster.requests if path.endswith("/a")]
    version = before["resourceVersion"]
    assert {"op": "replace", "path": "/metadata/resourceVersion", "value": version} in patch
    after = live(ground, "a")["metadata"]
    assert [owner["uid"] for owner in after["ownerReferences"]] == [now["metadata"]["uid"]]
    assert after["uid"] == before["uid"]
    assert statuses(reconciler.reconcile_children([child], ref(now))) == {"a": "unchanged"}


def test_a_child_of_an_earlier_parent_that_is_going_is_waited_for(ground, reconciler, parent):
    old = plain(ground, "a", ownerReferences=[reference(parent)], finalizers=["example.com/wait"])
    reconciler.reconcile_children([old], ref(parent)).raise_for_failures()
    ground.delete(ground.path("configmaps", "a"))
    now = recreated(ground, parent)
    child = plain(ground, "a", ownerReferences=[reference(now)])
    result = reconciler.reconcile_children([child], ref(now), Settings(not_older_than=now))
    assert statuses(result) == {"a": "skipped"}
    (outcome,) = result
    assert outcome.reason == "it is being deleted; it will be created again when it is gone"
    ground.patch(ground.path("configmaps", "a"), {"op": "remove", "path": "/metadata/finalizers"})
    assert eventually(lambda: reconciler.plan_children([child], ref(now)).counts["create"] == 1)
    assert statuses(reconciler.reconcile_children([child], ref(now))) == {"a": "created"}


def test_an_earlier_parents_child_that_is_not_expected_any_more_goes(ground, reconciler, parent):
    child = plain(ground, "a", ownerReferences=[reference(parent)])
    reconciler.reconcile_children([child], ref(parent)).raise_for_failures()
    now = recreated(ground, parent)
    result = reconciler.reconcile_children([], ref(now, known=KNOWN), Settings(not_older_than=now))
    assert statuses(result) == {"a": "deleted"}


def test_a_reference_in_another_namespace_names_another_parent(ground, reconciler, parent, other):
    """An owner is in its dependent's own namespace: there, the name stands for somebody else."""
    foreign = ground.config("a", namespace=other, labels={}, metadata={"ownerReferences": [reference(parent, uid="u")]})
    before = ground.post(foreign)
    child = ground.config("a", namespace=other, labels={})
    result = reconciler.reconcile_children([child], ref(parent, namespaces="*"))
    assert isinstance(error_of(result, "a"), ChildConflict)
    assert live(ground, "a", namespace=other) == before


def test_a_reference_to_an_earlier_parent_goes_also_where_none_is_expected_now(ground, reconciler, parent):
    """Its owner is gone: the garbage collector would take the object along."""
    reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
    where, old = ground.path("configmaps", "a"), [reference(parent)]
    ground.patch(where, {"op": "add", "path": "/metadata/ownerReferences", "value": old})
    now = recreated(ground, parent)
    result = reconciler.reconcile_children([plain(ground, "a")], ref(now), Settings(not_older_than=now))
    assert statuses(result) == {"a": "configured"}
    assert "ownerReferences" not in live(ground, "a")["metadata"]
    assert statuses(reconciler.reconcile_children([plain(ground, "a")], ref(now))) == {"a": "unchanged"}


def test_of_a_set_that_is_not_stated_to_its_end_nothing_is_deleted(ground, reconciler, parent):
    children = [plain(ground, "a"), service(ground)]
    reconciler.reconcile_children(children, ref(parent)).raise_for_failures()
    account = objects.obj("v1", "ServiceAccount", "robot", ground.namespace)
    plan = reconciler.plan_children([account], ref(parent), is_whole=False)
    assert (plan.counts["create"], plan.counts["delete"], plan.spared) == (1, 0, ())
    result = reconciler.reconcile_children([account], ref(parent), is_whole=False)
    assert statuses(result) == {"robot": "created"}
    assert recorded(ground) == ("ConfigMap,Service,ServiceAccount", "")
    assert statuses(reconciler.reconcile_children([], ref(parent), is_whole=False)) == {}
    result = reconciler.reconcile_children([account], ref(parent))
    assert statuses(result) == {"robot": "unchanged", "a": "deleted", "web": "deleted"}
    assert recorded(ground) == ("ServiceAccount", "")


def test_a_lost_record_of_a_set_that_is_not_stated_to_its_end_names_all_that_is_known(ground, reconciler, parent):
    reconciler.reconcile_children([plain(ground, "a"), service(ground)], ref(parent)).raise_for_failures()
    now = ground.patch(ground.path("configmaps", "shop"), {"op": "remove", "path": "/metadata/annotations"})
    with gr.Reconciler(ground.cluster, field_manager=MANAGER) as after:
        settings = Settings(not_older_than=now)
        result = after.reconcile_children([plain(ground, "a")], ref(parent, known=KNOWN), settings, is_whole=False)
    assert (statuses(result), recorded(ground)) == ({"a": "unchanged"}, ("ConfigMap,Service", ""))


def test_one_child_that_cannot_be_used_and_nothing_is_written(ground, reconciler, parent):
    reconciler.reconcile_children([plain(ground, "old")], ref(parent)).raise_for_failures()
    ground.cluster.requests.clear()
    bad = {**plain(ground, "bad"), "dat": {}}
    changed = ground.config("old", labels={}, a="b")
    result = reconciler.reconcile_children([plain(ground, "a"), bad, changed], ref(parent))
    assert statuses(result) == {"a": "skipped", "bad": "failed", "old": "skipped"}
    assert [outcome.reason for outcome in result if outcome.status == "skipped"] == [
        "not written: 1 object(s) of the set cannot be used; correct them first"
    ] * 2
    assert ground.cluster.writes == []
