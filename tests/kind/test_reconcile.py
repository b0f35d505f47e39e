"""The whole flow on a real API server: create, repair, delete, and what must never happen."""

import copy
import json
import threading

import pytest

import genreconcile as gr
from genreconcile.errors import PlanRefused
from support import objects
from support.eventually import eventually
from support.objects import config_map, rule_set, struct, version

LABELS = {"app": "flow"}


@pytest.fixture
def cluster(control_plane):
    return gr.connect(kubeconfig=str(control_plane.kubeconfig))


@pytest.fixture
def reconciler(cluster):
    with gr.Reconciler(cluster) as reconciler:
        yield reconciler


def config(name, namespace, labels=None, **data):
    return config_map(name, namespace, labels=LABELS if labels is None else labels, **data)


def path(namespace, name=""):
    return f"/api/v1/namespaces/{namespace}/configmaps" + (f"/{name}" if name else "")


def send(cluster, method, where, body=None, content_type="application/json"):
    data = cluster.request(
        method, where, body=None if body is None else json.dumps(body).encode(), content_type=content_type
    )
    return json.loads(data)


def edit(cluster, namespace, name, *operations):
    return send(cluster, "PATCH", path(namespace, name), list(operations), "application/json-patch+json")


def statuses(result):
    return {outcome.key.name: outcome.status for outcome in result}


def test_create_repair_delete(reconciler, cluster, namespace):
    settings = {"delete_from_namespace": namespace, "delete_selector": LABELS}
    first = [config("a", namespace, k="1"), config("b", namespace, k="1")]
    assert statuses(reconciler.reconcile(first, **settings)) == {"a": "created", "b": "created"}
    assert statuses(reconciler.reconcile(first, **settings)) == {"a": "unchanged", "b": "unchanged"}
    result = reconciler.reconcile([config("a", namespace, k="2")], **settings)
    assert statuses(result) == {"a": "configured", "b": "deleted"}
    assert send(cluster, "GET", path(namespace, "a"))["data"] == {"k": "2"}
    assert [item["metadata"]["name"] for item in send(cluster, "GET", path(namespace))["items"]] == ["a"]


def test_an_own_write_is_seen_by_the_next_reconcile(reconciler, namespace):
    for number in range(20):
        expected = [config("a", namespace, k=str(number))]
        assert reconciler.reconcile(expected).counts["failed"] == 0
        assert reconciler.plan(expected).changes == ()


def test_an_own_deletion_is_seen_by_the_next_reconcile(reconciler, namespace):
    settings = {"delete_from_namespace": namespace, "delete_selector": LABELS, "allow_empty": True}
    for _ in range(10):
        assert statuses(reconciler.reconcile([config("a", namespace)])) == {"a": "created"}
        assert statuses(reconciler.reconcile([], kinds=["v1/ConfigMap"], **settings)) == {"a": "deleted"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/data/k", "value": "edited"},
        {"op": "add", "path": "/data/extra", "value": "x"},
        {"op": "remove", "path": "/data/k"},
        {"op": "add", "path": "/metadata/annotations", "value": {"who": "<é&>"}},
        {"op": "add", "path": "/metadata/labels/extra", "value": "x"},
        {"op": "add", "path": "/binaryData", "value": {"b": "eA=="}},
    ],
    ids=lambda operation: f"{operation['op']} {operation['path']}",
)
def test_any_edit_by_hand_is_repaired(reconciler, cluster, namespace, operation):
    expected = [config("a", namespace, k="v")]
    reconciler.reconcile(expected).raise_for_failures()
    before = send(cluster, "GET", path(namespace, "a"))
    edit(cluster, namespace, "a", operation)
    assert eventually(lambda: reconciler.plan(expected).changes)
    assert statuses(reconciler.reconcile(expected)) == {"a": "configured"}
    after = send(cluster, "GET", path(namespace, "a"))
    for obj in (before, after):
        for key in ("resourceVersion", "managedFields"):
            del obj["metadata"][key]
    assert before == after


