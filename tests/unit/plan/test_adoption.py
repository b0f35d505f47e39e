"""Whose an object is that stands where a child is expected, and under which version it is taken over."""

import pytest

from genreconcile.compare.patch import Patch, names_version, under_version
from genreconcile.errors import ChildConflict
from genreconcile.objects import GVK, ObjectKey
from genreconcile.ownership import PART_OF, Membership, ParentRef
from genreconcile.plan import Change
from genreconcile.plan.adoption import Adoption

SHOP = GVK("shops.dev", "v1", "Shop")
PARENT = ParentRef(gvk=SHOP, key=ObjectKey("shops.dev", "Shop", "shop", "x"), uid="u", controller="shops").parent
CONFIG = GVK("", "v1", "ConfigMap")
KEY = ObjectKey("", "ConfigMap", "shop", "a")
MEMBER = "genreconcile.dev/member"
TOOLING = "applyset.kubernetes.io/tooling"
ADOPT = ("never", "unowned", "any")


class Managers:
    """Who wrote the references of the object; counts the questions."""

    def __init__(self, *names):
        self.names, self.asked = frozenset(names) if names else None, 0

    def managers(self, change, path):
        self.asked += 1
        assert (change.key, path) == (KEY, ("metadata", "ownerReferences"))
        return self.names


def members(adopt="never"):
    return Membership(PARENT.id, PARENT.key, PARENT.tool, "u", frozenset({"shop"}), adopt=adopt)


def obj(*owners, is_member=False, labels=None, **annotations):
    proof = {MEMBER: members().proof(KEY)} if is_member else {}
    own = {PART_OF: PARENT.id} if is_member else {}
    metadata = {"name": "a", "namespace": "shop", "uid": "a1", "resourceVersion": "7", "ownerReferences": list(owners)}
    return {"metadata": metadata | {"labels": own | (labels or {}), "annotations": proof | annotations}}


def owner(uid="u", kind="Shop", name="x"):
    return {"apiVersion": "shops.dev/v1", "kind": kind, "name": name, "uid": uid, "controller": True}


def holder_of(live, adopt="never", *managers):
    """Who has the object, None where it is ours or becomes ours."""
    error = Adoption(members(adopt), Managers(*managers)).conflict(CONFIG, KEY, live)
    assert error is None or isinstance(error, ChildConflict)
    return None if error is None else error.holder


NOBODYS = {
    "nothing": obj(),
    "the head of a set of ours": obj(**{TOOLING: "genreconcile/v1"}),
    "the head of another controller's set": obj(**{TOOLING: "genreconcile-tills/v1"}),
    "an owner that does not control it": obj({**owner("o", "Till"), "controller": False}),
    "a copied label": obj(labels={PART_OF: PARENT.id}),
    "a copied proof": obj(**{MEMBER: members().proof(KEY)}),
}
SOMEBODYS = {
    "Till x controls it": obj(owner("t", "Till")),
    "Shop y controls it": obj(owner("y", name="y")),
    "Till t controls it": obj(owner("t", "Till", "t"), is_member=True),
    "it is a member of the owner set applyset-o": obj(labels={PART_OF: "applyset-o"}),
    "it heads a set of kubectl/v1.32": obj(**{TOOLING: "kubectl/v1.32"}),
    "it heads a set of genreconcilers/v1": obj(**{TOOLING: "genreconcilers/v1"}),
    "meta.helm.sh/release-name marks it as another tool's": obj(**{"meta.helm.sh/release-name": "r"}),
    "kopf.zalando.org/x marks it as another tool's": obj(**{"kopf.zalando.org/x": "r"}),
    "kapp.k14s.io/app marks it as another tool's": obj(labels={"kapp.k14s.io/app": "1"}),
}
OURS = {
    "a member": obj(is_member=True),
    "a member that the parent controls": obj(owner(), is_member=True),
    "a member that an earlier parent controls": obj(owner("earlier"), is_member=True),
    "one that an earlier parent controls": obj(owner("earlier")),
    "a member with a mark of a tool": obj(is_member=True, **{"meta.helm.sh/release-name": "r"}),
}


@pytest.mark.parametrize("name", NOBODYS)
def test_what_nobody_has(name):
    assert [holder_of(NOBODYS[name], adopt) for adopt in ADOPT] == ["", None, None]


@pytest.mark.parametrize("holder", SOMEBODYS)
def test_what_somebody_has(holder):
    assert [holder_of(SOMEBODYS[holder], adopt) for adopt in ADOPT] == [holder, holder, None]


@pytest.mark.parametrize("name", OURS)
def test_what_is_ours(name):
    adoption = Adoption(members(), Managers())
    assert adoption.conflict(CONFIG, KEY, OURS[name]) is None
    assert adoption._evidence.asked == 0, "the object says it itself"


def test_what_the_parent_controls_is_ours_where_we_wrote_that():
    live = obj(owner())
    other = "Shop x, by way of another program, controls it"
    assert holder_of(live, "never", "genreconcile-shops") is None
    assert holder_of(live, "never", "kube-controller-manager") == other
    assert holder_of(live, "unowned") == other, "in doubt"
    of_other_set = obj(owner(), labels={PART_OF: "applyset-o"})
    assert holder_of(of_other_set, "never", "genreconcile-shops") == other


def test_the_error_names_the_object_and_what_to_do():
    found = Adoption(members(), Managers()).conflict(CONFIG, KEY, obj(owner("t", "Till")))
    assert str(found) == (
        "ConfigMap shop/a: not taken over: Till x controls it; delete it, or give the child another name"
    )


PATCH = Patch([{"op": "test", "path": "/metadata/uid", "value": "a1"}, {"op": "add", "path": "/data", "value": {}}])
GUARD = {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def update(live):
    return Change("update", CONFIG, KEY, PATCH, expected={}, live=live)


@pytest.mark.parametrize("live", [obj(), obj(owner("earlier")), obj(owner("earlier"), is_member=True)])
def test_what_is_taken_over_names_its_version(live):
    change = Adoption(members("unowned"), Managers()).guarded(update(live))
    assert change.patch.patch == [PATCH.patch[0], GUARD, PATCH.patch[1]]
    assert Adoption(members("any"), Managers()).guarded(update(live)).patch == PATCH


def test_a_member_is_repaired_as_always():
    assert Adoption(members(), Managers()).guarded(update(obj(is_member=True))).patch == PATCH
    for other in (Change("create", CONFIG, KEY, expected={}), Change("none", CONFIG, KEY, live=obj(), skipped=True)):
        assert Adoption(members(), Managers()).guarded(other) == other


def test_a_patch_under_a_version():
    assert not names_version(PATCH)
    once = under_version(PATCH, obj())
    assert names_version(once)
    assert under_version(once, obj()) is once
    assert under_version(Patch([]), obj()).patch == []
    assert under_version(PATCH, {"metadata": {}}) is PATCH
