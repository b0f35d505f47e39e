"""A rule, a subscriber or an answer that is broken harms one object, on a real API server."""

import contextlib

import pytest

import genreconcile as gr
from genreconcile import gojson
from genreconcile.normalize import functions
from support.api.passing import Passing
from support.eventually import eventually
from support.nested import is_read, nested
from support.objects import config_map, definition, obj, pod_template, struct, version, workload

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
        assert f"ConfigMap {namespace}/first failed: " in str(result.failures[0])
        assert [outcome.status for outcome in reconciler.reconcile(objects(namespace))] == ["unchanged"] * 3


@pytest.mark.parametrize("depth", [700, 2000])
def test_a_live_object_that_is_nested_deeply(control_plane, namespace, depth):
    """Who may write a custom resource may nest it as deep as the server takes: what this Python reads is repaired; what
    it does not read is there, and harms no other.
    """
    group = f"{namespace}.example.com"
    free = version(schema=struct(spec={"type": "object", "x-kubernetes-preserve-unknown-fields": True}))
    things = [obj(f"{group}/v1", "Thing", name, namespace, spec={"a": 1}) for name in ("deep", "flat")]
    with gr.Reconciler(gr.connect(kubeconfig=str(control_plane.kubeconfig))) as reconciler:
        reconciler.reconcile([definition(group, free), *things]).raise_for_failures()
        admin = gr.connect(kubeconfig=str(control_plane.kubeconfig))
        path = f"/apis/{group}/v1/namespaces/{namespace}/things"
        value = nested(depth)
        patch = b'[{"op":"add","path":"/spec/deep","value":%b}]' % value
        admin.request("PATCH", f"{path}/deep", body=patch, content_type="application/json-patch+json")
        if is_read(value):
            assert eventually(
                lambda: [found.status for found in reconciler.reconcile(things)] == ["configured", "unchanged"]
            )
            assert gojson.loads(admin.request("GET", f"{path}/deep"))["spec"] == {"a": 1}
            assert [outcome.status for outcome in reconciler.reconcile(things)] == ["unchanged"] * 2
            return
        assert eventually(lambda: "not readable" in str(reconciler.reconcile(things).failures))
        for fresh in (False, True):
            with contextlib.ExitStack() as stack:
                again = reconciler if not fresh else stack.enter_context(gr.Reconciler(admin))
                things[1]["spec"]["a"] += 1
                prunes = {"delete_from_namespace": namespace, "delete_selector": "!app"}
                result = again.reconcile(things, kinds=[f"{group}/v1/Thing"], **prunes)
                assert [outcome.status for outcome in result][:2] == ["failed", "configured"]
                assert f"{namespace}/deep: not compared: {namespace}/deep: not readable" in str(
                    result.failures[0].error
                )
                result = again.reconcile(things[1:], **prunes)
                assert [outcome.status for outcome in result][:1] == ["unchanged"]
        assert b'"name":"deep"' in admin.request("GET", f"{path}/deep")
