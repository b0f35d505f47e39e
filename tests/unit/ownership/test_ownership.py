"""Owner sets, the pure part: ids, records, refusals, and what proves membership."""

import pytest

from genreconcile.errors import InputError, PlanRefused
from genreconcile.installed import own_version
from genreconcile.objects import GVK, ObjectKey
from genreconcile.ownership import (
    Inventory,
    Membership,
    Parent,
    default_parent,
    is_shared_tool,
    may_be_parent,
    parent_label,
)
from genreconcile.plan import UNPROVEN, OwnerRef, Prune, deletions_among

PARENT = Parent(GVK("", "v1", "ConfigMap"), ObjectKey("", "ConfigMap", "shop", "set"))
SHARED = Parent(PARENT.gvk, PARENT.key, "kubectl")
# As kubectl v1.32 made it for configmaps/set in the namespace shop.
ID = "applyset-7fFB87CRhJ5TNi_w4TDPYDEGqjgqS1PzgLi-dyqcOv4-v1"
TOOLING = "applyset.kubernetes.io/tooling"
KINDS = "applyset.kubernetes.io/contains-group-kinds"
RESOURCES = "applyset.kubernetes.io/contains-group-resources"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
PART_OF = "applyset.kubernetes.io/part-of"
MEMBER = "genreconcile.dev/member"
WIDGET = GVK("example.dev", "v1", "Widget")
KEY = ObjectKey("example.dev", "Widget", "shop", "a")


def parent_object(tooling="genreconcile/v0.1.0", *, set_id=ID, kinds="", **metadata):
    annotations = {TOOLING: tooling, KINDS: kinds, **metadata.pop("annotations", {})}
    return {
        "metadata": {
            "name": "set",
            "namespace": "shop",
            "uid": "u",
            "resourceVersion": "7",
            "labels": {"applyset.kubernetes.io/id": set_id},
            "annotations": {key: value for key, value in annotations.items() if value is not None},
            **metadata,
        }
    }


def named(group, plural):
    return {("", "configmaps"): ("", "ConfigMap"), ("apps", "deployments"): ("apps", "Deployment")}.get((group, plural))


def read(live, parent=PARENT):
    return parent.inventory(live, named)


def test_the_id_is_the_one_that_kubectl_makes():
    assert PARENT.id == ID
    cluster_scoped = Parent(GVK("a.dev", "v1", "Shop"), ObjectKey("a.dev", "Shop", "", "x"))
    assert cluster_scoped.id == "applyset-jNOdYbegXiTOlo0_GfLCJvG_aZD5Q5DIo13KE-H21XE-v1"


def test_a_record_is_read_and_written():
    live = parent_object(kinds="Deployment.apps,Secret", annotations={NAMESPACES: "b,a,shop"})
    record = read(live)
    assert record == Inventory(frozenset({("apps", "Deployment"), ("", "Secret")}), frozenset({"a", "b"}))
    assert record.annotations() == {KINDS: "Deployment.apps,Secret", NAMESPACES: "a,b"}
    assert Inventory().annotations() == {KINDS: "", NAMESPACES: ""}


def test_the_older_spelling_is_read():
    live = parent_object(kinds=None, annotations={RESOURCES: "configmaps,deployments.apps"})
    assert read(live).kinds == {("", "ConfigMap"), ("apps", "Deployment")}
    live = parent_object(kinds=None, annotations={RESOURCES: "things.gone"})
    with pytest.raises(PlanRefused, match=r"the server has no things.gone, which .*group-resources names; correct it"):
        read(live)


@pytest.mark.parametrize(
    ("live", "told"),
    [
        (parent_object(None), f"it exists and is no parent of a set, for its annotation {TOOLING} is missing; choose"),
        (parent_object("helm/v3"), "it belongs to helm/v3; choose another parent"),
        (parent_object("kubectl/v1.32.4"), "it belongs to kubectl/v1.32.4; "),
        (parent_object("example.com/genreconcile/v1"), "it belongs to example.com/genreconcile/v1; "),
        (parent_object(set_id="applyset-x-v1"), f"applyset-x-v1, which is not its id; set it to {ID}"),
        (parent_object(kinds=None), f"its annotation {KINDS} is missing; add it, empty for an empty set"),
        (parent_object(deletionTimestamp="2026-01-01T00:00:00Z"), "it is being deleted; wait until it is gone"),
    ],
    ids=["no set", "helm", "kubectl", "another of that name", "wrong id", "no kinds", "going"],
)
def test_what_is_refused(live, told):
    with pytest.raises(PlanRefused) as refused:
        read(live)
    assert str(refused.value).startswith("ConfigMap shop/set: not usable as an owner: ")
    assert told in str(refused.value)


def test_whose_set_is_accepted():
    for tooling in ("genreconcile/v0.1.0", "genreconcile/v99", "genreconcile"):
        assert read(parent_object(tooling, kinds="Secret")).kinds == {("", "Secret")}
    for tooling in ("kubectl/v1.27", "genreconcile/v0.1.0"):
        assert read(parent_object(tooling, kinds="Secret"), SHARED).kinds == {("", "Secret")}
    with pytest.raises(PlanRefused, match="it belongs to helm/v3"):
        read(parent_object("helm/v3"), SHARED)
    assert read(None) == Inventory()


