"""A definition that changes while the engine runs: by us, and by somebody else."""

import copy
import json

import pytest

import genreconcile as gr
from support import objects
from support.eventually import eventually


@pytest.fixture
def cluster(control_plane):
    return gr.connect(kubeconfig=str(control_plane.kubeconfig))


def definition(group, **properties):
    spec = objects.struct(size={"type": "integer"}, **properties)
    return objects.definition(group, objects.version("v1", objects.struct(spec=spec)))


def thing(group, namespace, **spec):
    return objects.obj(f"{group}/v1", "Thing", "t", namespace, spec=spec)


def replace(cluster, changed):
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{changed['metadata']['name']}"
    live = json.loads(cluster.request("GET", path))
    live["spec"] = {**live["spec"], "versions": changed["spec"]["versions"]}
    cluster.request("PUT", path, body=json.dumps(live).encode())


def test_somebody_else_adds_a_field_with_a_default(cluster, namespace):
    group = f"{namespace}.example.dev"
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([definition(group)]).raise_for_failures()
        expected = [thing(group, namespace, size=1)]
        reconciler.reconcile(expected).raise_for_failures()
        assert reconciler.reconcile(expected).counts["unchanged"] == 1

        replace(cluster, definition(group, mode={"type": "string", "default": "fast"}))
        # The object is served with the default under its old resourceVersion.
        live = lambda: reconciler.cache.get(f"{group}/v1/Thing", "t", namespace=namespace)  # noqa: E731 - short
        assert eventually(lambda: reconciler.reconcile(expected) and live()["spec"].get("mode") == "fast")
        assert reconciler.reconcile(expected).counts["unchanged"] == 1

        # The new field is known now, and drift in it is found.
        named = [thing(group, namespace, size=1, mode="slow")]
        assert eventually(lambda: reconciler.reconcile(named).counts["configured"] == 1)
        assert reconciler.reconcile(named).counts["unchanged"] == 1
        assert reconciler.reconcile(expected).outcomes[0].change.operations == [
            {"op": "replace", "path": "/spec/mode", "value": "fast"}
        ]


def test_somebody_else_removes_a_field(cluster, namespace):
    group = f"{namespace}.example.dev"
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([definition(group, mode={"type": "string"})]).raise_for_failures()
        expected = [thing(group, namespace, size=1, mode="x")]
        reconciler.reconcile(expected).raise_for_failures()
        replace(cluster, definition(group))
        found = eventually(lambda: (result := reconciler.reconcile(expected)).counts["failed"] and result)
        assert "/spec/mode: the schema knows no such field" in str(found.failures[0].error)
        without = [thing(group, namespace, size=1)]
        assert eventually(lambda: reconciler.reconcile(without).counts["unchanged"] == 1)


def test_we_change_it(cluster, namespace):
    group = f"{namespace}.example.dev"
    first = definition(group)
    with gr.Reconciler(cluster) as reconciler:
        expected = [first, thing(group, namespace, size=1)]
        assert reconciler.reconcile(expected).counts["created"] == 2
        second = [definition(group, mode={"type": "string", "default": "fast"}), copy.deepcopy(expected[1])]
        assert reconciler.reconcile(second).counts["failed"] == 0
        assert reconciler.reconcile(second).counts["unchanged"] == 2
        assert reconciler.cache.get(f"{group}/v1/Thing", "t", namespace=namespace)["spec"]["mode"] == "fast"


def grown(group, namespace, **more):
    """A definition with one more field, and what uses it: an object that is there, and one that is not."""
    used = thing(group, namespace, size=1, mode="slow", **more)
    new = thing(group, namespace, mode="fast")
    new["metadata"] = {**new["metadata"], "name": "new"}
    return [new, used, definition(group, mode={"type": "string"})]


def test_we_add_a_field_and_use_it_at_once(cluster, namespace):
    group = f"{namespace}.example.dev"
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([definition(group), thing(group, namespace, size=1)]).raise_for_failures()
        second = grown(group, namespace)
        plan = reconciler.plan(second)
        awaited = "this set changes the definition of its kind; it is compared once that is written"
        assert [(change.operation, change.reason) for change in plan.changes] == [
            ("none", awaited), ("none", awaited), ("update", "")
        ]  # fmt: skip
        assert [outcome.status for outcome in reconciler.reconcile(second)] == ["created", "configured", "configured"]
        assert reconciler.cache.get(f"{group}/v1/Thing", "t", namespace=namespace)["spec"]["mode"] == "slow"
        assert reconciler.reconcile(second).counts["unchanged"] == 3


def test_a_plan_that_adds_a_field_is_carried_out_as_well(cluster, namespace):
    group = f"{namespace}.example.dev"
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([definition(group), thing(group, namespace, size=1)]).raise_for_failures()
        plan = reconciler.plan(grown(group, namespace))
        rehearsed = reconciler.apply(plan, dry_run=True)
        assert [outcome.status for outcome in rehearsed] == ["skipped", "skipped", "configured"]
        assert [outcome.status for outcome in reconciler.apply(plan)] == ["created", "configured", "configured"]
        assert reconciler.reconcile(grown(group, namespace)).counts["unchanged"] == 3


def test_a_field_that_the_new_definition_does_not_know_either(cluster, namespace):
    """The objects beside it are written, and nothing is deleted."""
    group = f"{namespace}.example.dev"
    deletion = {"delete_from_namespace": namespace, "delete_selector": {"app": "x"}}
    old = thing(group, namespace, size=1)
    old["metadata"] = {**old["metadata"], "name": "old", "labels": {"app": "x"}}
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([definition(group), thing(group, namespace, size=1), old]).raise_for_failures()
        result = reconciler.reconcile(grown(group, namespace, mood=1), **deletion)
        assert [outcome.status for outcome in result] == ["created", "failed", "configured", "skipped"]
        assert "/spec/mood: the schema knows no such field" in str(result.failures[0].error)
        result = reconciler.reconcile(grown(group, namespace), **deletion)
        assert result.counts["configured"] == 1
        assert result.counts["deleted"] == 1
