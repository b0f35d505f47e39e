"""R2.9: values that one object holds alone: who holds them, what to do, and deletions that go first."""

import pytest

import genreconcile as gr
from support import objects
from support.deletion_ground import Ground, statuses
from support.node_ports import free_node_port, free_node_ports


@pytest.fixture
def ground(control_plane, namespace):
    return Ground(control_plane, namespace)


@pytest.fixture
def reconciler(ground):
    with gr.Reconciler(ground.cluster) as reconciler:
        yield reconciler


def service(ground, name, port, **spec):
    spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": port}], **spec}
    return objects.service(name, ground.namespace, labels={"app": "guarded"}, **spec)


def owned(ground, **more):
    return {"namespace": ground.namespace, "owner": "configmaps/s", **more}


def selected(ground, **more):
    return {**ground.settings, **more}


WAYS = {"owner": owned, "selector": selected}


def error_of(result, name):
    (outcome,) = [outcome for outcome in result if outcome.key.name == name]
    assert outcome.status == "failed", outcome
    return str(outcome.error)


@pytest.mark.parametrize("way", WAYS)
def test_r2_9_a_renamed_service(ground, reconciler, way):
    port, settings = free_node_port(), WAYS[way]
    reconciler.reconcile([service(ground, "old", port)], **settings(ground)).raise_for_failures()
    result = reconciler.reconcile([service(ground, "new", port)], **settings(ground))
    assert statuses(result) == {"new": "failed", "old": "skipped"}
    said = error_of(result, "new")
    assert f"Service {ground.namespace}/old holds {port}" in said
    assert "prune_first=True (--prune-first) deletes it before" in said
    plan = reconciler.plan([service(ground, "new", port)], **settings(ground, prune_first=True))
    assert plan.prune_first
    tried = reconciler.apply(plan, dry_run=True)
    assert statuses(tried) == {"new": "created", "old": "deleted"}
    assert ground.names("services") == {"old"}
    result = reconciler.reconcile([service(ground, "new", port)], **settings(ground, prune_first=True))
    assert statuses(result) == {"new": "created", "old": "deleted"}
    assert ground.names("services") == {"new"}


def test_r2_9_a_plan_that_deletes_first_is_carried_out_so(ground, reconciler):
    first = free_node_port()
    reconciler.reconcile([service(ground, "old", first)], **owned(ground)).raise_for_failures()
    plan = reconciler.plan([service(ground, "new", first)], **owned(ground, prune_first=True))
    assert statuses(reconciler.apply(plan)) == {"new": "created", "old": "deleted"}


def test_r2_9_two_services_that_swap(ground, reconciler):
    first, second, third = free_node_ports(3)
    before = [service(ground, "a", first), service(ground, "b", second)]
    reconciler.reconcile(before, **owned(ground)).raise_for_failures()
    after = [service(ground, "a", second), service(ground, "b", first)]
    for prune_first in (False, True):
        result = reconciler.reconcile(after, **owned(ground, prune_first=prune_first))
        for name, other, port in (("a", "b", second), ("b", "a", first)):
            said = error_of(result, name)
            assert f"Service {ground.namespace}/{other} holds {port}" in said
            assert "let one of them have another value first" in said
    reconciler.reconcile([service(ground, "a", third), after[1]], **owned(ground)).raise_for_failures()
    reconciler.reconcile(after, **owned(ground)).raise_for_failures()


def test_r2_9_a_value_that_is_handed_on_is_handed_on_at_once(ground, reconciler):
    first, second, third = free_node_ports(3)
    before = [service(ground, "a", first), service(ground, "b", second)]
    reconciler.reconcile(before, **owned(ground)).raise_for_failures()
    result = reconciler.reconcile([service(ground, "a", second), service(ground, "b", third)], **owned(ground))
    assert statuses(result) == {"a": "configured", "b": "configured"}


def test_r2_9_what_somebody_else_holds_is_named(ground, reconciler):
    first = free_node_port()
    ground.post(
        {**service(ground, "theirs", first), "metadata": {"name": "theirs", "namespace": ground.namespace}}, "services"
    )
    said = error_of(reconciler.reconcile([service(ground, "ours", first)]), "ours")
    assert f"Service {ground.namespace}/theirs holds {first}" in said
    assert "it is not of this set" in said


def test_r2_9_an_address_and_a_default_are_such_values_too(ground, reconciler):
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 1, "globalDefault": True}
    one, two = ({**kind, "metadata": {"name": f"{name}-{ground.namespace}"}} for name in ("one", "two"))
    address = (
        ground.get("/api/v1/namespaces/default/services/kubernetes")["spec"]["clusterIP"].rpartition(".")[0] + ".77"
    )
    plain = {"type": "ClusterIP", "ports": [{"port": 80}], "clusterIP": address}
    reconciler.reconcile([one, service(ground, "old", 0, **plain)], **owned(ground)).raise_for_failures()
    renamed = [two, service(ground, "new", 0, **plain)]
    result = reconciler.reconcile(renamed, **owned(ground))
    assert f"{one['metadata']['name']} holds True (/globalDefault)" in error_of(result, two["metadata"]["name"])
    assert f"Service {ground.namespace}/old holds '{address}'" in error_of(result, "new")
    result = reconciler.reconcile(renamed, **owned(ground, prune_first=True))
    assert sorted(statuses(result).values()) == ["created", "created", "deleted", "deleted"]
    reconciler.reconcile([], **owned(ground, allow_empty=True))


# Guards.


def test_r2_9_nothing_goes_first_where_something_else_is_wrong(ground, reconciler):
    first, second = free_node_ports(2)
    reconciler.reconcile([service(ground, "old", first)], **owned(ground)).raise_for_failures()
    bad = service(ground, "bad", second, ports=[{"port": 70000}])
    expected = [service(ground, "new", first), bad]
    ground.cluster.requests.clear()
    result = reconciler.reconcile(expected, **owned(ground, prune_first=True))
    assert statuses(result) == {"new": "failed", "bad": "failed", "old": "skipped"}
    unusable = {**bad, "spec": {"nonsense": 1}}
    result = reconciler.reconcile([service(ground, "new", first), unusable], **owned(ground, prune_first=True))
    assert statuses(result)["old"] == "skipped"
    with pytest.raises(gr.PlanRefused):
        reconciler.reconcile([service(ground, "new", first)], **owned(ground, prune_first=True, max_deletions=0))
    with pytest.raises(gr.PlanRefused):
        reconciler.reconcile([], **owned(ground, prune_first=True))
    assert ground.cluster.sent("DELETE") == []
    assert ground.names("services") == {"old"}


def test_r2_9_without_deletions_nothing_is_tried_first(ground, reconciler):
    first = free_node_port()
    ground.cluster.requests.clear()
    reconciler.reconcile([service(ground, "one", first)], **owned(ground, prune_first=True)).raise_for_failures()
    assert not any("dryRun" in query for *_, query in ground.cluster.requests)
    ground.cluster.requests.clear()
    reconciler.reconcile([service(ground, "one", first)], **owned(ground, prune_first=True)).raise_for_failures()
    assert ground.cluster.requests == []
