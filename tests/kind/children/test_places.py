"""Where children may be: what a parent records, or what is forged or lost, widens nothing and loses nothing."""

import pytest

import genreconcile as gr
from genreconcile.errors import ChildConflict, NoMember
from genreconcile.ownership import Inventory
from genreconcile.settings import Settings
from support import objects
from support.children import (
    CONFIG,
    ID,
    KINDS,
    KNOWN,
    MANAGER,
    MEMBER,
    NAMESPACES,
    PART_OF,
    ROLE,
    SERVICE,
    TOOLING,
    cluster_role,
    error_of,
    live,
    plain,
    recorded,
    ref,
    service,
)
from support.deletion_ground import Recorded, statuses
from support.eventually import eventually

# Where children may be


def test_a_child_outside_the_allowed_namespaces_and_nothing_is_written(ground, reconciler, parent, other):
    there = ground.config("b", namespace=other, labels={})
    result = reconciler.reconcile_children([plain(ground, "a"), there], ref(parent))
    assert statuses(result) == {"a": "skipped", "b": "failed"}
    error = error_of(result, "b")
    assert isinstance(error, NoMember)
    assert (error.path, str(error)) == (
        "/metadata/namespace",
        (
            f"ConfigMap {other}/b: not usable: the children of ConfigMap {ground.namespace}/shop may not be in "
            f"namespace {other}; allow it by namespaces"
        ),
    )
    assert ground.cluster.writes == []
    for namespaces in ([other], "*"):
        allowed = ref(parent, namespaces=namespaces)
        assert set(statuses(reconciler.reconcile_children([plain(ground, "a"), there], allowed))) == {"a", "b"}
        assert recorded(ground) == ("ConfigMap", other)
    assert statuses(reconciler.reconcile_children([], ref(parent, namespaces=[other]))) == {
        "a": "deleted",
        "b": "deleted",
    }


def test_a_cluster_scoped_child_of_a_namespaced_parent(ground, reconciler, parent, other):
    role = cluster_role(ground)
    for namespaces in (None, [other]):
        error = error_of(reconciler.reconcile_children([role], ref(parent, namespaces=namespaces)), ground.namespace)
        assert isinstance(error, NoMember)
        assert "it has no namespace, and ConfigMap" in str(error)
    assert ground.cluster.writes == []
    everywhere = ref(parent, namespaces="*")
    assert statuses(reconciler.reconcile_children([role], everywhere)) == {ground.namespace: "created"}
    assert statuses(reconciler.reconcile_children([], everywhere)) == {ground.namespace: "deleted"}


def test_a_cluster_scoped_parent_has_children_everywhere(ground, reconciler, other):
    head = ground.apply("/api/v1/namespaces", objects.obj("v1", "Namespace", ground.namespace + "-head"))
    children = [plain(ground, "a"), ground.config("b", namespace=other, labels={}), cluster_role(ground)]
    result = reconciler.reconcile_children(children, ref(head))
    assert statuses(result) == {"a": "created", "b": "created", ground.namespace: "created"}
    nameless = objects.obj("v1", "ConfigMap", "c", data={})
    result = reconciler.reconcile_children([nameless], ref(head))
    assert "it names no namespace, and its parent has none" in str(error_of(result, "c"))
    assert statuses(reconciler.reconcile_children([], ref(head))) == dict.fromkeys(statuses_of(children), "deleted")


def statuses_of(children):
    return [child["metadata"]["name"] for child in children]


def test_a_child_without_a_namespace_is_in_its_parents(ground, reconciler, parent):
    reconciler.reconcile_children([objects.obj("v1", "ConfigMap", "a", data={})], ref(parent)).raise_for_failures()
    assert live(ground, "a")


# A hostile parent: what its annotations and labels say, and copies of marks


def hostile(ground, parent, **annotations):
    where = ground.path("configmaps", "shop")
    path = "/metadata/annotations"
    marks = {TOOLING: f"{MANAGER}/v0.1.0", **annotations}
    return ground.patch(where, {"op": "add", "path": path, "value": marks})


def forged(parent, kind, namespace, name):
    """The marks that a member of the parent's set would have at this place."""
    set_id = ref(parent).parent.id
    return {"labels": {PART_OF: set_id}, "annotations": {MEMBER: f"{set_id}:{kind}:{namespace}/{name}"}}


