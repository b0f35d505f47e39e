"""The set of a controller, the pure part: what it is told, what it believes, and what it writes."""

import pytest

from genreconcile.errors import InputError, NoMember, ParentChanged, PlanRefused
from genreconcile.objects import GVK, ObjectKey
from genreconcile.ownership import ANYWHERE, Inventory, Membership, Parent, ParentRef, Place, require_same

ID = "applyset.kubernetes.io/id"
TOOLING = "applyset.kubernetes.io/tooling"
KINDS = "applyset.kubernetes.io/contains-group-kinds"
RESOURCES = "applyset.kubernetes.io/contains-group-resources"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
PART_OF = "applyset.kubernetes.io/part-of"
MEMBER = "genreconcile.dev/member"
SHOP = GVK("shops.dev", "v1", "Shop")
CONFIG = ObjectKey("", "ConfigMap", "shop", "a")
SECRET = Inventory(frozenset({("", "Secret")}))


def ref(namespace="shop", **more):
    return ParentRef(gvk=SHOP, key=ObjectKey("shops.dev", "Shop", namespace, "x"), uid="u", controller="shops", **more)


PARENT = ref().parent


def parent_object(annotations=None, labels=None, **metadata):
    found = {"name": "x", "namespace": "shop", "uid": "u", "resourceVersion": "7", **metadata}
    return {"metadata": found | {"annotations": annotations, "labels": labels}}


def nobody_asks(group, plural):
    raise AssertionError("no resource is looked up for what a user may have written")


def read(annotations):
    return PARENT.inventory(parent_object(annotations), nobody_asks)


def test_a_controller_is_a_tool_of_its_own():
    assert Parent(SHOP, PARENT.key, "genreconcile-shops", "u", is_controlled=True) == PARENT
    assert PARENT.field_manager == "genreconcile-shops"
    assert (ref().text, ref().adopt, ref().known) == ("Shop.shops.dev shop/x", "never", Inventory())


def test_a_ref_of_an_object():
    live = {"apiVersion": "shops.dev/v1", "kind": "Shop", **parent_object()}
    assert ParentRef.of(live, "shops", adopt="unowned") == ref(adopt="unowned")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"controller": ""}, "controller: not usable: ''"),
        ({"controller": "x" * 116}, "controller: not usable: "),
        ({"adopt": "all"}, "adopt: not usable: 'all'"),
        ({"uid": ""}, "uid: not usable: ''"),
        ({"namespaces": ["a/b"]}, r"namespaces\[0\]: not usable: 'a/b'"),
    ],
)
def test_what_cannot_be_meant(fields, told):
    given = {"gvk": SHOP, "key": PARENT.key, "uid": "u", "controller": "shops", **fields}
    with pytest.raises(InputError, match=told):
        ParentRef(**given)


def test_the_longest_name_of_a_controller():
    assert len(ParentRef(gvk=SHOP, key=PARENT.key, uid="u", controller="x" * 115).tool) == 128


@pytest.mark.parametrize(
    ("namespace", "namespaces", "allowed", "forbidden"),
    [
        ("shop", None, ["shop"], ["", "other"]),
        ("shop", ["other"], ["shop", "other"], ["", "third"]),
        ("shop", "*", ["shop", "other", ""], []),
        ("", None, ["shop", "other", ""], []),
        ("", ["other"], ["other", ""], ["shop"]),
        ("", [], [""], ["shop"]),
        ("", "*", ["shop", ""], []),
    ],
)
def test_where_children_may_be(namespace, namespaces, allowed, forbidden):
    place = ref(namespace, namespaces=namespaces).place
    assert [name for name in (*allowed, *forbidden) if place.allows(name)] == allowed
    assert place.of([*allowed, *forbidden]) == frozenset(allowed) - {""}


def test_places_as_text_and_by_name():
    assert [str(place) for place in (ANYWHERE, Place(frozenset({"b", "a"}), cluster=False))] == ["* and none", "a,b"]
    assert (ANYWHERE.named, Place(frozenset({"a"})).named) == (frozenset(), {"a"})


# The record of the parent