@pytest.mark.parametrize(
    "skip", [{"delete_from_namespace": ""}, {"delete_selector": None}], ids=["no namespace", "none"]
)
def test_deletion_is_skipped(reconciler, cluster, namespace, skip):
    reconciler.reconcile([config("a", namespace), config("b", namespace)]).raise_for_failures()
    settings = {"delete_from_namespace": namespace, "delete_selector": LABELS, **skip}
    assert statuses(reconciler.reconcile([config("a", namespace)], **settings)) == {"a": "unchanged"}
    assert len(send(cluster, "GET", path(namespace))["items"]) == 2


def test_deletion_stays_in_its_namespace_and_selector(reconciler, cluster, namespace, control_plane):
    other = control_plane.create_namespace(namespace + "-other")
    everything = [
        config("mine", namespace),
        config("unlabelled", namespace, labels={}),
        config("elsewhere", other),
        config("kept", namespace),
    ]
    reconciler.reconcile(everything).raise_for_failures()
    result = reconciler.reconcile(
        [config("kept", namespace)], delete_from_namespace=namespace, delete_selector="app in (flow, x)"
    )
    assert statuses(result) == {"kept": "unchanged", "mine": "deleted"}
    assert {item["metadata"]["name"] for item in send(cluster, "GET", path(namespace))["items"]} == {
        "kept",
        "unlabelled",
    }


def test_an_empty_set_deletes_nothing_unless_allowed(reconciler, cluster, namespace):
    settings = {"delete_from_namespace": namespace, "delete_selector": LABELS, "kinds": ["v1/ConfigMap"]}
    reconciler.reconcile([config("a", namespace)]).raise_for_failures()
    with pytest.raises(PlanRefused, match="allow_empty=True") as refused:
        reconciler.reconcile([], **settings)
    assert statuses(refused.value.result) == {"a": "skipped"}
    assert statuses(reconciler.reconcile([], allow_empty=True, **settings)) == {"a": "deleted"}


def test_a_cap_refuses_after_creates_and_patches_ran(reconciler, cluster, namespace):
    reconciler.reconcile([config(name, namespace) for name in "abc"]).raise_for_failures()
    settings = {"delete_from_namespace": namespace, "delete_selector": LABELS, "max_deletions": 2}
    with pytest.raises(PlanRefused, match="3 deletions are more than the 2 allowed"):
        reconciler.reconcile([config("new", namespace)], **settings)
    assert len(send(cluster, "GET", path(namespace))["items"]) == 4


def test_deletion_is_withheld_while_an_expected_object_fails(reconciler, cluster, namespace):
    reconciler.reconcile([config("a", namespace)]).raise_for_failures()
    bad = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bad", "namespace": namespace}, "dat": {}}
    result = reconciler.reconcile([bad], delete_from_namespace=namespace, delete_selector=LABELS)
    assert statuses(result) == {"bad": "failed", "a": "skipped"}
    assert len(send(cluster, "GET", path(namespace))["items"]) == 1


def test_an_object_that_the_selector_cannot_reach_gives_a_warning(reconciler, namespace):
    expected = [config("a", namespace, labels={})]
    result = reconciler.reconcile(expected, delete_from_namespace=namespace, delete_selector=LABELS)
    assert result.warnings == (
        f"ConfigMap {namespace}/a: does not match the delete selector app=flow, so it will never be cleaned up",
    )
    assert result.warnings[0].code == "GR815"


def test_expected_is_never_changed(reconciler, namespace):
    expected = [
        {**config("a", namespace), "stringy": None},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n"}},
    ]
    before = copy.deepcopy(expected)
    reconciler.reconcile(expected, namespace=namespace)
    assert expected == before