def forged_config(parent, namespace):
    return objects.config_map("b", namespace, metadata=forged(parent, "ConfigMap", namespace, "b"))


def test_a_record_of_every_kind_and_namespace_is_not_read(ground, reconciler, parent, other):
    """Not one list, watch or look-up more than without it, and no discovery for kinds that nobody has."""
    reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
    every = reconciler.cache.discovery.resources()
    kinds = {f"{gvk.kind}.{gvk.group}".rstrip(".") for gvk in (resource.gvk for resource in every)}
    assert {"Secret", "ClusterRole.rbac.authorization.k8s.io", "Namespace"} <= kinds
    nonsense = {f"Kind{number}.nowhere.example.com" for number in range(1000)}
    now = hostile(ground, parent, **{KINDS: ",".join(sorted(kinds | nonsense)), NAMESPACES: f"kube-system,{other},x"})
    ground.cluster.requests.clear()
    result = reconciler.reconcile_children([plain(ground, "b")], ref(parent), Settings(not_older_than=now))
    assert statuses(result) == {"b": "created", "a": "deleted"}
    assert result.warnings == ()
    assert result.looked_at == (gr.GVK("", "v1", "ConfigMap"),)
    asked = {path for method, path, *_ in ground.cluster.requests if method == "GET"}
    assert asked == set()
    assert set(reconciler.cache.kinds()) == {gr.GVK("", "v1", "ConfigMap")}
    found = set(recorded(ground)[0].split(","))
    assert found == kinds | nonsense, "what is not read is neither believed nor forgotten"
    ground.cluster.requests.clear()
    assert statuses(reconciler.reconcile_children([plain(ground, "b")], ref(parent))) == {"b": "unchanged"}
    assert ground.cluster.requests == []