def test_whatever_stands_there_is_read_and_nothing_is_looked_up():
    everything = read({TOOLING: "genreconcile-shops/v1", KINDS: "Secret,Deployment.apps", NAMESPACES: "b,shop,a"})
    assert everything == Inventory(frozenset({("", "Secret"), ("apps", "Deployment")}), frozenset({"a", "b"}))
    assert read({KINDS: " Secret ,,., ,Secret.,.x"}) == SECRET
    for annotations in (None, {}, {RESOURCES: "secrets"}, {TOOLING: "genreconcile-shops/v1"}):
        assert read(annotations) == Inventory()


@pytest.mark.parametrize("tooling", ["kubectl/v1", "genreconcile/v1", "genreconcile-tills/v1", "", "x"])
def test_the_set_of_another_tool_is_refused(tooling):
    with pytest.raises(PlanRefused, match=f"not usable as an owner: {tooling} has a set there already"):
        read({TOOLING: tooling, KINDS: ""})


def test_a_record_is_lost_where_a_part_of_it_is():
    whole = {TOOLING: "genreconcile-shops/v1", KINDS: ""}
    assert not PARENT.is_lost(parent_object(whole))
    for part in ({}, {TOOLING: whole[TOOLING]}, {KINDS: ""}):
        assert PARENT.is_lost(parent_object(part))
    assert not Parent(SHOP, PARENT.key).is_lost(parent_object()), "only a controller knows its parents without marks"


def test_a_parent_without_members_needs_no_record():
    assert PARENT.is_written(parent_object(), Inventory())
    assert not PARENT.is_written(parent_object(), SECRET)
    assert not PARENT.is_written(parent_object({TOOLING: "genreconcile-shops/v1"}), Inventory())
    assert not PARENT.is_written(None, Inventory())


def test_the_patch_writes_what_differs_and_tests_what_it_was_computed_from():
    tests = [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
    ]
    first = PARENT.patch(SECRET, parent_object())
    assert first[:2] == tests
    assert [(op["op"], op["path"]) for op in first[2:]] == [
        ("add", "/metadata/labels"),
        ("add", "/metadata/annotations"),
    ]
    marks = {"labels": first[2]["value"], "annotations": first[3]["value"]}
    assert marks["labels"] == {ID: PARENT.id}
    assert marks["annotations"].keys() == {TOOLING, KINDS, NAMESPACES}
    assert marks["annotations"][TOOLING].startswith("genreconcile-shops/v")
    assert PARENT.patch(SECRET, parent_object(**marks)) == tests
    theirs = {"labels": {"a": "b"}, "annotations": {**marks["annotations"], KINDS: "", "c": "d"}}
    assert PARENT.patch(SECRET, parent_object(**theirs))[2:] == [
        {"op": "add", "path": "/metadata/labels/applyset.kubernetes.io~1id", "value": PARENT.id},
        {"op": "add", "path": f"/metadata/annotations/{KINDS.replace('/', '~1')}", "value": "Secret"},
    ]


def test_the_version_that_wrote_the_record_stays():
    live = parent_object({TOOLING: "genreconcile-shops/v0.0.1", KINDS: "", NAMESPACES: ""}, {ID: PARENT.id})
    assert PARENT.is_written(live, Inventory())
    assert TOOLING.replace("/", "~1") not in str(PARENT.patch(SECRET, live))


def test_the_parent_that_was_meant():
    require_same(PARENT, "u")
    require_same(Parent(SHOP, PARENT.key), "whatever")
    for uid, told in (("", "it is gone"), ("v", "another object has its name, with the uid v")):
        with pytest.raises(ParentChanged, match=told):
            require_same(PARENT, uid)


# Members


def members(namespace="shop", **more):
    parent = ref(namespace).parent
    fields = {"namespaces": frozenset({"shop"}), "place": ref(namespace).place, "adopt": "never", **more}
    return Membership(parent.id, parent.key, parent.tool, "u", **fields)


def owner(uid="u", **more):
    return {"apiVersion": "shops.dev/v1", "kind": "Shop", "name": "x", "uid": uid, "controller": True, **more}