def test_a_dict_from_the_cache_cannot_change_the_cache(reconciler, namespace):
    reconciler.reconcile([config("a", namespace, k="v")]).raise_for_failures()
    reconciler.cache.get("v1/ConfigMap", "a", namespace=namespace)["data"]["k"] = "changed"
    reconciler.cache.list("v1/ConfigMap", namespace=namespace)[0]["data"].clear()
    assert reconciler.cache.get("v1/ConfigMap", "a", namespace=namespace)["data"] == {"k": "v"}


def test_objects_without_a_namespace_get_the_default_one(reconciler, cluster, namespace):
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bare"}}
    result = reconciler.reconcile([bare], namespace=namespace)
    assert [str(outcome) for outcome in result] == [f"ConfigMap {namespace}/bare created"]


def test_a_namespace_and_what_is_in_it_in_one_set(reconciler, namespace):
    name = namespace + "-new"
    expected = [config("a", name), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}]
    assert reconciler.reconcile(expected).counts["created"] == 2
    assert reconciler.reconcile(expected).counts["unchanged"] == 2


def test_a_plan_sends_no_write_and_can_be_applied(reconciler, cluster, namespace):
    plan = reconciler.plan([config("a", namespace)])
    assert plan.summary() == "1 to create, 0 to update, 0 to delete, 0 unchanged"
    assert send(cluster, "GET", path(namespace))["items"] == []
    assert statuses(reconciler.apply(plan)) == {"a": "created"}


def test_a_stale_plan_is_refused_object_by_object(reconciler, cluster, namespace):
    reconciler.reconcile([config("a", namespace, k="1"), config("b", namespace, k="1")]).raise_for_failures()
    plan = reconciler.plan(
        [{**config("a", namespace), "data": {"n": "2"}}, config("b", namespace, k="2"), config("c", namespace)]
    )
    # Recreated by somebody else: another uid.
    send(cluster, "DELETE", path(namespace, "a"))
    send(cluster, "POST", path(namespace), config("a", namespace, k="1"))
    send(cluster, "POST", path(namespace), config("c", namespace))
    result = reconciler.apply(plan)
    assert statuses(result) == {"a": "failed", "b": "configured", "c": "failed"}
    assert all(isinstance(outcome.error, gr.Conflict) for outcome in result.failures)


def test_a_plan_says_how_many_objects_deletion_looks_at(reconciler, cluster, namespace, control_plane):
    other = control_plane.create_namespace(namespace + "-other")
    for name, place, labels in (
        ("a", namespace, {"app": "x"}),
        ("b", namespace, {"app": "y"}),
        ("c", other, {"app": "x"}),
    ):
        obj = config(name, place)
        obj["metadata"]["labels"] = labels
        send(cluster, "POST", path(place), obj)
    expected = [config("d", namespace)]
    expected[0]["metadata"]["labels"] = {"app": "x"}
    settings = {"delete_from_namespace": namespace, "delete_selector": {"app": "x"}}
    reconciler.plan(expected, **settings)
    assert eventually(lambda: reconciler.plan(expected, **settings).counts["delete"] == 1)
    assert reconciler.plan(expected, **settings).matches == 1
    reconciler.reconcile(expected).raise_for_failures()
    assert reconciler.plan(expected, **settings).matches == 2


def test_kinds_that_deletion_only_lists_are_read_without_their_content(reconciler, cluster, namespace):
    other = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}}
    other = {**other, "metadata": {**other["metadata"], "labels": {"app": "x"}}, "stringData": {"k": "canary"}}
    send(cluster, "POST", f"/api/v1/namespaces/{namespace}/secrets", other)
    settings = {"delete_from_namespace": namespace, "delete_selector": {"app": "x"}, "kinds": ["v1/Secret"]}
    mine = config("mine", namespace)
    mine["metadata"]["labels"] = {"app": "x"}
    plan = reconciler.plan([mine], **settings)
    assert [str(change.key) for change in plan.changes if change.operation == "delete"] == [f"Secret {namespace}/s"]
    assert reconciler.cache.get("v1/Secret", "s", namespace=namespace).keys() == {"apiVersion", "kind", "metadata"}
    # Once the kind is expected, it is compared, and with all its fields.
    (change,) = [
        change for change in reconciler.plan([mine, {**other, "stringData": {"k": "b"}}]).changes if change.patch
    ]
    assert [operation["path"] for operation in change.operations] == ["/data/k"]
    assert reconciler.reconcile([mine], **settings).counts["deleted"] == 1


