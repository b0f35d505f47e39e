"""F and H: lists under concurrent writers, and drift that others miss."""

import pytest

from support.node_ports import free_node_port

APPLY = "application/apply-patch+yaml"


def test_f3_order_of_variables_matters_and_that_of_volumes_does_not(world):
    expected = world.deployment()
    pod = expected["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}]
    pod["containers"][0]["env"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}]
    world.create(expected)
    template = "/spec/template/spec"
    world.edit(expected, {"op": "move", "from": f"{template}/volumes/0", "path": f"{template}/volumes/1"})
    assert world.plan(expected) == []
    env = f"{template}/containers/0/env"
    world.edit(expected, {"op": "move", "from": f"{env}/0", "path": f"{env}/1"})
    assert world.plan(expected) == [{"op": "move", "from": f"{env}/1", "path": f"{env}/0"}]
    world.repair(expected)


def test_f6_an_index_that_moved_meanwhile_is_never_patched(world):
    """A sidecar is injected in front between the comparison and the patch: a Conflict, not the wrong container."""
    expected = world.deployment()
    world.create(expected)
    containers = "/spec/template/spec/containers"
    world.edit(expected, {"op": "replace", "path": f"{containers}/0/image", "value": "evil:1"})
    plan = world.reconciler.plan([expected])
    world.edit(expected, {"op": "add", "path": f"{containers}/0", "value": {"name": "sidecar", "image": "side:1"}})
    (outcome,) = world.reconciler.apply(plan)
    assert outcome.status == "failed"
    images = [container["image"] for container in world.get(expected)["spec"]["template"]["spec"]["containers"]]
    assert images == ["side:1", "evil:1"], "nothing was written"
    world.repair(expected)
    (container,) = world.get(expected)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "nginx:1.27"


def test_h1_set_env_by_hand(world):
    expected = world.deployment()
    before = world.create(expected)
    container = {"name": "web", "env": [{"name": "NEW", "value": "1"}]}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    answer = world.send("PATCH", world.path(expected), patch, "application/strategic-merge-patch+json")
    world.wait_for(expected, answer)
    assert world.plan(expected) == [{"op": "remove", "path": "/spec/template/spec/containers/0/env"}]
    world.repair(expected)
    assert world.get(expected)["spec"] == before["spec"]


def test_h5_custom_resource_edited_by_hand(world):
    expected = world.sample(rules=[{"name": "a"}, {"name": "b"}])
    before = world.create(expected)
    world.edit(
        expected,
        {"op": "add", "path": "/spec/rules/1", "value": {"name": "injected"}},
        {"op": "replace", "path": "/spec/rules/0/name", "value": "edited"},
    )
    world.repair(expected)
    assert world.get(expected)["spec"] == before["spec"]


def test_h6_field_that_another_manager_owns(world):
    """Server-side apply leaves such a field in place for ever."""
    expected = world.deployment(minReadySeconds=5)
    world.create(expected)
    applied = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"minReadySeconds": 5, "paused": True, "template": {"spec": {"hostNetwork": True}}},
    }
    query = {"fieldManager": "other", "force": "true"}
    answer = world.send("PATCH", world.path(expected), applied, APPLY, query)
    world.wait_for(expected, answer)
    fewer = world.deployment()
    assert {(operation["op"], operation["path"]) for operation in world.plan(fewer)} == {
        ("remove", "/spec/minReadySeconds"),
        ("remove", "/spec/paused"),
        ("remove", "/spec/template/spec/hostNetwork"),
    }
    world.repair(fewer)


@pytest.mark.parametrize(
    ("expected_replicas", "drifts"), [(None, False), (3, True)], ids=["H8-default-omitted", "H8-default-expected"]
)
def test_value_changed_to_the_default(world, expected_replicas, drifts):
    expected = world.deployment(**({"replicas": expected_replicas} if expected_replicas else {}))
    world.create(expected)
    world.edit(expected, {"op": "replace", "path": "/spec/replicas", "value": 1})
    assert bool(world.plan(expected)) == drifts


def test_h9_a_node_port_set_by_hand_is_told_from_an_allocation(world):
    """Nobody owns what the server has allotted."""
    ports = [{"port": 80}]
    expected = world.obj("v1", "Service", "web", spec={"type": "NodePort", "ports": ports})
    allocated = world.create(expected)["spec"]["ports"][0]["nodePort"]
    other = free_node_port()
    world.edit(expected, {"op": "replace", "path": "/spec/ports/0/nodePort", "value": other})
    assert world.plan(expected) == [{"op": "replace", "path": "/spec/ports/0/nodePort", "value": allocated}]
    ports[0]["nodePort"] = allocated
    assert world.plan(expected) == [{"op": "replace", "path": "/spec/ports/0/nodePort", "value": allocated}]


def test_h10_explicit_zero_removed(world):
    expected = world.deployment(replicas=0)
    expected["spec"]["template"]["spec"]["automountServiceAccountToken"] = False
    before = world.create(expected)
    world.edit(
        expected,
        {"op": "remove", "path": "/spec/replicas"},
        {"op": "remove", "path": "/spec/template/spec/automountServiceAccountToken"},
    )
    world.repair(expected)
    assert world.get(expected)["spec"] == before["spec"]