def test_members_forged_at_places_that_are_not_allowed_stay(ground, reconciler, parent, other):
    """As if their owners had been talked into it: even with both marks, another namespace is not the parent's."""
    reconciler.reconcile_children([plain(ground, "a"), service(ground)], ref(parent)).raise_for_failures()
    name = ground.namespace
    ground.post(forged_config(parent, other))
    role = cluster_role(ground, **forged(parent, "ClusterRole.rbac.authorization.k8s.io", "", name))
    ground.apply("/apis/rbac.authorization.k8s.io/v1/clusterroles", role)
    kinds = "ClusterRole.rbac.authorization.k8s.io,ConfigMap,Service"
    hostile(ground, parent, **{KINDS: kinds, NAMESPACES: other})
    known = Inventory(frozenset({CONFIG, SERVICE, ROLE}), frozenset({other}))
    for found in (ref(parent, known=known), ref(parent, known=known, namespaces=[ground.namespace])):
        with gr.Reconciler(Recorded(ground.admin), field_manager=MANAGER) as after:
            result = after.reconcile_children([plain(ground, "a"), service(ground)], found)
            assert statuses(result) == {"a": "unchanged", "web": "unchanged"}
            assert after.plan_children([], found).counts["delete"] == 2
            assert "ClusterRole" not in {gvk.kind for gvk in after.cache.kinds()}
            assert recorded(ground) == (kinds, other), "what is not read is not forgotten"
            assert result.warnings == ()
    assert live(ground, "b", namespace=other)
    assert ground.get(f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{name}")
    everywhere = ref(parent, known=known, namespaces="*")
    result = reconciler.reconcile_children([], everywhere, Settings(not_older_than=live(ground, "b", namespace=other)))
    assert statuses(result) == {"a": "deleted", "web": "deleted", "b": "deleted", name: "deleted"}


def test_a_child_that_fails_for_its_place_opens_no_namespace(ground, reconciler, parent, other):
    ground.post(forged_config(parent, other))
    plan = reconciler.plan_children([ground.config("c", namespace=other, labels={})], ref(parent))
    assert ([change.key.name for change in plan.changes], plan.spared) == (["c"], ())


def test_a_namespaced_cache_is_not_widened_either(ground, parent, other):
    hostile(ground, parent, **{KINDS: "ConfigMap", NAMESPACES: f"{other},kube-system"})
    with gr.Reconciler(ground.cluster, namespaces=[ground.namespace], field_manager=MANAGER) as narrow:
        result = narrow.reconcile_children([plain(ground, "a")], ref(parent, namespaces="*", known=KNOWN))
        assert (statuses(result), result.warnings) == ({"a": "created"}, ())
        assert statuses(narrow.reconcile_children([], ref(parent, namespaces="*", known=KNOWN))) == {"a": "deleted"}
    assert {path for _, path in ground.cluster.sent("GET") if other in path or "kube-system" in path} == set()
    assert recorded(ground)[1] == f"kube-system,{other}"


def test_a_copied_mark_makes_no_child(ground, reconciler, parent):
    reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
    member = live(ground, "a")["metadata"]
    ground.post(plain(ground, "label", labels=member["labels"]))
    ground.post(plain(ground, "both", labels=member["labels"], annotations=member["annotations"]))
    assert eventually(lambda: len(reconciler.plan_children([plain(ground, "a")], ref(parent)).spared) == 2)
    result = reconciler.reconcile_children([plain(ground, "a")], ref(parent))
    assert statuses(result) == {"a": "unchanged"}
    assert [warning.partition(":")[0] for warning in result.warnings] == [
        f"ConfigMap {ground.namespace}/{name}" for name in ("both", "label")
    ]
    result = reconciler.reconcile_children([plain(ground, "a"), plain(ground, "both")], ref(parent))
    assert isinstance(error_of(result, "both"), ChildConflict), "nor is it taken over when it is expected"


def test_marks_of_a_copied_parent_are_made_its_own(ground, reconciler, parent):
    """``kubectl get -o yaml`` with another name: its set is another one."""
    reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
    marks = live(ground)["metadata"]
    copy = ground.post(plain(ground, "copy", labels=marks["labels"], annotations=marks["annotations"]))
    result = reconciler.reconcile_children([plain(ground, "b")], ref(copy, known=KNOWN), Settings(not_older_than=copy))
    assert statuses(result) == {"b": "created"}
    assert live(ground, "copy")["metadata"]["labels"] == {ID: ref(copy).parent.id}
    assert ref(copy).parent.id != marks["labels"][ID]


def test_a_child_may_not_be_its_own_parent_nor_name_a_set(ground, reconciler, parent):
    mine = plain(ground, "a", labels={PART_OF: ref(parent).parent.id})
    for child, told in ((plain(ground, "shop"), "the parent of its own set"), (mine, "is set already")):
        (outcome,) = reconciler.reconcile_children([child], ref(parent))
        assert isinstance(outcome.error, NoMember)
        assert told in str(outcome.error)
    assert ground.cluster.writes == []


# A record that is lost


@pytest.mark.parametrize(
    "left",
    [None, {}, {KINDS: "ConfigMap"}, {KINDS: "ConfigMap", NAMESPACES: ""}, {KINDS: "", TOOLING: f"{MANAGER}/v1"}],
    ids=["no annotations", "none of ours", "kinds alone", "a kind is missing", "no kinds"],
)
def test_a_lost_record_is_made_again_before_anything_is_deleted(ground, parent, other, left):
    everywhere = {"namespaces": [other], "known": KNOWN}
    children = [plain(ground, "a"), service(ground), ground.config("b", namespace=other, labels={})]
    with gr.Reconciler(ground.admin, field_manager=MANAGER) as before:
        before.reconcile_children(children, ref(parent, **everywhere)).raise_for_failures()
    assert recorded(ground) == ("ConfigMap,Service", other)
    shop, path = ground.path("configmaps", "shop"), "/metadata/annotations"
    ground.patch(shop, {"op": "remove", "path": path} if left is None else {"op": "add", "path": path, "value": left})
    with gr.Reconciler(ground.cluster, field_manager=MANAGER) as after:
        result = after.reconcile_children(children[:1], ref(parent, **everywhere))
    assert statuses(result) == {"a": "unchanged", "web": "deleted", "b": "deleted"}
    written = [(method, path) for method, path, *_ in ground.cluster.requests if method != "GET"]
    assert written[0] == written[-1] == ("PATCH", shop)
    assert {method for method, _ in written[1:-1]} == {"DELETE"}
    where = f"{path}/{KINDS.replace('/', '~1')}"
    first = next(body for method, _, body, _ in ground.cluster.requests if method != "GET")
    texts = [op["value"][KINDS] if op["path"] == path else op["value"] for op in first if op["path"] in {path, where}]
    assert texts == ["ConfigMap,Service"]
    assert recorded(ground) == ("ConfigMap", "")
    assert live(ground)["metadata"]["annotations"][TOOLING].startswith("genreconcile-shops/")


class Crash(BaseException):
    """What no handler catches."""


class Crashing(Recorded):
    """Dies at one of its writes, before it is sent or after."""

    def __init__(self, cluster, at, *, sent):
        super().__init__(cluster)
        self.left, self.sent_first = at, sent

    def request(self, method, path, **options):
        if method == "GET":
            return super().request(method, path, **options)
        if self.left == 0 and not self.sent_first:
            raise Crash
        answer = super().request(method, path, **options)
        if self.left == 0:
            raise Crash
        self.left -= 1
        return answer


@pytest.mark.parametrize("sent", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(5))
def test_no_child_is_lost_in_a_crash_while_the_record_is_lost_as_well(ground, parent, at, sent):
    with gr.Reconciler(ground.admin, field_manager=MANAGER) as before:
        before.reconcile_children([plain(ground, "a"), service(ground)], ref(parent)).raise_for_failures()
    shop = ground.path("configmaps", "shop")
    ground.patch(shop, {"op": "remove", "path": "/metadata/annotations"})
    crashing = Crashing(ground.admin, at, sent=sent)
    known, account = ref(parent, known=KNOWN), objects.obj("v1", "ServiceAccount", "robot", ground.namespace)
    with pytest.raises(Crash), gr.Reconciler(crashing, field_manager=MANAGER, concurrency=1) as dying:
        dying.reconcile_children([account], known)
    with gr.Reconciler(ground.admin, field_manager=MANAGER) as after:
        kinds = Inventory(KNOWN.kinds | {("", "ServiceAccount")})
        after.reconcile_children([plain(ground, "c")], ref(parent, known=kinds)).raise_for_failures()
    assert ground.names() >= {"c", "shop"}
    assert ground.names() & {"a"} == ground.names("services") == set()
    assert "robot" not in ground.names("serviceaccounts")
    assert recorded(ground) == ("ConfigMap", "")


def test_a_lost_id_is_written_again(ground, reconciler, parent):
    reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
    now = ground.patch(ground.path("configmaps", "shop"), {"op": "remove", "path": "/metadata/labels"})
    result = reconciler.reconcile_children([plain(ground, "a")], ref(parent), Settings(not_older_than=now))
    assert statuses(result) == {"a": "unchanged"}
    assert live(ground)["metadata"]["labels"] == {ID: ref(parent).parent.id}


def test_a_known_kind_that_cannot_be_read_is_recorded_where_the_record_is_lost(ground, parent):
    class Blind(Recorded):
        def request(self, method, path, **options):
            if method == "GET" and path.endswith("/services"):
                raise gr.Forbidden("GET services: 403 Forbidden: no", status=403)
            return super().request(method, path, **options)

    with gr.Reconciler(ground.admin, field_manager=MANAGER) as before:
        before.reconcile_children([service(ground)], ref(parent)).raise_for_failures()
    ground.patch(ground.path("configmaps", "shop"), {"op": "remove", "path": "/metadata/annotations"})
    with gr.Reconciler(Blind(ground.admin), field_manager=MANAGER) as reconciler:
        result = reconciler.reconcile_children([plain(ground, "a")], ref(parent, known=KNOWN))
        assert statuses(result) == {"a": "created"}
        assert result.warnings[0].startswith("v1/Service: nothing deleted: the kind cannot be read: ")
        assert recorded(ground)[0] == "ConfigMap,Service"
    with gr.Reconciler(ground.cluster, field_manager=MANAGER) as reconciler:
        result = reconciler.reconcile_children([plain(ground, "a")], ref(parent, known=KNOWN))
        assert statuses(result) == {"a": "unchanged", "web": "deleted"}
        assert recorded(ground)[0] == "ConfigMap"
