import pytest

from genreconcile import selector
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change, Plan, Prune, deletions_among, withheld

WIDGET = GVK("example.genreconcile.dev", "v1", "Widget")
WANTED = Prune("shop", selector.parse({"app": "x"}))


def live(name, namespace="shop", **metadata):
    return {"metadata": {"name": name, "namespace": namespace, "labels": {"app": "x"}, **metadata}}


def pruned(*objects, expected=(), wanted=WANTED, gvk=WIDGET):
    keys = [ObjectKey(gvk.group, gvk.kind, "shop", name) for name in expected]
    return deletions_among([(gvk, obj) for obj in objects], keys, wanted)


def test_what_is_not_expected_is_deleted():
    (change,) = pruned(live("a"), live("b"), expected=["a"])
    assert (change.operation, change.key.name) == ("delete", "b")


@pytest.mark.parametrize("namespace", ["elsewhere", ""])
def test_what_is_not_in_the_namespace_is_none_of_ours(namespace):
    assert pruned(live("a", namespace)) == []


@pytest.mark.parametrize("wanted", [Prune("", WANTED.selector), Prune("shop", None), Prune()])
def test_without_a_namespace_or_a_selector_nothing_is_selected(wanted):
    assert pruned(live("a"), live("b", ""), wanted=wanted) == []


@pytest.mark.parametrize("labels", [{"app": "y"}, None], ids=["other label", "no label"])
def test_what_the_selector_does_not_match_is_none_of_ours(labels):
    assert pruned(live("a", labels=labels)) == []


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (
            {"deletionTimestamp": "2026-01-01T00:00:00Z"},
            "it is being deleted already; see its finalizers if that does not end",
        ),
        (
            {"ownerReferences": [{"kind": "Owner", "name": "o", "uid": "u", "controller": True}]},
            "not deleted: Owner o controls it; delete that, and this goes with it",
        ),
    ],
    ids=["terminating", "controlled"],
)
def test_what_is_spared_says_why_and_counts_as_nothing(metadata, reason):
    (change,) = pruned(live("a", **metadata))
    assert (change.operation, change.is_quiet, change.reason) == ("none", True, reason)


@pytest.mark.parametrize(
    ("annotation", "value", "kept"),
    [
        ("genreconcile.dev/prune", "disabled", True),
        ("genreconcile.dev/prune", "Disabled", True),
        ("genreconcile.dev/prune", "", True),
        ("genreconcile.dev/prune", "enabled", False),
        ("helm.sh/resource-policy", "keep", True),
        ("helm.sh/resource-policy", "other", False),
        ("kustomize.toolkit.fluxcd.io/prune", "disabled", True),
        ("argocd.argoproj.io/sync-options", "Validate=false, Prune=false", True),
        ("argocd.argoproj.io/sync-options", "Delete=confirm", True),
        ("argocd.argoproj.io/sync-options", "Validate=false", False),
        ("client.lifecycle.config.k8s.io/deletion", "detach", True),
        ("cli-utils.sigs.k8s.io/on-remove", "keep", True),
        ("example.com/other", "keep", False),
    ],
)
def test_an_annotation_protects(annotation, value, kept):
    (change,) = pruned(live("a", annotations={annotation: value}))
    assert (change.operation, change.skipped) == (("none", True) if kept else ("delete", False))
    told = f"not deleted: its annotation {annotation} forbids it; remove the annotation to have it deleted"
    assert change.reason == (told if kept else "")


def test_a_member_of_an_owner_set_is_not_deleted_by_a_selector():
    (change,) = pruned(live("a", labels={"app": "x", "applyset.kubernetes.io/part-of": "applyset-x-v1"}))
    assert (change.operation, change.skipped) == ("none", True)
    assert change.reason == (
        "not deleted: its label applyset.kubernetes.io/part-of says that it is a member of an owner set; "
        "delete it by way of that set"
    )


@pytest.mark.parametrize("annotations", [None, "text", ["genreconcile.dev/prune"]])
def test_malformed_annotations_protect_nothing_and_break_nothing(annotations):
    assert pruned(live("a", annotations=annotations))[0].operation == "delete"


def test_malformed_owners_break_nothing():
    assert pruned(live("a", ownerReferences=["x", None]))[0].operation == "delete"


def test_an_owner_that_does_not_control_does_not_protect():
    owner = {"kind": "Owner", "name": "o", "uid": "u"}
    assert pruned(live("a", ownerReferences=[owner]))[0].operation == "delete"


