"""What only its owner tells (docs/cases.md, R1.9 and R1.10): our own finalizers, and values that the server allots."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import genreconcile as gr
from support.api.passing import Recorded
from support.eventually import eventually
from support.node_ports import free_node_port, free_node_ports

PROGRAM = Path(sys.executable).with_name("genreconcile")
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
FINALIZER = "example.com/ours"


@pytest.fixture
def program(cluster):
    """Makes Reconcilers, each of which is a program of its own."""
    made = []

    def program(**settings):
        made.append(gr.Reconciler(Recorded(cluster), **settings))
        return made[-1]

    yield program
    for reconciler in made:
        reconciler.close()


def patch(world, obj, *operations, manager="somebody"):
    """Another manager writes; the object afterwards."""
    return world.send("PATCH", world.path(obj), list(operations), JSON_PATCH, {"fieldManager": manager})


def has_seen(world, reconciler, obj, answer):
    version, metadata = int(answer["metadata"]["resourceVersion"]), obj["metadata"]

    def seen():
        live = reconciler.cache.get(gr.GVK.of(obj), metadata["name"], namespace=metadata["namespace"])
        return live and int(live["metadata"]["resourceVersion"]) >= version

    assert eventually(seen)


def statuses(result):
    return [outcome.status for outcome in result]


def finalizers(world, obj):
    return world.get(obj)["metadata"].get("finalizers", [])


def guarded(world, *names, **metadata):
    return world.config(metadata={"finalizers": list(names), **metadata} if names else metadata, data={"a": "1"})


# R1.9: what we ourselves have added to a list that others share.


@pytest.mark.parametrize("rest", [[], ["example.com/stays"]], ids=["the last one", "one of two"])
def test_r1_9_a_finalizer_that_this_process_added_goes_when_it_leaves_the_manifest(world, rest):
    world.create(guarded(world, FINALIZER, *rest))
    world.repair(guarded(world, *rest))
    assert finalizers(world, guarded(world)) == rest


def test_r1_9_a_finalizer_that_a_patch_added_goes_as_well(world):
    world.create(guarded(world))
    world.repair(guarded(world, FINALIZER))
    world.repair(guarded(world))
    assert finalizers(world, guarded(world)) == []


def test_r1_9_in_an_owner_set_another_process_takes_it_away(world, program):
    settings = {"namespace": world.namespace, "owner": "configmaps/shop"}
    program().reconcile([guarded(world, FINALIZER)], **settings).raise_for_failures()
    patch(world, guarded(world), {"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/theirs"})
    assert statuses(program().reconcile([guarded(world)], **settings)) == ["configured"]
    assert finalizers(world, guarded(world)) == ["example.com/theirs"]


def test_r1_9_under_one_controller_another_process_takes_it_away(world, program):
    owner = world.post(world.config("owner"))["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"], "controller": True}
    child = {"ownerReferences": [reference]}
    program(field_manager="operator").reconcile([guarded(world, FINALIZER, **child)]).raise_for_failures()
    result = program(field_manager="operator").reconcile([guarded(world, **child)])
    assert statuses(result) == ["configured"]
    assert finalizers(world, guarded(world)) == []
    assert [ref["uid"] for ref in world.get(guarded(world))["metadata"]["ownerReferences"]] == [owner["uid"]]


@pytest.mark.parametrize("head", ["an owner set", "a controller", "nothing"])
def test_r1_9_no_finalizer_of_another_program_is_lost(world, program, control_plane, tmp_path, head):
    """Two programs and the command line under one name on one object, each with a finalizer; all come again, anew."""
    owner = world.post(world.config("boss"))["metadata"]
    boss = {"apiVersion": "v1", "kind": "ConfigMap", "name": "boss", "uid": owner["uid"], "controller": True}
    more = {"ownerReferences": [boss]} if head == "a controller" else {}
    settings = {"namespace": world.namespace, "owner": "configmaps/shop"} if head == "an owner set" else {}
    file = tmp_path / "cm.yaml"
    file.write_text(yaml.safe_dump(guarded(world, "example.com/cli")))

    def one(*names):
        result = program().reconcile([guarded(world, *names, **more)], **settings)
        result.raise_for_failures()
        return statuses(result)

    def two():
        program().reconcile([guarded(world, "example.com/two")]).raise_for_failures()

    def command_line():
        command = [PROGRAM, "apply", "-f", file, "--kubeconfig", control_plane.kubeconfig]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr

    for _ in range(2):
        one("example.com/one")
        two()
        command_line()
    assert sorted(finalizers(world, guarded(world))) == ["example.com/cli", "example.com/one", "example.com/two"]
    # Only an owner set knows its own again.
    assert one() == (["configured"] if head == "an owner set" else ["unchanged"])
    left = sorted(finalizers(world, guarded(world)))
    assert left == ["example.com/cli", *([] if head == "an owner set" else ["example.com/one"]), "example.com/two"]
    for _ in range(2):
        two()
        command_line()
        assert one() == ["unchanged"]
    assert sorted(finalizers(world, guarded(world))) == left


def test_r1_9_each_of_two_running_programs_takes_away_its_own(world, program):
    one, two = program(), program()
    one.reconcile([guarded(world, "example.com/one")]).raise_for_failures()
    two.reconcile([guarded(world, "example.com/two")]).raise_for_failures()
    has_seen(world, one, guarded(world), world.get(guarded(world)))
    assert statuses(one.reconcile([guarded(world)])) == ["configured"]
    assert finalizers(world, guarded(world)) == ["example.com/two"]
    has_seen(world, two, guarded(world), world.get(guarded(world)))
    assert statuses(two.reconcile([guarded(world)])) == ["configured"]
    assert finalizers(world, guarded(world)) == []


@pytest.mark.parametrize("what", ["two own it", "terminating", "no managedFields"])
def test_r1_9_a_finalizer_that_is_not_surely_ours_stays(world, program, what):
    settings = {"namespace": world.namespace, "owner": "configmaps/shop"}
    program().reconcile([guarded(world, FINALIZER)], **settings).raise_for_failures()
    if what == "two own it":
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "finalizers": [FINALIZER]}}
        query = {"fieldManager": "another"}
        world.send("PATCH", world.path(guarded(world)), body, APPLY, query)
    elif what == "terminating":
        world.delete(guarded(world))
    else:
        patch(world, guarded(world), {"op": "replace", "path": "/metadata/managedFields", "value": [{}]})
    reconciler = program()
    reconciler.reconcile([guarded(world)], **settings)  # The set does not vouch for it any more.
    result = reconciler.reconcile([guarded(world)], **settings)
    assert statuses(result) == ["skipped" if what == "terminating" else "unchanged"]
    assert finalizers(world, guarded(world)) == [FINALIZER]


def test_r1_9_an_owner_of_ours_goes_and_those_of_others_stay(world):
    owners = [world.post(world.config(f"owner-{n}"))["metadata"] for n in range(3)]
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["name"], "uid": owner["uid"]} for owner in owners
    ]
    world.create(guarded(world, ownerReferences=references[:2]))
    added = {"op": "add", "path": "/metadata/ownerReferences/-", "value": references[2]}
    world.wait_for(guarded(world), patch(world, guarded(world), added))
    world.repair(guarded(world, ownerReferences=references[:1]))
    left = world.get(guarded(world))["metadata"]["ownerReferences"]
    assert [reference["uid"] for reference in left] == [owners[0]["uid"], owners[2]["uid"]]


def test_r1_9_others_finalizers_cost_no_request(world, program):
    reconciler = program()
    settings = {"namespace": world.namespace, "owner": "configmaps/shop"}
    expected = [guarded(world, FINALIZER)]
    reconciler.reconcile(expected, **settings).raise_for_failures()
    added = {"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/theirs"}
    has_seen(world, reconciler, expected[0], patch(world, expected[0], added))
    reconciler.plan([], **{**settings, "allow_empty": True})
    recorded = reconciler._engine.catalog.discovery._cluster
    recorded.requests.clear()
    assert statuses(reconciler.reconcile(expected, **settings)) == ["unchanged"]
    assert [request for request in recorded.requests if "watch" not in request[1]] == []


# R1.10: values that the server allots.


def service(world, **spec):
    return world.obj("v1", "Service", "web", spec={"type": "NodePort", "ports": [{"port": 80}], **spec})


def node_port(value, index=0):
    return {"op": "replace", "path": f"/spec/ports/{index}/nodePort", "value": value}


def test_r1_10_a_node_port_moved_by_hand_is_found_and_put_back(world):
    expected = service(world)
    allotted = world.create(expected)["spec"]["ports"][0]["nodePort"]
    world.wait_for(expected, patch(world, expected, node_port(free_node_port()), manager="kubectl-patch"))
    assert world.plan(expected) == [{"op": "replace", "path": "/spec/ports/0/nodePort", "value": allotted}]
    world.repair(expected)
    assert world.get(expected)["spec"]["ports"][0]["nodePort"] == allotted


def test_r1_10_also_where_it_was_written_under_our_name(world):
    expected = service(world)
    allotted = world.create(expected)["spec"]["ports"][0]["nodePort"]
    world.edit(expected, node_port(free_node_port()))
    world.repair(expected)
    assert world.get(expected)["spec"]["ports"][0]["nodePort"] == allotted


def test_r1_10_the_member_is_known_again_where_others_stand_before_it(world):
    expected = service(world, ports=[{"name": "a", "port": 80}, {"name": "b", "port": 81}])
    allotted = world.create(expected)["spec"]["ports"][1]["nodePort"]
    turned = world.get(expected)["spec"]["ports"][::-1]
    world.wait_for(expected, patch(world, expected, {"op": "replace", "path": "/spec/ports", "value": turned}))
    changed = patch(world, expected, node_port(free_node_port(), 0))
    assert changed["spec"]["ports"][0]["name"] == "b"
    world.wait_for(expected, changed)
    world.reconcile(expected).raise_for_failures()
    assert {port["name"]: port["nodePort"] for port in world.get(expected)["spec"]["ports"]}["b"] == allotted


def test_r1_10_where_it_was_not_seen_before_it_is_told_and_left(world, program):
    expected = service(world)
    program().reconcile([expected]).raise_for_failures()
    moved = free_node_port()
    patch(world, expected, node_port(moved), manager="kubectl-patch")
    reconciler = program()
    for _ in range(2):
        (outcome,) = reconciler.reconcile([expected])
        assert outcome.status == "skipped"
        assert "/spec/ports/0/nodePort was set by kubectl-patch" in outcome.reason
        assert "write into the manifest" in outcome.reason
    expected["spec"]["ports"][0]["nodePort"] = moved
    assert statuses(reconciler.reconcile([expected])) == ["unchanged"]


def test_r1_10_what_the_creating_request_states_is_pinned(world, program, control_plane):
    """An object that was exported and applied again owns what was once allotted."""
    reconciler = program()
    reconciler.reconcile([service(world)]).raise_for_failures()
    exported = world.get(service(world))
    world.delete(exported)
    kept = {"name": "web", "namespace": world.namespace}
    live = world.send(
        "POST",
        world.path(exported).rpartition("/")[0],
        {**exported, "metadata": kept},
        query={"fieldManager": "kubectl-create"},
    )
    assert statuses(program().reconcile([service(world)])) == ["unchanged"]
    schema = gr.Schema.from_cluster(world.cluster)
    told = {one.path: one for one in gr.explain(service(world), live, schema=schema)}
    assert not told["/spec/ports/0/nodePort"].is_drift
    assert "pinned by kubectl-create" in str(told["/spec/ports/0/nodePort"])
    # Also when he who made it writes again, to another field.
    patch(world, exported, {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}, manager="kubectl-create")
    wanted = service(world)
    wanted["metadata"]["labels"] = {"a": "b"}
    assert statuses(program().reconcile([wanted])) == ["unchanged"]


def test_r1_10_a_pinned_value_that_changes_while_we_look_is_drift(world):
    expected = service(world)
    port, other = free_node_ports(2)
    pinned = service(world, ports=[{"port": 80, "nodePort": port}])
    path = world.path(expected)
    world.send("POST", path.rpartition("/")[0], pinned, query={"fieldManager": "somebody"})
    assert statuses(world.reconcile(expected)) == ["unchanged"]
    world.wait_for(expected, patch(world, expected, node_port(other)))
    world.repair(expected)
    assert world.get(expected)["spec"]["ports"][0]["nodePort"] == port


def test_r1_10_without_managed_fields_nothing_is_known_and_nothing_drifts(world, program):
    expected = service(world)
    world.create(expected)
    patch(world, expected, node_port(free_node_port()))
    patch(world, expected, {"op": "replace", "path": "/metadata/managedFields", "value": [{}]})
    assert statuses(program().reconcile([expected])) == ["unchanged"]


def test_r1_10_what_the_server_allots_anew_is_no_drift(world):
    expected = service(world)
    world.create(expected)
    away = {"op": "replace", "path": "/spec/type", "value": "ClusterIP"}
    world.wait_for(expected, patch(world, expected, away, {"op": "remove", "path": "/spec/ports/0/nodePort"}))
    world.repair(expected)
    live = world.get(expected)["spec"]
    assert (live["type"], "nodePort" in live["ports"][0]) == ("NodePort", True)
    assert statuses(world.reconcile(expected)) == ["unchanged"]


@pytest.mark.parametrize(
    ("manager", "status"), [("kube-controller-manager", "unchanged"), ("kubectl-annotate", "skipped")]
)
def test_r1_10_who_may_write_a_managed_value_is_data(world, program, manager, status):
    expected = world.deployment()
    program().reconcile([expected]).raise_for_failures()
    place = "/metadata/annotations/deployment.kubernetes.io~1revision"
    note = [{"op": "add", "path": "/metadata/annotations", "value": {}}, {"op": "add", "path": place, "value": "7"}]
    patch(world, expected, *note, manager=manager)
    (outcome,) = program().reconcile([expected])
    assert outcome.status == status, outcome
    assert (f"{place} was set by {manager}" in outcome.reason) == (status == "skipped")


def test_r1_10_the_steady_state_sends_nothing(world, program):
    expected = service(world)
    reconciler = program()
    reconciler.reconcile([expected]).raise_for_failures()
    recorded = reconciler._engine.catalog.discovery._cluster
    for value in free_node_ports(2):
        has_seen(world, reconciler, expected, patch(world, expected, node_port(value)))
        assert statuses(reconciler.reconcile([expected])) == ["configured"]
        assert statuses(reconciler.reconcile([expected])) == ["unchanged"]
        recorded.requests.clear()
        assert statuses(reconciler.reconcile([expected])) == ["unchanged"]
        assert recorded.requests == []


def test_r1_10_a_cache_that_was_there_before_learns_what_is_asked(world, cluster):
    """It is the operator's own, and asked nothing; then programs under two names use it."""
    expected = service(world)
    with gr.Cache(cluster, kinds=["v1/Service"]) as cache:
        cache.wait_for_sync()
        with (
            gr.Reconciler(cluster, cache=cache) as one,
            gr.Reconciler(cluster, cache=cache, field_manager="two") as two,
        ):
            one.reconcile([expected]).raise_for_failures()
            allotted = world.get(expected)["spec"]["ports"][0]["nodePort"]
            for reconciler in (one, two):
                assert statuses(reconciler.reconcile([expected])) == ["unchanged"]
                moved = patch(world, expected, node_port(free_node_port()))
                has_seen(world, reconciler, expected, moved)
                assert statuses(reconciler.reconcile([expected])) == ["configured"]
                assert world.get(expected)["spec"]["ports"][0]["nodePort"] == allotted
        assert "managedFields" not in cache.get("v1/Service", "web", namespace=world.namespace)["metadata"]