@pytest.mark.parametrize(
    ("reference", "is_parent"),
    [
        (owner(), True),
        (owner("earlier"), True),
        (owner("earlier", apiVersion="shops.dev/v1beta1"), True),
        (owner("earlier", apiVersion="tills.dev/v1"), False),
        (owner("earlier", kind="Till"), False),
        (owner("earlier", name="y"), False),
        (owner(""), False),
        ({}, False),
    ],
)
def test_which_references_name_the_parent(reference, is_parent):
    assert members().is_parent(reference, "shop") is is_parent
    assert members().is_earlier(reference, "shop") is (is_parent and reference["uid"] != "u")


def test_an_owner_is_in_its_dependents_own_namespace():
    assert not members().is_earlier(owner("earlier"), "other")
    assert members("").is_earlier(owner("earlier"), "other"), "or has no namespace"
    assert not Membership(PARENT.id, PARENT.key, PARENT.tool).is_earlier(owner("earlier"), "shop"), "there was none"


def test_references_to_earlier_parents():
    owners = [owner("e1"), owner("u"), owner("other", name="y"), "text", owner("e2")]
    live = {"metadata": {"namespace": "shop", "ownerReferences": owners}}
    assert members().outlived(live) == {"e1", "e2"}
    for malformed in ({}, {"metadata": {"ownerReferences": "text"}}):
        assert members().outlived(malformed) == frozenset()


def test_what_the_garbage_collector_takes_along():
    live = {"metadata": {"ownerReferences": [owner(controller=False)]}}
    leaving = members(is_leaving=True)
    assert leaving.is_left_to_collector(live, CONFIG)
    assert not members().is_left_to_collector(live, CONFIG)
    assert not leaving.is_left_to_collector({"metadata": {"ownerReferences": [owner("earlier")]}}, CONFIG)


def test_what_was_orphaned_is_left_alone_too():
    """The collector has taken the reference off; that there was one, the proof remembers."""
    expected = {"metadata": {"name": "a", "ownerReferences": [owner()]}}
    live = {"metadata": {**members().marked(expected, CONFIG)["metadata"], "ownerReferences": []}}
    leaving = members(is_leaving=True)
    assert leaving.is_left_to_collector(live, CONFIG)
    assert not leaving.is_left_to_collector(live, CONFIG._replace(name="b")), "a copied proof"
    assert not leaving.is_left_to_collector(marked(), CONFIG)


def marked(key=CONFIG, proof_of=CONFIG):
    annotations = {MEMBER: members().proof(proof_of)} if proof_of else {}
    return {"metadata": {"name": key.name, "labels": {PART_OF: PARENT.id}, "annotations": annotations}}


def test_a_member_for_sure():
    assert members().holds(marked(), CONFIG)
    assert not members().holds(marked(proof_of=None), CONFIG)
    assert not members().holds(marked(proof_of=CONFIG._replace(name="b")), CONFIG)
    assert not members().holds({"metadata": {"annotations": {MEMBER: members().proof(CONFIG)}}}, CONFIG)


@pytest.mark.parametrize(
    ("namespace", "given", "may"),
    [
        ("shop", {}, True),
        ("other", {}, False),
        ("other", {"namespaces": frozenset({"shop", "other"})}, False),
        ("other", {"namespaces": None}, False),
        ("other", {"namespaces": None, "place": ANYWHERE}, True),
        ("other", {"place": ANYWHERE}, False),
        ("", {}, False),
        ("", {"place": ANYWHERE}, True),
    ],
)
def test_a_member_is_where_the_controller_allows_it(namespace, given, may):
    assert members(**given).may_hold(marked(), CONFIG._replace(namespace=namespace)) is may


def test_an_expected_object_is_where_it_may_be():
    members().require_place(CONFIG, namespaced=True)
    members("").require_place(CONFIG._replace(namespace=""), namespaced=False)
    for found, key, namespaced, path in (
        (members(), CONFIG._replace(namespace="other"), True, "/metadata/namespace"),
        (members(), CONFIG._replace(namespace=""), False, "/kind"),
        (members(""), CONFIG._replace(namespace=""), True, "/metadata/namespace"),
    ):
        with pytest.raises(NoMember) as error:
            found.require_place(key, namespaced=namespaced)
        assert error.value.path == path
