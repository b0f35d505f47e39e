"""Parents that go or come again, parents that are children, and the guards of what is deleted."""

import pytest

import genreconcile as gr
from genreconcile.errors import ParentChanged, PlanRefused
from genreconcile.settings import Settings
from support import objects
from support.children import (
    ID,
    KINDS,
    MANAGER,
    MEMBER,
    NAMESPACES,
    PART_OF,
    TOOLING,
    claim,
    error_of,
    live,
    plain,
    ref,
    reference,
    service,
)
from support.deletion_ground import Recorded, statuses
from support.eventually import eventually

# The uid of the parent


def test_no_write_for_a_parent_that_is_gone_or_another_one(ground, reconciler, parent):
    reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
    ground.delete(ground.path("configmaps", "shop"))
    assert eventually(lambda: cached(reconciler, ground) is None)
    ground.cluster.requests.clear()
    with pytest.raises(
        ParentChanged, match=r"the parent ConfigMap \S+/shop with the uid \S+ is not there .*: it is gone"
    ):
        reconciler.reconcile_children([plain(ground, "b")], ref(parent))
    now = ground.post(plain(ground, "shop"))
    with pytest.raises(ParentChanged, match=f"another object has its name, with the uid {now['metadata']['uid']}"):
        reconciler.reconcile_children([], ref(parent), Settings(not_older_than=now))
    assert ground.cluster.writes == []


class Meddling(Recorded):
    """Does something to the parent just after the write of one child, and waits until the cache has seen it."""

    def __init__(self, cluster, name, meddle):
        super().__init__(cluster)
        self.name, self.meddle = name, meddle

    def request(self, method, path, **options):
        answer = super().request(method, path, **options)
        if method == "POST" and f'"name":"{self.name}"'.encode() in options["body"]:
            self.meddle()
        return answer


@pytest.mark.parametrize("how", ["gone", "anew"])
def test_the_uid_is_looked_at_before_each_create(ground, parent, how):
    def meddle():
        ground.delete(ground.path("configmaps", "shop"))
        if how == "anew":
            ground.post(plain(ground, "shop"))
        assert eventually(lambda: not is_there(reconciler, ground, parent))

    with gr.Reconciler(Meddling(ground.admin, "a", meddle), field_manager=MANAGER, concurrency=1) as reconciler:
        reconciler.reconcile_children([plain(ground, "old")], ref(parent)).raise_for_failures()
        result = reconciler.reconcile_children([plain(ground, "a"), plain(ground, "b")], ref(parent))
    assert statuses(result) == {"a": "created", "b": "failed", "old": "skipped"}
    assert isinstance(error_of(result, "b"), ParentChanged)
    assert "is not there any more" in str(error_of(result, "b"))
    assert {"a", "old"} <= ground.names()
    assert "b" not in ground.names()
    if how == "anew":
        assert PART_OF not in str(live(ground)["metadata"]), "the new parent is not written for the old one's children"


def cached(reconciler, ground):
    return reconciler.cache.get("v1/ConfigMap", "shop", namespace=ground.namespace)


def is_there(reconciler, ground, parent):
    found = cached(reconciler, ground)
    return found is not None and found["metadata"]["uid"] == parent["metadata"]["uid"]


def test_nothing_is_created_for_a_parent_that_is_being_deleted(ground):
    parent = ground.post(plain(ground, "shop", finalizers=["example.com/wait"]))

    def meddle():
        ground.delete(ground.path("configmaps", "shop"))
        assert eventually(lambda: "deletionTimestamp" in cached(reconciler, ground)["metadata"])

    with gr.Reconciler(Meddling(ground.admin, "a", meddle), field_manager=MANAGER, concurrency=1) as reconciler:
        result = reconciler.reconcile_children([plain(ground, "a"), plain(ground, "b")], ref(parent))
        assert statuses(result) == {"a": "created", "b": "failed"}
        assert isinstance(error_of(result, "b"), ParentChanged)
        with pytest.raises(PlanRefused, match="it is being deleted"):
            reconciler.reconcile_children([plain(ground, "a")], ref(parent))


class Late(Recorded):
    """Just before the first deletion the child changes, and its parent is gone."""

    def __init__(self, cluster, meddle):
        super().__init__(cluster)
        self.meddle, self.is_done = meddle, False

    def request(self, method, path, **options):
        if method == "DELETE" and not self.is_done:
            self.is_done = True
            self.meddle()
        return super().request(method, path, **options)