def test_a_reconcile_compares_again_what_others_change_meanwhile(reconciler, cluster, namespace, monkeypatch):
    reconciler.reconcile([config("a", namespace, k="1", j="1")]).raise_for_failures()
    expected = [config("a", namespace, k="2"), config("b", namespace)]
    plan = reconciler._planner.plan
    interfere = [True]

    def plan_and_interfere(*arguments, **settings):
        found = plan(*arguments, **settings)
        if interfere and interfere.pop():
            send(cluster, "DELETE", path(namespace, "a"))
            send(cluster, "POST", path(namespace), config("a", namespace, k="9"))
            send(cluster, "POST", path(namespace), config("b", namespace, x="9"))
        return found

    monkeypatch.setattr(reconciler._planner, "plan", plan_and_interfere)
    result = reconciler.reconcile(expected)
    assert statuses(result) == {"a": "configured", "b": "configured"}
    assert send(cluster, "GET", path(namespace, "a"))["data"] == {"k": "2"}
    assert "data" not in send(cluster, "GET", path(namespace, "b"))


def test_an_object_that_the_watch_has_not_brought_yet_is_read(reconciler, cluster, namespace, monkeypatch):
    reconciler.reconcile([config("first", namespace)]).raise_for_failures()
    watched = reconciler.cache._kinds[gr.GVK("", "v1", "ConfigMap")]
    upsert = watched.store.upsert
    monkeypatch.setattr(watched.store, "upsert", lambda record: upsert(record) if record.name != "late" or read else [])
    read = []

    def wait(*_arguments, **_settings):
        raise AssertionError("there is no version to wait for")

    monkeypatch.setattr(reconciler.cache, "wait_for", wait)
    request = reconciler._applier._writer._cluster.request

    def noting(method, path, **settings):
        if method == "GET" and path.endswith("/late"):
            read.append(path)
        return request(method, path, **settings)

    monkeypatch.setattr(reconciler._applier._writer._cluster, "request", noting)
    send(cluster, "POST", path(namespace), config("late", namespace, k="9"))
    (outcome,) = reconciler.reconcile([config("late", namespace, k="1")])
    assert outcome.status == "configured", outcome
    assert len(read) == 1
    assert send(cluster, "GET", path(namespace, "late"))["data"] == {"k": "1"}


def test_what_is_being_deleted_is_waited_for(reconciler, cluster, namespace):
    held = config("a", namespace)
    held["metadata"]["finalizers"] = ["example.com/hold"]
    reconciler.reconcile([held]).raise_for_failures()
    send(cluster, "DELETE", path(namespace, "a"))
    assert eventually(lambda: reconciler.plan([held]).changes)
    (outcome,) = reconciler.reconcile([held])
    assert outcome.status == "skipped"
    assert "being deleted" in outcome.reason
    edit(cluster, namespace, "a", {"op": "remove", "path": "/metadata/finalizers"})
    assert eventually(lambda: statuses(reconciler.reconcile([config("a", namespace)])) == {"a": "created"})


def test_a_finalizer_of_somebody_else_is_kept(reconciler, cluster, namespace):
    mine = config("a", namespace)
    mine["metadata"]["finalizers"] = ["example.com/mine"]
    reconciler.reconcile([mine]).raise_for_failures()
    edit(cluster, namespace, "a", {"op": "replace", "path": "/metadata/finalizers", "value": ["example.com/other"]})
    assert eventually(lambda: reconciler.plan([mine]).changes)
    reconciler.reconcile([mine]).raise_for_failures()
    found = send(cluster, "GET", path(namespace, "a"))["metadata"]["finalizers"]
    assert sorted(found) == ["example.com/mine", "example.com/other"]
    edit(cluster, namespace, "a", {"op": "remove", "path": "/metadata/finalizers"})