@pytest.mark.parametrize(
    ("gvk", "name"),
    [
        (GVK("", "v1", "Namespace"), "Namespace"),
        (GVK("", "v1", "PersistentVolume"), "PersistentVolume"),
        (GVK("", "v1", "PersistentVolumeClaim"), "PersistentVolumeClaim"),
        (
            GVK("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
            "CustomResourceDefinition.apiextensions.k8s.io",
        ),
    ],
)
def test_some_kinds_only_when_asked(gvk, name):
    (change,) = pruned(live("a"), gvk=gvk)
    assert (change.operation, change.skipped) == ("none", True)
    assert change.reason == (
        f"not deleted: others go with it; name {name} in delete_kinds (--delete-kinds) to have it deleted"
    )
    asked = Prune("shop", WANTED.selector, kinds=frozenset({name}))
    assert pruned(live("a"), gvk=gvk, wanted=asked)[0].operation == "delete"
    other = Prune("shop", WANTED.selector, kinds=frozenset({"Other"}))
    assert pruned(live("a"), gvk=gvk, wanted=other)[0].operation == "none"


def test_a_kind_that_was_asked_for_is_protected_otherwise_as_all():
    asked = Prune("shop", WANTED.selector, kinds=frozenset({"PersistentVolumeClaim"}))
    kept = live("a", annotations={"genreconcile.dev/prune": "disabled"})
    assert pruned(kept, gvk=GVK("", "v1", "PersistentVolumeClaim"), wanted=asked)[0].operation == "none"


@pytest.mark.parametrize(
    ("namespace", "labels", "wanted"), [("shop", {"a": "b"}, True), ("", {"a": "b"}, False), ("shop", None, False)]
)
def test_an_empty_namespace_or_no_selector_skips_deletion(namespace, labels, wanted):
    found = Prune(namespace, selector.parse(labels) if labels is not None else None)
    assert found.is_wanted is wanted


def test_an_empty_set_deletes_nothing_unless_allowed():
    (refusal,) = WANTED.refusals(expected=0, deletions=3)
    assert refusal.code == "GR802"
    assert refusal == (
        "namespace shop: nothing deleted: no object is expected, so all 3 would go; "
        "allow_empty=True (--allow-empty) permits it"
    )
    assert WANTED.refusals(expected=0, deletions=0) == []
    assert Prune("shop", WANTED.selector, allow_empty=True).refusals(expected=0, deletions=3) == []


def test_a_cap():
    capped = Prune("shop", WANTED.selector, max_deletions=2)
    assert capped.refusals(expected=1, deletions=2) == []
    (refusal,) = capped.refusals(expected=1, deletions=3)
    assert refusal.code == "GR801"
    assert refusal == (
        "namespace shop: nothing deleted: 3 deletions are more than the 2 allowed; "
        "see what is missing in the expected set, or raise max_deletions (--max-deletions)"
    )
    assert Prune("shop", WANTED.selector, max_deletions=0).refusals(expected=1, deletions=1)


def test_why_deletions_are_withheld():
    assert withheld(2).startswith("not deleted: 2 expected object(s) failed")


def test_a_plan_counts():
    key = ObjectKey("", "Widget", "shop", "a")
    changes = [
        Change("create", WIDGET, key),
        Change("update", WIDGET, key),
        Change("delete", WIDGET, key),
        Change("none", WIDGET, key, skipped=True),
        Change("none", WIDGET, key, error=ValueError()),
    ]
    plan = Plan(tuple(changes), unchanged=(Change("none", WIDGET, key),) * 2)
    assert plan.summary() == "1 to create, 1 to update, 1 to delete, 2 unchanged, 1 skipped, 1 failed"
    assert Plan(()).summary() == "0 to create, 0 to update, 0 to delete, 0 unchanged"
    assert list(plan) == changes


@pytest.mark.parametrize(
    ("gvk", "name", "spared"),
    [
        (GVK("", "v1", "ConfigMap"), "kube-root-ca.crt", True),
        (GVK("", "v1", "ConfigMap"), "mine", False),
        (GVK("", "v1", "ServiceAccount"), "default", True),
        (GVK("", "v1", "Endpoints"), "any", True),
        (GVK("", "v1", "Service"), "kubernetes", False),
        (GVK("discovery.k8s.io", "v1", "EndpointSlice"), "kubernetes", False),
        (GVK("rbac.authorization.k8s.io", "v1", "Role"), "system:controller:x", True),
        (GVK("example.dev", "v1", "ConfigMap"), "kube-root-ca.crt", False),
    ],
)
def test_what_kubernetes_makes_itself_is_spared(gvk, name, spared):
    (change,) = pruned(live(name), gvk=gvk)
    assert change.operation == ("none" if spared else "delete")
    assert change.is_quiet is spared
    assert change.reason.startswith("not deleted: Kubernetes made it itself") is spared


@pytest.mark.parametrize("gvk", [GVK("", "v1", "Service"), GVK("discovery.k8s.io", "v1", "EndpointSlice")])
def test_the_api_servers_own_service_is_spared(gvk):
    wanted = Prune("default", WANTED.selector)
    assert pruned(live("kubernetes", "default"), gvk=gvk, wanted=wanted)[0].is_quiet
