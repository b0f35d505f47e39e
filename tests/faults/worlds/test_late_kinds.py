"""A definition is there, and its kind is not served yet: the process died between the two and is back at once."""

import pytest

import genreconcile as gr
from faults.worlds.small import World
from genreconcile.kinds import follow
from support.api.effects import Rewrite
from support.api.server import ScriptedServer

WORLD = World("late")


@pytest.fixture
def server():
    with ScriptedServer(1) as server:
        server.add_namespace(WORLD.namespace)
        server.admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WORLD.expected()[1])
        yield server


def without_group(answer):
    return {**answer, "items": [item for item in answer["items"] if item["metadata"].get("name") != WORLD.group]}


def reconcile(server):
    with gr.Reconciler(server.connect()) as reconciler:
        return reconciler.reconcile(WORLD.expected()[1:3]).counts


def test_a_kind_that_is_served_late_is_waited_for(server):
    late = server.faults.add(Rewrite(without_group), "get", path="/apis", times=4)
    assert reconcile(server)["created"] == 1
    assert late.fired == 4


def test_a_kind_that_is_never_served_is_waited_for_once(server, monkeypatch):
    monkeypatch.setattr(follow, "_LATE", 0.5)
    server.faults.add(Rewrite(without_group), "get", path="/apis", times=None)
    with gr.Reconciler(server.connect()) as reconciler:
        assert reconciler.reconcile(WORLD.expected()[1:3]).counts["failed"] == 1
        asked = len(server.log.entries("get", where=lambda entry: entry.path == "/apis"))
        assert reconciler.reconcile(WORLD.expected()[1:3]).counts["failed"] == 1
        assert len(server.log.entries("get", where=lambda entry: entry.path == "/apis")) <= asked + 1
