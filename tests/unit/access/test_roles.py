"""Rights → Roles: pure."""

import pytest

from genreconcile.access import Right, Subject, Use, deleting, manifests, reading, told, writing
from genreconcile.access.notes import notes
from genreconcile.kinds.discovery import Resource
from genreconcile.objects import GVK, ObjectKey

VERBS = frozenset({"get", "list", "watch", "create", "patch", "delete"})
WIDGETS = Resource(GVK("example.com", "v1", "Widget"), "widgets", namespaced=True, verbs=VERBS)
GADGETS = Resource(GVK("example.com", "v1", "Gadget"), "gadgets", namespaced=True, verbs=VERBS)
PLANETS = Resource(GVK("example.com", "v1", "Planet"), "planets", namespaced=False, verbs=VERBS)
KEY = ObjectKey("example.com", "Widget", "shop", "a")


def rules(*rights):
    return [role["rules"] for role in manifests(rights, "least")]


def test_a_kind_is_read_in_each_namespace_or_in_the_cluster():
    assert {(right.verb, right.namespace) for right in reading(WIDGETS, ["a", "b"])} == {
        ("list", "a"), ("watch", "a"), ("list", "b"), ("watch", "b")
    }  # fmt: skip
    for resource, namespaces in ((WIDGETS, None), (PLANETS, ["a"])):
        assert {right.namespace for right in reading(resource, namespaces)} == {""}


@pytest.mark.parametrize(
    ("use", "verbs"),
    [
        (Use("read"), []),
        (Use("read", verifies=True), ["patch"]),
        (Use("write"), ["create", "get", "patch"]),
        (Use("write", recreates=True), ["create", "get", "patch", "delete"]),
        (Use("read", recreates=True), []),
    ],
)
def test_writing_takes_what_is_sent(use, verbs):
    found = list(writing(WIDGETS, KEY, use))
    assert [right.verb for right in found] == verbs
    assert {right.name for right in found if right.verb != "create"} <= {"a"}
    assert all(not right.name for right in found if right.verb == "create"), "no name can limit a create"


def test_a_verb_that_the_server_does_not_serve_is_no_right():
    few = Resource(WIDGETS.gvk, "widgets", namespaced=True, verbs=frozenset({"list", "watch", "create"}))
    assert [right.verb for right in writing(few, KEY, Use(recreates=True))] == ["create"]
    assert list(deleting(few, "shop", Use())) == []


@pytest.mark.parametrize(("level", "asks", "verbs"), [("write", False, ["delete"]), ("write", True, ["get", "delete"])])
def test_deletion_takes_a_look_where_the_maker_decides(level, asks, verbs):
    found = list(deleting(WIDGETS, "shop", Use(level), asks=asks))
    assert found == [Right(verb, "example.com", "widgets", "shop") for verb in verbs]
    assert list(deleting(WIDGETS, "shop", Use("read"))) == []


def test_resources_with_the_same_verbs_share_a_rule_and_names_never_mix():
    both = [*reading(WIDGETS, ["shop"]), *reading(GADGETS, ["shop"])]
    named = [
        Right("patch", "example.com", "widgets", "shop", "a"),
        Right("patch", "example.com", "gadgets", "shop", "b"),
    ]
    assert rules(*both, *named) == [
        [
            {"apiGroups": ["example.com"], "resources": ["gadgets", "widgets"], "verbs": ["list", "watch"]},
            {"apiGroups": ["example.com"], "resources": ["gadgets"], "verbs": ["patch"], "resourceNames": ["b"]},
            {"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": ["patch"], "resourceNames": ["a"]},
        ]
    ]


def test_what_holds_more_widely_is_granted_once():
    wide, narrow = Right("delete", "", "pods", "shop"), Right("delete", "", "pods", "shop", "a")
    assert rules(wide, narrow) == [[{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}]]
    assert len(manifests([Right("list", "", "pods"), Right("list", "", "pods", "shop")], "least")) == 1


def test_bindings_name_the_subject():
    rights = [Right("list", "", "pods", "shop"), Right("list", "", "nodes")]
    made = manifests(rights, "least", Subject("serviceaccount", "bot", "ops"))
    assert [item["kind"] for item in made] == ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
    assert made[3]["metadata"] == {"name": "least", "namespace": "shop"}
    assert made[3]["subjects"] == [{"kind": "ServiceAccount", "name": "bot", "namespace": "ops"}]
    assert made[3]["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "least"}
    assert made[1]["roleRef"]["kind"] == "ClusterRole"


def test_missing_rights_are_told_in_few_words():
    missing = [Right(verb, "apps", "deployments", "shop", name) for verb in ("get", "patch") for name in "abcde"]
    missing += [Right("list", "", "nodes")]
    assert told(missing) == "get, patch deployments.apps a, b, c and 2 more in shop; list nodes in the cluster"


def test_what_a_role_cannot_cover_is_told():
    meta = {"name": "x", "namespace": "shop"}
    objects = [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta},
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {**meta, "name": "y"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta},
    ]
    binding, secrets = notes(objects)
    assert "may bind that role" in binding
    assert secrets.startswith("Secret: whoever may list")
    assert (binding.code, secrets.code) == ("GR616", "GR617")