def test_concurrent_writers_lose_nothing(reconciler, cluster, namespace):
    """Somebody counts in an annotation that a rule adopts, while the engine repairs data: both arrive."""
    rule = {"id": "count", "root": True, "path": "metadata/annotations/example.com~1count", "ignore": True}
    rules = gr.Registry.builtin().extend(rule_set(rule))
    reconciler.reconcile([config("a", namespace, k="0")]).raise_for_failures()

    def count():
        for number in range(30):
            value = {"metadata": {"annotations": {"example.com/count": str(number)}}}
            send(cluster, "PATCH", path(namespace, "a"), value, "application/merge-patch+json")

    counter = threading.Thread(target=count)
    with gr.Reconciler(cluster, rules=rules) as other:
        counter.start()
        for number in range(1, 31):
            other.reconcile([config("a", namespace, k=str(number))]).raise_for_failures()
        counter.join()
    found = send(cluster, "GET", path(namespace, "a"))
    assert found["data"] == {"k": "30"}
    assert found["metadata"]["annotations"] == {"example.com/count": "29"}


def test_a_definition_and_its_instances_in_one_set(reconciler, cluster, namespace):
    group = f"{namespace}.example.dev"
    definition = objects.definition(group, version("v1", schema(default=1)))
    thing = objects.obj(f"{group}/v1", "Thing", "t", namespace, spec={})
    assert reconciler.reconcile([thing, definition]).counts["created"] == 2
    assert reconciler.reconcile([thing, definition]).counts["unchanged"] == 2
    changed = copy.deepcopy(definition)
    changed["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema(
        default=1, extra={"type": "string", "default": "x"}
    )
    result = reconciler.reconcile([thing, changed])
    assert result.counts["failed"] == 0
    assert reconciler.reconcile([thing, changed]).counts["unchanged"] == 2
    unknown = {**thing, "spec": {"nmae": "x"}}
    (outcome,) = [outcome for outcome in reconciler.reconcile([unknown, changed]) if outcome.status == "failed"]
    assert "/spec/nmae" in str(outcome.error)


def schema(default, **extra):
    return struct(spec=struct(count={"type": "integer", "default": default}, **extra))


def test_a_built_in_type_renamed_into_a_custom_resource_behaves_alike(reconciler, cluster, namespace):
    """No code knows a kind: the same edits of the same fields give the same patches."""
    group = f"{namespace}.renamed.dev"
    spec = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definition = objects.definition(group, version("v1", struct(data=spec)), kind="Config")
    reconciler.reconcile([definition]).raise_for_failures()
    patches = []
    for api_version, kind, collection in (
        ("v1", "ConfigMap", path(namespace)),
        (f"{group}/v1", "Config", f"/apis/{group}/v1/namespaces/{namespace}/configs"),
    ):
        expected = [{**config("same", namespace, a="1", b="2"), "apiVersion": api_version, "kind": kind}]
        assert statuses(reconciler.reconcile(expected)) == {"same": "created"}
        edits = [{"op": "replace", "path": "/data/a", "value": "9"}, {"op": "add", "path": "/data/c", "value": "3"}]
        send(cluster, "PATCH", f"{collection}/same", edits, "application/json-patch+json")
        plan = eventually(lambda expected=expected: (plan := reconciler.plan(expected)).changes and plan)
        patches.append(plan.changes[0].operations)
        assert statuses(reconciler.apply(plan)) == {"same": "configured"}
        assert statuses(reconciler.reconcile(expected)) == {"same": "unchanged"}
    assert patches[0] == patches[1]