def test_a_custom_resource_without_marks_becomes_a_parent_and_a_configmap_does_not():
    shop = Parent(GVK("a.dev", "v1", "Shop"), ObjectKey("a.dev", "Shop", "shop", "x"))
    assert read({"metadata": {"name": "x"}}, shop) == Inventory()
    assert not shop.is_written({"metadata": {"name": "x"}}, Inventory())
    with pytest.raises(PlanRefused, match="is no parent of a set"):
        read({"metadata": {"name": "set"}})


def test_what_is_written_names_what_it_was_computed_from():
    record = Inventory(frozenset({("", "Secret")}))
    assert PARENT.body(record, parent_object("genreconcile/v0.0.1"))["metadata"] == {
        "name": "set",
        "namespace": "shop",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {"applyset.kubernetes.io/id": ID},
        "annotations": {TOOLING: "genreconcile/v0.0.1", KINDS: "Secret", NAMESPACES: ""},
    }
    new = PARENT.body(record, None)
    assert (new["apiVersion"], new["kind"], new["metadata"].keys()) == (
        "v1",
        "ConfigMap",
        {"name", "namespace", "labels", "annotations"},
    )
    assert new["metadata"]["annotations"][TOOLING].startswith("genreconcile/v")
    assert SHARED.body(record, parent_object())["metadata"]["annotations"][TOOLING] == "kubectl/v1.27.0"
    assert SHARED.body(record, parent_object("kubectl/v1.40"))["metadata"]["annotations"][TOOLING] == "kubectl/v1.40"
    assert (PARENT.field_manager, SHARED.field_manager) == ("genreconcile-applyset", "kubectl-applyset")


def test_nothing_is_written_twice():
    record = Inventory(frozenset({("", "Secret")}), frozenset({"a"}))
    live = parent_object("genreconcile/v9", kinds="Secret", annotations={NAMESPACES: "a"})
    assert PARENT.is_written(live, record)
    assert not PARENT.is_written(live, Inventory(record.kinds))
    assert not PARENT.is_written(live, Inventory(namespaces=record.namespaces))
    assert not PARENT.is_written(None, Inventory())
    assert not SHARED.is_written(live, record), "the set is handed over"
    assert PARENT.is_written(parent_object(kinds=""), Inventory()), "a missing list of namespaces is an empty one"


def test_records_add_up():
    keys = [ObjectKey("", "Secret", "shop", "a"), ObjectKey("", "Secret", "b", "a"), ObjectKey("", "Node", "", "n")]
    record = Inventory.of(keys, PARENT.key)
    assert record == Inventory(frozenset({("", "Secret"), ("", "Node")}), frozenset({"b"}))
    more = Inventory(frozenset({("apps", "Deployment")}), frozenset({"c"}))
    assert (record | more).covers(record)
    assert not record.covers(more)
    assert (record | more) & record == record


MEMBERS = Membership(ID, PARENT.key, "genreconcile", "parent-uid", frozenset({"shop", "b"}))
ALIKE = Membership(ID, PARENT.key, "kubectl", "parent-uid", frozenset({"shop"}))


def member(name="a", proof_of=KEY, **metadata):
    annotations = {MEMBER: MEMBERS.proof(proof_of)} if proof_of else {}
    found = {"name": name, "namespace": "shop", "labels": {PART_OF: ID}, "annotations": annotations, **metadata}
    return {"metadata": {key: value for key, value in found.items() if value is not None}}


def pruned(live, members=MEMBERS, gvk=WIDGET, **wanted):
    return deletions_among(
        [(gvk, live)], wanted.pop("expected", ()), Prune(owner=OwnerRef("configmaps/set"), **wanted), members
    )


def test_an_expected_object_is_marked_and_stays_what_it_was():
    obj = {"metadata": {"name": "a", "labels": {"x": "y"}}, "spec": {}}
    marked = MEMBERS.marked(obj, KEY)
    assert marked == {
        "metadata": {
            "name": "a",
            "labels": {"x": "y", PART_OF: ID},
            "annotations": {MEMBER: f"{ID}:Widget.example.dev:shop/a"},
        },
        "spec": {},
    }
    assert obj == {"metadata": {"name": "a", "labels": {"x": "y"}}, "spec": {}}


@pytest.mark.parametrize("value", ["text", ["x"], 1])
def test_malformed_labels_are_left_to_who_checks_them(value):
    assert MEMBERS.marked({"metadata": {"labels": value, "annotations": value}}, KEY)["metadata"] == {
        "labels": value,
        "annotations": value,
    }


def test_what_cannot_be_a_member():
    with pytest.raises(InputError, match="it is the parent of its own set"):
        MEMBERS.marked({"metadata": {"name": "set"}}, PARENT.key)
    for value in (ID, "applyset-other-v1"):
        with pytest.raises(InputError, match="is set already"):
            MEMBERS.marked({"metadata": {"labels": {PART_OF: value}}}, KEY)