def test_a_deletion_that_met_a_change_is_not_tried_again_without_the_parent(ground, parent):
    def meddle():
        add = {"op": "add", "path": "/data", "value": {"k": "v"}}
        ground.patch(ground.path("configmaps", "a"), add)
        ground.delete(ground.path("configmaps", "shop"))
        assert eventually(lambda: cached(reconciler, ground) is None)

    late = Late(ground.admin, meddle)
    with gr.Reconciler(late, field_manager=MANAGER) as reconciler:
        reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
        result = reconciler.reconcile_children([], ref(parent))
    assert statuses(result) == {"a": "failed"}
    assert isinstance(error_of(result, "a"), gr.Conflict)
    assert len(late.sent("DELETE")) == 1
    assert "a" in ground.names()


def test_a_parent_that_another_tool_takes_meanwhile_is_left_to_it(ground, parent):
    where = "/metadata/annotations/applyset.kubernetes.io~1tooling"

    def meddle():
        now = ground.patch(ground.path("configmaps", "shop"), {"op": "add", "path": where, "value": "helm/v3"})
        version = now["metadata"]["resourceVersion"]
        assert eventually(lambda: cached(reconciler, ground)["metadata"]["resourceVersion"] == version)

    with gr.Reconciler(Meddling(ground.admin, "a", meddle), field_manager=MANAGER) as reconciler:
        result = reconciler.reconcile_children([plain(ground, "a")], ref(parent))
        (warning,) = result.warnings
        assert "helm/v3 has a set there already" in warning
        with pytest.raises(PlanRefused, match="helm/v3 has a set there already"):
            reconciler.reconcile_children([plain(ground, "a")], ref(parent))
    assert live(ground)["metadata"]["annotations"][TOOLING] == "helm/v3"


# A parent that goes


def test_of_a_parent_that_goes_the_members_without_reference_are_deleted_under_all_guards(ground, reconciler):
    parent = ground.post(plain(ground, "shop", finalizers=["example.com/wait"]))
    children = [
        plain(ground, "referring", ownerReferences=[reference(parent)]),
        plain(ground, "free"),
        plain(ground, "kept", annotations={"genreconcile.dev/prune": "disabled"}),
        claim(ground),
    ]
    reconciler.reconcile_children(children, ref(parent)).raise_for_failures()
    ground.delete(ground.path("configmaps", "shop"))
    now = live(ground)
    plan = reconciler.plan_children([], ref(parent), Settings(not_older_than=now))
    spared = {change.key.name: change.reason for change in plan.spared}
    assert spared == {"referring": "not deleted: its owner is being deleted, and the garbage collector sees to it"}
    result = reconciler.reconcile_children([], ref(parent))
    assert statuses(result) == {"free": "deleted", "kept": "skipped", "claim": "skipped"}
    assert ground.names() >= {"referring", "kept"}


# Composites


def test_a_parent_that_is_itself_a_child_makes_no_writes(ground, parent):
    """The one in the middle keeps its membership and its own set; 20 reconciles of both send no request."""
    middle = plain(ground, "middle", annotations={"mine": "x"}, ownerReferences=[reference(parent)])
    second = Recorded(ground.admin)
    with (
        gr.Reconciler(ground.cluster, field_manager="genreconcile-outer") as outer,
        gr.Reconciler(second, field_manager="genreconcile-inner") as inner,
    ):
        outer.reconcile_children([middle], ref(parent, "outer")).raise_for_failures()
        head = live(ground, "middle")
        leaf = plain(ground, "leaf", ownerReferences=[reference(head)])
        inner.reconcile_children([leaf, service(ground)], ref(head, "inner")).raise_for_failures()
        marks = live(ground, "middle")["metadata"]
        assert marks["labels"] == {PART_OF: ref(parent, "outer").parent.id, ID: ref(head, "inner").parent.id}
        assert marks["annotations"].keys() == {"mine", MEMBER, TOOLING, KINDS, NAMESPACES}
        for cluster in (ground.cluster, second):
            cluster.requests.clear()
        for _ in range(20):
            assert statuses(outer.reconcile_children([middle], ref(parent, "outer"))) == {"middle": "unchanged"}
            below = inner.reconcile_children([leaf, service(ground)], ref(head, "inner"))
            assert statuses(below) == {"leaf": "unchanged", "web": "unchanged"}
        assert ground.cluster.requests == second.requests == []
        assert live(ground, "middle")["metadata"] == marks
        result = outer.reconcile_children([], ref(parent, "outer"))
        assert statuses(result) == {"middle": "deleted"}, "the set of the one in the middle does not protect it"


