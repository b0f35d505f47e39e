"""A rule, a subscriber or an answer that is broken harms one object, on a real API server."""

import pytest

import genreconcile as gr
from genreconcile.normalize import functions
from support.api.passing import Passing
from support.objects import config_map, obj, pod_template, workload

CANARY = "canary-in-an-exception"


def objects(namespace):
    spec = workload(pod_template({"a": "b"}))
    return [
        config_map("first", namespace, k="v"),
        obj("apps/v1", "Deployment", "web", namespace, spec=spec),
        config_map("last", namespace, k="v"),
    ]


def test_a_rule_that_raises(control_plane, namespace, monkeypatch, caplog):
    """While objects are compared, and while the answer to a patch is."""
    with gr.Reconciler(gr.connect(kubeconfig=str(control_plane.kubeconfig))) as reconciler:
        reconciler.reconcile(objects(namespace)).raise_for_failures()

        def broken(*_):
            raise ZeroDivisionError(CANARY)

        monkeypatch.setitem(functions.FUNCTIONS, "image-pull-policy", broken)
        expected = objects(namespace)
        for obj in expected:
            obj["metadata"]["labels"] = {"new": "yes"}
        result = reconciler.reconcile(expected)
        assert [outcome.status for outcome in result] == ["configured", "failed", "configured"]
        fault = str(result.failures[0].error)
        assert fault.startswith(f"Deployment.apps {namespace}/web: not compared: ZeroDivisionError")
        assert f"{namespace}/web: not compared" in caplog.text
        assert CANARY not in fault + caplog.text
        monkeypatch.undo()
        assert [outcome.status for outcome in reconciler.reconcile(expected)] == [
            "unchanged", "configured", "unchanged"
        ]  # fmt: skip


def test_subscribers_that_raise(control_plane, namespace, caplog):
    heard = []
    with gr.Reconciler(gr.connect(kubeconfig=str(control_plane.kubeconfig))) as reconciler:

        def broken(event):
            raise ZeroDivisionError(event)

        reconciler.cache.subscribe(broken)
        reconciler.cache.subscribe(lambda event: heard.append(event.key.name))
        reconciler.reconcile(objects(namespace)).raise_for_failures()
        assert {"first", "web", "last"} <= set(heard)
    assert f"ConfigMap {namespace}/first: a subscriber failed on ADDED" in caplog.text


class Garbled(Passing):
    """A cluster that answers the creation of one object with something else."""

    def __init__(self, cluster, name, answer):
        super().__init__(cluster)
        self._name, self._answer = name, answer

    def request(self, method, path, **settings):
        answer = super().request(method, path, **settings)
        is_it = method == "POST" and f'"name":"{self._name}"'.encode() in settings["body"].replace(b": ", b":")
        return self._answer if is_it else answer


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"metadata":{"name":7}}', b"<html>", b"\xff\xfe"])
def test_an_answer_that_is_none(control_plane, namespace, answer):
    cluster = Garbled(gr.connect(kubeconfig=str(control_plane.kubeconfig)), "first", answer)
    with gr.Reconciler(cluster) as reconciler:
        result = reconciler.reconcile(objects(namespace))
        assert [outcome.status for outcome in result] == ["failed", "created", "created"]
        assert f"ConfigMap {namespace}/first: " in str(result.failures[0])
        assert [outcome.status for outcome in reconciler.reconcile(objects(namespace))] == ["unchanged"] * 3
