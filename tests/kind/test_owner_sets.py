"""Owner sets on a real server: what left the set goes, also after a restart, and copied labels make nothing ours."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

import genreconcile as gr
from genreconcile.errors import PlanRefused
from support import objects
from support.deletion_ground import Ground, Recorded, statuses
from support.eventually import eventually
from support.objects import definition, obj, version

PART_OF = "applyset.kubernetes.io/part-of"
TOOLING = "applyset.kubernetes.io/tooling"
KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
MEMBER = "genreconcile.dev/member"


@pytest.fixture
def ground(control_plane, namespace):
    return Ground(control_plane, namespace)


@pytest.fixture
def settings(ground):
    return {"namespace": ground.namespace, "owner": "configmaps/shop"}


@pytest.fixture
def reconciler(ground):
    with gr.Reconciler(ground.cluster) as reconciler:
        yield reconciler


def service(ground, name="web"):
    return objects.service(name, ground.namespace)


def parent(ground):
    return ground.get(ground.path("configmaps", "shop"))["metadata"]


def recorded(ground):
    annotations = parent(ground)["annotations"]
    return annotations[KINDS], annotations[NAMESPACES]


def plain(ground, name, **metadata):
    return ground.config(name, labels={}, metadata=metadata)


def test_what_leaves_the_set_goes_whatever_its_kind(ground, reconciler, settings):
    first = reconciler.reconcile([plain(ground, "a"), service(ground)], **settings)
    assert statuses(first) == {"a": "created", "web": "created"}
    assert recorded(ground) == ("ConfigMap,Service", "")
    live = ground.get(ground.path("services", "web"))["metadata"]
    set_id = parent(ground)["labels"]["applyset.kubernetes.io/id"]
    assert live["labels"] == {PART_OF: set_id}
    assert live["annotations"] == {MEMBER: f"{set_id}:Service:{ground.namespace}/web"}
    second = reconciler.reconcile([plain(ground, "a")], **settings)
    assert statuses(second) == {"a": "unchanged", "web": "deleted"}
    assert recorded(ground) == ("ConfigMap", "")
    assert parent(ground)["annotations"][TOOLING].startswith("genreconcile/v")


def test_a_kind_that_vanished_is_cleaned_up_after_a_restart(ground, settings):
    with gr.Reconciler(ground.cluster) as before:
        before.reconcile([plain(ground, "a"), service(ground)], **settings).raise_for_failures()
    with gr.Reconciler(ground.cluster) as after:
        assert statuses(after.reconcile([plain(ground, "a")], **settings)) == {"a": "unchanged", "web": "deleted"}
    assert ground.names("services") == set()


def test_a_reconcile_with_nothing_to_do_sends_no_request(ground, reconciler, settings):
    expected = [plain(ground, "a"), service(ground)]
    reconciler.reconcile(expected, **settings).raise_for_failures()
    assert statuses(reconciler.reconcile(expected, **settings)) == {"a": "unchanged", "web": "unchanged"}
    ground.cluster.requests.clear()
    for _ in range(5):
        assert statuses(reconciler.reconcile(expected, **settings)) == {"a": "unchanged", "web": "unchanged"}
    assert ground.cluster.requests == []


def test_the_parent_is_written_before_and_after(ground, reconciler, settings):
    """A crash at any point leaves a record that covers every member."""
    reconciler.reconcile([plain(ground, "a")], **settings).raise_for_failures()
    ground.cluster.requests.clear()
    reconciler.reconcile([service(ground)], **settings).raise_for_failures()
    shop = ground.path("configmaps", "shop")
    written = [(method, path) for method, path, *_ in ground.cluster.requests if method != "GET"]
    assert written == [
        ("PATCH", shop),
        ("POST", ground.path("services")),
        ("DELETE", ground.path("configmaps", "a")),
        ("PATCH", shop),
    ]
    patches = [body for _, path, body, _ in ground.cluster.requests if path == shop]
    where = f"/metadata/annotations/{KINDS.replace('/', '~1')}"
    assert [op["value"] for body in patches for op in body if op["path"] == where] == ["ConfigMap,Service", "Service"]
    tested = [[op["path"] for op in body if op["op"] == "test"] for body in patches]
    assert tested == [["/metadata/uid", "/metadata/resourceVersion"]] * 2, "each names what it was computed from"


def test_a_set_over_several_namespaces_and_cluster_scoped_kinds(ground, reconciler, settings, control_plane):
    other = control_plane.create_namespace(ground.namespace + "-other")
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": []}
    role["metadata"] = {"name": ground.namespace}
    there = ground.config("b", namespace=other, labels={})
    expected = [plain(ground, "a"), there, role]
    reconciler.reconcile(expected, **settings).raise_for_failures()
    assert recorded(ground) == ("ClusterRole.rbac.authorization.k8s.io,ConfigMap", other)
    with gr.Reconciler(ground.cluster) as after:
        result = after.reconcile([plain(ground, "a")], **settings)
    assert statuses(result) == {"a": "unchanged", "b": "deleted", ground.namespace: "deleted"}
    assert recorded(ground) == ("ConfigMap", "")


def test_a_namespace_of_the_set_that_is_not_watched_stays_recorded(ground, reconciler, settings, control_plane):
    other = control_plane.create_namespace(ground.namespace + "-other")
    there = service(ground, "b")
    there["metadata"]["namespace"] = other
    reconciler.reconcile([plain(ground, "a"), there], **settings).raise_for_failures()
    with gr.Reconciler(ground.cluster, namespaces=[ground.namespace]) as narrow:
        result = narrow.reconcile([plain(ground, "a")], **settings)
        assert statuses(result) == {"a": "unchanged"}
        (warning,) = result.warnings
        assert warning == (
            f"namespace {other}: nothing deleted: the owner set has members there, and it is not watched; "
            "add it to namespaces"
        )
    assert recorded(ground) == ("ConfigMap,Service", other), "nobody knows which kinds have members there"
    assert eventually(lambda: reconciler.plan([plain(ground, "a")], **settings).counts["delete"] == 1)


def test_a_kind_that_cannot_be_read_stays_recorded_with_all_namespaces(ground, settings, control_plane):
    other = control_plane.create_namespace(ground.namespace + "-other")
    there = service(ground, "b")
    there["metadata"]["namespace"] = other
    with gr.Reconciler(ground.cluster) as reconciler:
        reconciler.reconcile([plain(ground, "a"), there], **settings).raise_for_failures()

    class Blind(Recorded):
        def request(self, method, path, **options):
            if method == "GET" and path == "/api/v1/services":
                raise gr.Forbidden("GET /api/v1/services: 403 Forbidden: no", status=403)
            return super().request(method, path, **options)

    with gr.Reconciler(Blind(ground.admin)) as reconciler:
        result = reconciler.reconcile([plain(ground, "a")], **settings)
        assert statuses(result) == {"a": "unchanged"}
        assert result.warnings[0].startswith("v1/Service: nothing deleted: the kind cannot be read: ")
        assert recorded(ground) == ("ConfigMap,Service", other)
    with gr.Reconciler(ground.cluster) as reconciler:
        assert statuses(reconciler.reconcile([plain(ground, "a")], **settings)) == {"a": "unchanged", "b": "deleted"}
        assert recorded(ground) == ("ConfigMap", "")


def test_one_list_and_one_watch_per_kind_also_where_the_parents_kind_is_expected(ground, settings):
    # In a namespace of its own, for a long list comes in several pages.
    with gr.Reconciler(ground.cluster, namespaces=[ground.namespace]) as reconciler:
        reconciler.reconcile([plain(ground, "a")], **settings).raise_for_failures()
    lists = [path for method, path in ground.cluster.sent("GET") if path.endswith("/configmaps")]
    assert lists == [f"/api/v1/namespaces/{ground.namespace}/configmaps"]


def test_a_parent_whose_namespace_the_set_brings_says_what_to_do(ground, reconciler, settings):
    name = ground.namespace + "-new"
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    with pytest.raises(gr.NotFound, match="create its namespace first, for the set cannot bring that itself"):
        reconciler.reconcile([made], **{**settings, "namespace": name})
    assert ground.cluster.sent("PATCH", "DELETE") == []


def test_scenario_22_copied_labels_make_nothing_ours(ground, reconciler, settings):
    """Not with an owner, nor without; not with all annotations copied; not in another namespace."""
    reconciler.reconcile([plain(ground, "a")], **settings).raise_for_failures()
    member = ground.get(ground.path("configmaps", "a"))["metadata"]
    copied = {"labels": member["labels"], "annotations": member["annotations"]}
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": member["uid"]}
    ground.post(plain(ground, "labels", labels=member["labels"]))
    ground.post(plain(ground, "everything", **copied))
    ground.post(plain(ground, "owned", **copied, ownerReferences=[reference]))
    ground.post(plain(ground, "controlled", **copied, ownerReferences=[{**reference, "controller": True}]))
    assert eventually(lambda: len(reconciler.plan([plain(ground, "a")], **settings).spared) == 4)
    result = reconciler.reconcile([plain(ground, "a")], **settings)
    assert statuses(result) == {"a": "unchanged"}
    assert [warning.partition(":")[0] for warning in result.warnings] == [
        f"ConfigMap {ground.namespace}/{name}" for name in ("everything", "labels", "owned")
    ]
    assert "nothing else says that it is a member; take the label off, or delete it yourself" in result.warnings[0]
    assert {warning.code for warning in result.warnings} == {"GR814"}
    assert ground.cluster.sent("DELETE") == []
    # The parent's own owner may delete what it controls.
    assert ground.names() >= {"labels", "everything", "owned", "controlled"}


def test_a_member_without_its_annotation_is_repaired_and_not_lost(ground, reconciler, settings):
    reconciler.reconcile([plain(ground, "a")], **settings).raise_for_failures()
    ground.patch(ground.path("configmaps", "a"), {"op": "remove", "path": "/metadata/annotations"})
    assert eventually(lambda: reconciler.plan([plain(ground, "a")], **settings).counts["update"] == 1)
    assert statuses(reconciler.reconcile([plain(ground, "a")], **settings)) == {"a": "configured"}
    assert statuses(reconciler.reconcile([service(ground)], **settings))["a"] == "deleted"


def test_a_member_of_another_set_is_not_taken(ground, reconciler, settings):
    reconciler.reconcile([plain(ground, "a")], **settings).raise_for_failures()
    other = {**settings, "owner": "configmaps/other"}
    result = reconciler.reconcile([plain(ground, "a"), plain(ground, "b")], **other)
    assert statuses(result) == {"a": "failed", "b": "created"}
    told = str(result.failures[0].error)
    assert told.startswith(f"ConfigMap {ground.namespace}/a: not taken into the owner set: it is a member of applyset-")
    assert result.failures[0].error.code == "GR817"
    assert statuses(reconciler.reconcile([plain(ground, "a")], **settings)) == {"a": "unchanged"}


def test_the_guards_hold_for_sets_too(ground, reconciler, settings):
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ground.namespace + "-made"}}
    kept = plain(ground, "kept", annotations={"genreconcile.dev/prune": "disabled"})
    reconciler.reconcile([plain(ground, "a"), namespace, kept], **settings).raise_for_failures()
    with pytest.raises(PlanRefused, match="owner configmaps/shop: nothing deleted: no object is expected, so all 1"):
        reconciler.reconcile([], **settings)
    assert recorded(ground)[0] == "ConfigMap,Namespace"
    result = reconciler.reconcile([], allow_empty=True, **settings)
    assert statuses(result) == {"a": "deleted", "kept": "skipped", ground.namespace + "-made": "skipped"}
    assert recorded(ground)[0] == "ConfigMap,Namespace", "what was left alone is still known"
    result = reconciler.reconcile([], delete_kinds=["Namespace"], **settings, allow_empty=True)
    assert statuses(result) == {"kept": "skipped", ground.namespace + "-made": "deleted"}
    assert recorded(ground)[0] == "ConfigMap"


def test_deletions_that_fail_stay_recorded(ground, reconciler, settings):
    reconciler.reconcile([plain(ground, "a"), service(ground)], **settings).raise_for_failures()
    bad = {**plain(ground, "bad"), "dat": {}}
    assert statuses(reconciler.reconcile([bad], **settings)) == {"bad": "failed", "a": "skipped", "web": "skipped"}
    assert recorded(ground) == ("ConfigMap,Service", "")
    assert statuses(reconciler.reconcile([plain(ground, "a")], **settings))["web"] == "deleted"


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({}, f"it exists and is no parent of a set, for its annotation {TOOLING} is missing"),
        ({TOOLING: "helm/v3"}, "it belongs to helm/v3; choose another parent"),
        ({TOOLING: "kubectl/v1.32.0", KINDS: ""}, "it belongs to kubectl/v1.32.0; choose another parent, or share"),
        ({TOOLING: "genreconcile/v0.1.0", KINDS: ""}, "its label applyset.kubernetes.io/id is missing"),
    ],
    ids=["no set", "helm", "kubectl", "no id"],
)
def test_another_tools_set_is_refused_before_anything_is_written(ground, reconciler, settings, annotations, told):
    ground.post(plain(ground, "shop", annotations=annotations))
    with pytest.raises(PlanRefused) as refused:
        reconciler.reconcile([plain(ground, "a")], **settings)
    assert str(refused.value).startswith(f"ConfigMap {ground.namespace}/shop: not usable as an owner: {told}")
    assert ground.cluster.writes == []


def test_a_plan_of_a_set_writes_nothing_and_a_dry_run_neither(ground, reconciler, settings):
    plan = reconciler.plan([plain(ground, "a")], **settings)
    assert plan.counts["create"] == 1
    assert plan.owner.inventory.kinds == {("", "ConfigMap")}
    assert ground.cluster.writes == []
    assert statuses(reconciler.apply(plan, dry_run=True)) == {"a": "created"}
    assert all(query.get("dryRun") == "All" for method, *_, query in ground.cluster.requests if method != "GET")
    assert ground.names() & {"a", "shop"} == set()
    assert statuses(reconciler.apply(plan)) == {"a": "created"}
    assert ground.names() >= {"a", "shop"}


def test_two_who_begin_the_same_set_at_once_lose_nothing(ground, settings):
    """Both have seen no parent; whoever comes second adds to the record of the first."""
    with gr.Reconciler(ground.cluster) as one, gr.Reconciler(Recorded(ground.admin)) as two:
        first = one.plan([plain(ground, "a")], **settings)
        second = two.plan([service(ground)], **settings)
        two._applier.parents.widen(second.owner)
        one._applier.parents.widen(first.owner)
        assert recorded(ground) == ("ConfigMap,Service", "")


def test_what_somebody_else_records_meanwhile_stays_recorded(ground, reconciler, settings):
    """Whoever is done first does not forget the members that the other is about to make."""
    reconciler.reconcile([plain(ground, "a"), plain(ground, "b")], **settings).raise_for_failures()
    plan = reconciler.plan([plain(ground, "a")], **settings)
    with gr.Reconciler(Recorded(ground.admin)) as other:
        other._applier.parents.widen(other.plan([plain(ground, "a"), service(ground)], **settings).owner)
    seen = parent(ground)["resourceVersion"]
    assert eventually(lambda: cached_version(reconciler, ground) == seen)
    assert statuses(reconciler.apply(plan)) == {"a": "unchanged", "b": "deleted"}
    assert recorded(ground) == ("ConfigMap,Service", "")


def cached_version(reconciler, ground):
    return reconciler.cache.get("v1/ConfigMap", "shop", namespace=ground.namespace)["metadata"]["resourceVersion"]


def test_a_parent_that_cannot_be_written_stops_everything(ground, settings):
    cluster = Recorded(ground.admin)

    class Refusing(Recorded):
        def request(self, method, path, **options):
            if method == "POST" and json.loads(options["body"])["metadata"]["name"] == "shop":
                raise gr.Forbidden("POST: 403 Forbidden: no", status=403)
            return super().request(method, path, **options)

    cluster = Refusing(ground.admin)
    with gr.Reconciler(cluster) as reconciler, pytest.raises(gr.Forbidden) as error:
        reconciler.reconcile([plain(ground, "a")], **settings)
    place = f"ConfigMap {ground.namespace}/shop"
    assert str(error.value) == f"{place}: the owner set is not recorded: POST: 403 Forbidden: no; nothing was written"
    assert "a" not in ground.names()


@pytest.fixture
def shops(ground):
    """A kind whose definition does not have the label of parents."""
    group = f"{ground.namespace}.shops.dev"
    with gr.Reconciler(ground.admin) as admin:
        admin.reconcile([definition(group, version(), kind="Shop")]).raise_for_failures()
        admin.reconcile([obj(f"{group}/v1", "Shop", "mine", ground.namespace)]).raise_for_failures()
    return group


def test_a_custom_resource_as_parent_of_what_it_controls(ground, settings, shops):
    """The way of an operator: its own resource is the owner, in both senses."""
    settings = {**settings, "owner": f"shops.{shops}/mine"}
    with gr.Reconciler(ground.cluster) as reconciler:
        uid = ground.get(ground.path("shops", "mine", group=f"{shops}/v1"))["metadata"]["uid"]
        owner = {"apiVersion": f"{shops}/v1", "kind": "Shop", "name": "mine", "uid": uid, "controller": True}
        children = [plain(ground, name, ownerReferences=[owner]) for name in "ab"]
        assert statuses(reconciler.reconcile(children, **settings)) == {"a": "created", "b": "created"}
        live = ground.get(ground.path("shops", "mine", group=f"{shops}/v1"))["metadata"]
        assert live["annotations"][KINDS] == "ConfigMap"
        assert statuses(reconciler.reconcile(children[:1], **settings)) == {"a": "unchanged", "b": "deleted"}
        with pytest.raises(PlanRefused, match="there is no such object; create it first"):
            reconciler.plan(children, **{**settings, "owner": f"shops.{shops}/other"})


def test_a_custom_resource_whose_set_kubectl_shares_needs_the_label(ground, settings, shops):
    settings = {**settings, "owner": f"shops.{shops}/mine", "owner_tool": "kubectl"}
    with gr.Reconciler(ground.cluster) as reconciler:
        with pytest.raises(PlanRefused, match=r"does not have the label applyset.kubernetes.io/is-parent-type; set it"):
            reconciler.plan([], **settings)
        where = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/shops.{shops}"
        label = {"applyset.kubernetes.io/is-parent-type": ""}
        ground.patch(where, {"op": "add", "path": "/metadata/labels", "value": label})
        assert statuses(reconciler.reconcile([plain(ground, "a")], **settings)) == {"a": "created"}
        mine = ground.get(ground.path("shops", "mine", group=f"{shops}/v1"))["metadata"]
        assert (mine["annotations"][TOOLING], mine["annotations"][KINDS]) == ("kubectl/v1.27.0", "ConfigMap")
        managers = {(entry["manager"], entry["operation"]) for entry in mine["managedFields"]}
        assert ("kubectl-applyset", "Apply") in managers, "as kubectl itself writes it"


@pytest.mark.parametrize("kind", ["ServiceAccount", "Service"])
def test_a_built_in_object_of_any_kind_as_parent(ground, reconciler, settings, kind):
    plural = f"{kind.lower()}s"
    made = service(ground, "head") if kind == "Service" else objects.obj("v1", kind, "head", ground.namespace)
    ground.post(made, plural)
    settings = {**settings, "owner": f"{plural}/head"}
    assert statuses(reconciler.reconcile([plain(ground, "a")], **settings)) == {"a": "created"}
    assert statuses(reconciler.reconcile([plain(ground, "b")], **settings)) == {"b": "created", "a": "deleted"}
    with pytest.raises(PlanRefused, match="is-parent-type"):
        reconciler.plan([], **settings, owner_tool="kubectl")


@pytest.mark.parametrize(
    ("owner", "told"),
    [
        ("widgets/x", "the server has no resource widgets"),
        ("configmaps/", "is no name of an object"),
        ("a/b/c", "is no name of an object"),
        ("/x", "is no name of an object"),
    ],
)
def test_an_owner_that_is_none(reconciler, settings, owner, told):
    with pytest.raises(gr.LoadError, match=told):
        reconciler.plan([], **{**settings, "owner": owner})


def test_what_cannot_be_meant_is_refused(reconciler, settings):
    with pytest.raises(gr.LoadError, match="give one of them"):
        reconciler.plan([], **settings, delete_from_namespace="shop", delete_selector="a=b")
    with pytest.raises(gr.LoadError, match="'helm' cannot be shared"):
        reconciler.plan([], **settings, owner_tool="helm")


def test_a_kind_by_its_singular_name_and_the_default_kind(ground, reconciler, settings):
    reconciler.reconcile([plain(ground, "a")], **{**settings, "owner": "configmap/shop"}).raise_for_failures()
    assert recorded(ground) == ("ConfigMap", "")
    reconciler.reconcile([plain(ground, "b")], **{**settings, "owner": "hidden"}).raise_for_failures()
    assert ground.get(ground.path("secrets", "hidden"))["metadata"]["annotations"][KINDS] == "ConfigMap"


def test_the_parent_and_labelled_objects_cannot_be_expected(ground, reconciler, settings):
    mine = plain(ground, "a", labels={PART_OF: "x"})
    result = reconciler.reconcile([plain(ground, "shop"), mine, plain(ground, "b")], **settings)
    assert statuses(result) == {"shop": "failed", "a": "failed", "b": "created"}
    told = {outcome.key.name: str(outcome.error) for outcome in result.failures}
    assert "it is the parent of its own set; leave it out" in told["shop"]
    assert f"its label {PART_OF} is set already" in told["a"]


def test_a_kind_whose_definition_is_gone_leaves_the_set(ground, settings, shops):
    shop = {"apiVersion": f"{shops}/v1", "kind": "Shop", "metadata": {"name": "s", "namespace": ground.namespace}}
    with gr.Reconciler(ground.cluster) as reconciler:
        reconciler.reconcile([plain(ground, "a"), shop], **settings).raise_for_failures()
    assert recorded(ground)[0] == f"ConfigMap,Shop.{shops}"
    where = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/shops.{shops}"
    ground.delete(where)
    assert eventually(lambda: is_gone(ground, where))
    with gr.Reconciler(ground.cluster) as reconciler:
        assert eventually(lambda: reconciler.plan([plain(ground, "a")], **settings).warnings)
        result = reconciler.reconcile([plain(ground, "a")], **settings)
        why = "the server does not have the kind any more, so that it leaves the owner set"
        assert result.warnings == (f"Shop.{shops}: nothing deleted: {why}",)
        assert result.warnings[0].code == "GR813"
        assert recorded(ground)[0] == "ConfigMap"
        assert reconciler.reconcile([plain(ground, "a")], **settings).warnings == ()


def is_gone(ground, path):
    try:
        ground.get(path)
    except gr.NotFound:
        return True
    return False


def test_many_who_work_on_one_set_at_once(ground, settings):
    """The parent, too, is written by all of them: no write is lost, none fails, and nothing is deleted."""
    expected = [plain(ground, name) for name in "abc"] + [service(ground)]
    clusters = [Recorded(ground.admin) for _ in range(4)]

    def work(cluster):
        with gr.Reconciler(cluster) as reconciler:
            return [reconciler.reconcile(expected, **settings) for _ in range(3)]

    with ThreadPoolExecutor(len(clusters)) as pool:
        results = [result for found in pool.map(work, clusters) for result in found]
    assert [str(outcome) for result in results for outcome in result.failures] == []
    assert [cluster.sent("DELETE") for cluster in clusters] == [[]] * 4
    assert recorded(ground) == ("ConfigMap,Service", "")
    created = [str(outcome.key) for result in results for outcome in result if outcome.status == "created"]
    assert sorted(created) == sorted(set(created)), "each object is created once"