def test_a_member_that_is_not_expected_goes():
    assert [change.operation for change in pruned(member())] == ["delete"]
    assert pruned(member(), expected=[KEY]) == []


@pytest.mark.parametrize(
    "live",
    [
        member(proof_of=None),
        member(annotations=None),
        member(annotations={MEMBER: ID}),
        member("other"),
        member(proof_of=KEY._replace(kind="Gadget")),
        member(proof_of=KEY._replace(namespace="b")),
    ],
    ids=["label alone", "no annotations", "id alone", "copied from another name", "from a kind", "from a namespace"],
)
@pytest.mark.parametrize("members", [MEMBERS, ALIKE], ids=["ours", "shared"])
def test_a_copied_label_proves_nothing(live, members):
    (change,) = pruned(live, members)
    assert (change.operation, change.is_quiet, change.reason) == ("none", True, UNPROVEN)


@pytest.mark.parametrize(
    "live",
    [member(namespace="elsewhere"), member(labels={}), member(labels={PART_OF: "applyset-other-v1"})],
    ids=["outside the set's namespaces", "no label", "another set"],
)
def test_what_is_not_looked_at(live):
    assert pruned(live) == []


def test_the_parent_is_no_member_of_its_own_set():
    live = member("set", proof_of=PARENT.key)
    assert pruned(live, gvk=PARENT.gvk) == []


def test_a_cluster_scoped_member_goes_by_its_proof():
    key = ObjectKey("example.dev", "Planet", "", "a")
    live = member(proof_of=key, namespace=None)
    (change,) = pruned(live, gvk=GVK("example.dev", "v1", "Planet"))
    assert (change.operation, change.key) == ("delete", key)
    assert pruned(member(namespace=None), gvk=GVK("example.dev", "v1", "Planet"))[0].reason == UNPROVEN


def test_what_the_parent_itself_controls_goes_and_what_others_control_stays():
    controller = {"kind": "Shop", "name": "x", "controller": True}
    assert pruned(member(ownerReferences=[{**controller, "uid": "parent-uid"}]))[0].operation == "delete"
    (change,) = pruned(member(ownerReferences=[{**controller, "uid": "another"}]))
    assert change.reason == "not deleted: Shop x controls it; delete that, and this goes with it"
    nobody = Membership(ID, PARENT.key, "genreconcile", "", frozenset({"shop"}))
    assert pruned(member(ownerReferences=[{**controller, "uid": ""}]), nobody)[0].operation == "none"


@pytest.mark.parametrize(
    ("managers", "members", "owned", "attested"),
    [
        ({"kubectl-client-side-apply"}, ALIKE, False, True),
        ({"kubectl"}, ALIKE, False, True),
        ({"kubectl"}, MEMBERS, False, False),
        ({"kubectl"}, ALIKE, True, False),
        ({"kubectl", "some-operator"}, ALIKE, False, False),
        ({"some-operator"}, ALIKE, False, False),
        ({"genreconcile"}, ALIKE, False, False),
        (set(), ALIKE, False, False),
        (None, ALIKE, False, False),
    ],
)
def test_in_a_shared_set_the_managers_of_the_label_may_prove_it(managers, members, owned, attested):
    live = member(proof_of=None, ownerReferences=[{"uid": "u"}] if owned else None)
    assert members.is_attested(live, None if managers is None else frozenset(managers)) is attested


def test_members_of_other_sets():
    assert MEMBERS.is_other({PART_OF: "applyset-other-v1"})
    assert not MEMBERS.is_other({PART_OF: ID})
    assert not MEMBERS.is_other({})


def test_guards_name_the_owner():
    wanted = Prune(owner=OwnerRef("configmaps/set"), max_deletions=0)
    assert wanted.is_wanted
    assert [refusal.partition(":")[0] for refusal in wanted.refusals(expected=0, deletions=1)] == [
        "owner configmaps/set",
        "owner configmaps/set",
    ]


def test_what_is_known_of_parents_and_tools():
    assert may_be_parent(ObjectKey("", "Secret", "a", "b"))
    assert not may_be_parent(ObjectKey("a.dev", "Secret", "a", "b"))
    assert not may_be_parent(ObjectKey("", "Service", "a", "b"))
    assert (default_parent(), parent_label()) == ("secrets", "applyset.kubernetes.io/is-parent-type")
    assert is_shared_tool("kubectl")
    assert not is_shared_tool("helm")


def test_the_package_is_looked_up_once_for_all_records(monkeypatch):
    """Each look-up goes through all folders of the path."""
    asked = []
    monkeypatch.setattr("genreconcile.installed.metadata.version", lambda name: asked.append(name) or "1.2")
    own_version.cache_clear()
    try:
        for name in ("one", "two"):
            key = ObjectKey("", "ConfigMap", "shop", name)
            body = Parent(PARENT.gvk, key).body(Inventory(), None)
            assert body["metadata"]["annotations"][TOOLING] == "genreconcile/v1.2"
    finally:
        own_version.cache_clear()
    assert asked == ["genreconcile"]