# Guards


def test_the_deletion_of_children_stays_under_all_guards(ground, reconciler, parent):
    kept = plain(ground, "kept", annotations={"genreconcile.dev/prune": "disabled"})
    foreign = plain(ground, "foreign")
    children = [plain(ground, "a"), service(ground), claim(ground), kept, foreign]
    reconciler.reconcile_children(children, ref(parent)).raise_for_failures()
    owner = {"apiVersion": "v1", "kind": "Secret", "name": "s", "uid": "u", "controller": True}
    where = ground.path("configmaps", "foreign")
    now = ground.patch(where, {"op": "add", "path": "/metadata/ownerReferences", "value": [owner]})
    settings = Settings(max_deletions=1, not_older_than=now)
    with pytest.raises(
        PlanRefused, match=r"owner ConfigMap \S+/shop: nothing deleted: 2 deletions are more than the 1"
    ):
        reconciler.reconcile_children([], ref(parent), settings)
    plan = reconciler.plan_children([], ref(parent))
    assert [change.reason for change in plan.spared] == [
        "not deleted: Secret s controls it; delete that, and this goes with it"
    ]
    result = reconciler.reconcile_children([], ref(parent))
    assert statuses(result) == {"a": "deleted", "web": "deleted", "claim": "skipped", "kept": "skipped"}
    assert ground.names() >= {"foreign", "kept"}
    result = reconciler.reconcile_children([], ref(parent), Settings(delete_kinds=["PersistentVolumeClaim"]))
    assert statuses(result) == {"claim": "deleted", "kept": "skipped"}


def test_a_conflict_withholds_deletions_and_not_the_other_children(ground, reconciler, parent):
    reconciler.reconcile_children([plain(ground, "old")], ref(parent)).raise_for_failures()
    theirs = ground.post(plain(ground, "theirs"))
    settings = Settings(not_older_than=theirs)
    result = reconciler.reconcile_children([plain(ground, "theirs"), plain(ground, "a")], ref(parent), settings)
    assert statuses(result) == {"theirs": "failed", "a": "created", "old": "skipped"}


def test_a_member_that_somebody_else_controls_now_is_not_touched(ground, reconciler, parent):
    reconciler.reconcile_children([plain(ground, "a")], ref(parent)).raise_for_failures()
    owner = {"apiVersion": "v1", "kind": "Secret", "name": "s", "uid": "u", "controller": True}
    where = ground.path("configmaps", "a")
    now = ground.patch(where, {"op": "add", "path": "/metadata/ownerReferences", "value": [owner]})
    changed = ground.config("a", labels={}, k="v")
    result = reconciler.reconcile_children([changed], ref(parent, adopt="unowned"), Settings(not_older_than=now))
    assert error_of(result, "a").holder == "Secret s controls it"
    assert live(ground, "a") == now


# A child that cannot be changed


def job(ground, parent, image):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": image}]}}
    found = objects.obj("batch/v1", "Job", "once", ground.namespace, spec={"template": template})
    found["metadata"]["ownerReferences"] = [reference(parent)]
    return found


def test_a_child_that_cannot_be_changed_is_made_anew_where_that_is_wanted(ground, reconciler, parent):
    where = ground.path("jobs", "once", group="batch/v1")
    reconciler.reconcile_children([job(ground, parent, "a")], ref(parent)).raise_for_failures()
    before = ground.get(where)["metadata"]["uid"]
    refused = reconciler.reconcile_children([job(ground, parent, "b")], ref(parent)).failures[0]
    assert str(refused.error).endswith("on_immutable='recreate' would delete it and create it again")
    recreates = {"on_immutable": "recreate", "propagation": "background"}  # No garbage collector runs.
    with gr.Reconciler(ground.cluster, field_manager=MANAGER, **recreates) as recreating:
        (outcome,) = recreating.reconcile_children([job(ground, parent, "b")], ref(parent))
        assert (outcome.status, outcome.reason) == ("configured", "recreated: an immutable field differed")
    after = ground.get(where)
    assert after["metadata"]["uid"] != before
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "b"
    assert after["metadata"]["ownerReferences"] == [reference(parent)]
    assert PART_OF in after["metadata"]["labels"]
