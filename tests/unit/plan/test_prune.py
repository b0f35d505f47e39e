import pytest

from genreconcile import selector
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change, Plan, Prune, prune, withheld

WIDGET = GVK("example.genreconcile.dev", "v1", "Widget")
WANTED = Prune("shop", selector.parse({"app": "x"}))


def live(name, **metadata):
    return {"metadata": {"name": name, "namespace": "shop", "labels": {"app": "x"}, **metadata}}


def pruned(*objects, expected=(), wanted=WANTED, gvk=WIDGET):
    keys = [ObjectKey(gvk.group, gvk.kind, "shop", name) for name in expected]
    return prune([(gvk, obj) for obj in objects], keys, wanted)


def test_what_is_not_expected_is_deleted():
    (change,) = pruned(live("a"), live("b"), expected=["a"])
    assert (change.operation, change.key.name) == ("delete", "b")


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {"app": "y"}},
        {"labels": None},
        {"deletionTimestamp": "2026-01-01T00:00:00Z"},
        {"ownerReferences": [{"kind": "Owner", "name": "o", "uid": "u", "controller": True}]},
    ],
    ids=["other label", "no label", "terminating", "controlled"],
)
def test_what_is_left_alone(metadata):
    assert pruned(live("a", **metadata)) == []


def test_an_owner_that_does_not_control_does_not_protect():
    owner = {"kind": "Owner", "name": "o", "uid": "u"}
    assert pruned(live("a", ownerReferences=[owner]))[0].operation == "delete"


def test_some_kinds_only_when_asked():
    claim = GVK("", "v1", "PersistentVolumeClaim")
    (change,) = pruned(live("a"), gvk=claim)
    assert (change.operation, change.skipped) == ("none", True)
    assert "name PersistentVolumeClaim in delete_kinds" in change.reason
    asked = Prune("shop", WANTED.selector, kinds=frozenset({"PersistentVolumeClaim"}))
    assert pruned(live("a"), gvk=claim, wanted=asked)[0].operation == "delete"


@pytest.mark.parametrize(
    ("namespace", "labels", "wanted"), [("shop", {"a": "b"}, True), ("", {"a": "b"}, False), ("shop", None, False)]
)
def test_an_empty_namespace_or_no_selector_skips_deletion(namespace, labels, wanted):
    found = Prune(namespace, selector.parse(labels) if labels is not None else None)
    assert found.is_wanted is wanted


def test_an_empty_set_deletes_nothing_unless_allowed():
    assert "allow_empty=True" in WANTED.refusals(expected=0, deletions=3)[0]
    assert WANTED.refusals(expected=0, deletions=0) == []
    assert Prune("shop", WANTED.selector, allow_empty=True).refusals(expected=0, deletions=3) == []


def test_a_cap():
    capped = Prune("shop", WANTED.selector, max_deletions=2)
    assert capped.refusals(expected=1, deletions=2) == []
    assert "3 deletions are more than the 2 allowed" in capped.refusals(expected=1, deletions=3)[0]


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
    ],
)
def test_what_kubernetes_makes_itself_is_spared(gvk, name, spared):
    assert (pruned(live(name), gvk=gvk) == []) is spared
