"""Two writers on one field: found after a few rounds, backed off, reported with the other one's name."""

import json

import pytest

import genreconcile as gr
from support.eventually import eventually
from support.objects import rule_set


@pytest.fixture
def cluster(control_plane):
    return gr.connect(kubeconfig=str(control_plane.kubeconfig))


def test_a_fight_is_found_named_and_left(cluster, namespace):
    expected = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": namespace},
            "data": {"k": "ours"},
        }
    ]
    path = f"/api/v1/namespaces/{namespace}/configmaps/a"
    edit = json.dumps({"data": {"k": "theirs"}}).encode()
    outcomes = []
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        for _ in range(8):
            cluster.request(
                "PATCH", path, query={"fieldManager": "rival"}, body=edit, content_type="application/merge-patch+json"
            )
            eventually(lambda: reconciler.cache.get("v1/ConfigMap", "a", namespace=namespace)["data"]["k"] == "theirs")
            outcomes += reconciler.reconcile(expected)
        other = {**expected[0], "data": {"k": "ours", "new": "x"}}
        assert reconciler.reconcile([other]).outcomes[0].status == "configured", "another expectation is no fight"
    assert [outcome.status for outcome in outcomes] == ["configured"] * 5 + ["skipped"] * 3
    assert outcomes[-1].reason.startswith("a fight with rival, who keeps undoing it: next repair in ")
    assert outcomes[-1].reason.endswith(" at /data/k")


def test_r2_7_a_loop_is_told_when_to_repair_again(cluster, namespace):
    """Rounds that a rival wins: after the last one nothing else would wake a loop."""
    metadata = {"name": "told", "namespace": namespace}
    expected = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "ours"}}]
    path = f"/api/v1/namespaces/{namespace}/configmaps/told"
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        results = []
        for _ in range(6):
            body = json.dumps({"data": {"k": "theirs"}}).encode()
            merge = "application/merge-patch+json"
            theirs = cluster.request("PATCH", path, query={"fieldManager": "rival"}, body=body, content_type=merge)
            results.append(reconciler.reconcile(expected, not_older_than=json.loads(theirs)))
        assert [result.is_converged for result in results] == [True] * 5 + [False]
        assert [result.retry_after for result in results[:5]] == [None] * 5
        assert 0 < results[5].retry_after <= 30
        assert results[5].retry_after == results[5].outcomes[0].retry_after
        results[5].raise_for_failures()


def test_a_rule_leaves_the_rivals_fields_to_it(cluster, namespace):
    metadata = {"name": "b", "namespace": namespace}
    expected = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "ours", "j": "ours"}}]
    rule = {"id": "rival", "object": {"kind": "ConfigMap"}, "path": "data", "managers": ["rival"], "ignore": True}
    rules = gr.Registry.builtin().extend(rule_set(rule))
    path = f"/api/v1/namespaces/{namespace}/configmaps/b"
    with gr.Reconciler(cluster, rules=rules) as reconciler:
        reconciler.reconcile(expected).raise_for_failures()
        for manager, key in (("rival", "k"), ("other", "j")):
            body = json.dumps({"data": {key: "theirs"}}).encode()
            query = {"fieldManager": manager}
            cluster.request("PATCH", path, query=query, body=body, content_type="application/merge-patch+json")
        eventually(lambda: reconciler.plan(expected).changes)
        (outcome,) = reconciler.reconcile(expected)
        assert outcome.change.operations == [{"op": "replace", "path": "/data/j", "value": "ours"}]
        assert reconciler.reconcile(expected).counts["unchanged"] == 1
        assert reconciler.cache.get("v1/ConfigMap", "b", namespace=namespace)["data"] == {"k": "theirs", "j": "ours"}
