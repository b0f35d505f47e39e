"""The status that a controller writes, on a real server beside other writers."""

import threading

import pytest

import genreconcile as gr
from genreconcile.controllers.status import INTEREST, Run, Verdict
from genreconcile.controllers.status.verdict import GUARD_REFUSED
from genreconcile.objects import ObjectKey
from support.eventually import eventually
from support.objects import config_map, obj, pod_template, struct, workload
from support.status_ground import (
    ATOMIC,
    DEFAULTED,
    KEYS,
    MANAGER,
    WHOLE,
    WIDE,
    StatusGround,
    conditions_of,
    memo,
    memo_kind,
    other_condition,
)

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
READY = Verdict.reconciled()
SHAPES = {
    "wide": {"status": WIDE},
    "atomic": {"status": struct(conditions=ATOMIC, observedGeneration=WHOLE, **KEYS)},
    "defaulted": {"status": DEFAULTED},
    "none": {"status": WIDE, "subresource": False},
    "narrow": {"status": struct(count=WHOLE, small={"type": "integer", "maximum": 9})},
    "bare": {"status": None},
    "any": {"root": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
}


@pytest.fixture(scope="module")
def cluster(control_plane):
    opened = gr.connect(kubeconfig=str(control_plane.kubeconfig))
    admin = StatusGround(opened, "apiextensions.k8s.io/v1/CustomResourceDefinition")
    made = [admin.create(memo_kind(f"{name}.status.example.dev", **shape)) for name, shape in SHAPES.items()]
    for kind in made:
        assert eventually(lambda kind=kind: "Established" in conditions_of_or_none(admin.live(kind)))
    yield opened
    admin.stop()
    opened.close()


def conditions_of_or_none(live):
    return conditions_of(live) if (live.get("status") or {}).get("conditions") else {}


@pytest.fixture
def make(cluster, namespace):
    """A parent of a shape, and the ground on which it stands."""
    grounds = []

    def made(shape, **options):
        group = f"{shape}.status.example.dev"
        ground = StatusGround(cluster, f"{group}/v1/Memo", **options)
        grounds.append(ground)
        parent = eventually(
            lambda: ground.create(memo(group, namespace=namespace)), despite=(gr.NotFound, gr.Throttled)
        )
        return ground, parent

    yield made
    for ground in grounds:
        ground.stop()


def version(live):
    return live["metadata"]["resourceVersion"]


@pytest.mark.parametrize("shape", ["wide", "atomic", "any"])
def test_a_status_is_written_once_and_then_only_where_it_differs(make, shape):
    ground, parent = make(shape)
    keys = {
        "nodes": ["a<é>"], "count": 1, "ports": [{"port": 1}], "deep": {"a": "x"}, "labels": {"a/b": "1"},
        "free": {"x": 2.0, "y": [None, {"z": None}]}, "conditions": [{"type": "Warm", "status": "True"}],
    }  # fmt: skip
    written = ground.write(parent, READY, keys)
    assert (written.status, written.error) == ("written", None)
    before = ground.live(parent)
    assert before["status"]["observedGeneration"] == parent["metadata"]["generation"]
    assert before["status"]["free"] == {"x": 2, "y": [None, {"z": None}]}
    assert list(conditions_of(before)) == ["Ready", "Warm"]
    assert ground.write(parent, READY, keys).status == "unchanged"
    assert version(ground.live(parent)) == version(before)
    for verdict in (Verdict.progressing("x"), Verdict.stuck("y", GUARD_REFUSED), Verdict.failed("z"), READY):
        assert ground.write(parent, verdict, {}).status == "written"
        assert ground.write(parent, verdict, {}).status == "unchanged"
    left = ground.live(parent)["status"]
    assert left.keys() == {"observedGeneration", "conditions"}
    assert list(conditions_of(ground.live(parent))) == (["Ready"] if shape == "wide" else ["Ready", "Warm"])


def test_a_second_manager_keeps_its_keys_and_conditions(make):
    ground, parent = make("wide")
    ground.write(parent, READY, {"count": 1, "note": "ours", "labels": {"a": "1"}})
    ground.patch(
        parent,
        {"op": "add", "path": "/status/nodes", "value": ["theirs"]},
        {"op": "replace", "path": "/status/note", "value": "theirs"},
        {"op": "add", "path": "/status/labels/theirs", "value": "2"},
        {"op": "add", "path": "/status/conditions/0", "value": other_condition()},
    )
    ground.write(parent, Verdict.progressing("x"), {})
    live = ground.live(parent)
    assert {key: live["status"].get(key) for key in ("nodes", "note", "labels", "count")} == {
        "nodes": ["theirs"], "note": "theirs", "labels": {"theirs": "2"}, "count": None}  # fmt: skip
    assert conditions_of(live)["Theirs"] == other_condition()
    owners = {entry["manager"] for entry in live["metadata"]["managedFields"] if entry.get("subresource") == "status"}
    assert owners == {MANAGER, "other"}


def test_observed_generation_is_the_one_that_the_function_saw(make):
    ground, parent = make("wide")
    ground.patch(parent, {"op": "replace", "path": "/spec/size", "value": 2}, subresource="")
    written = ground.write(parent, READY, {}, seen=parent)
    assert written.status == "written"
    live = ground.live(parent)
    assert (live["metadata"]["generation"], live["status"]["observedGeneration"]) == (2, 1)
    assert conditions_of(live)["Ready"]["observedGeneration"] == 1


@pytest.mark.parametrize("shape", ["wide", "atomic"])
def test_a_view_that_is_old_harms_nobody(make, shape):
    ground, parent = make(shape)
    ground.write(parent, READY, {"note": "ours"})
    old = ground.live(parent)
    ground.patch(
        parent,
        {"op": "add", "path": "/status/note", "value": "theirs"},
        {"op": "add", "path": "/status/conditions/0", "value": other_condition()},
    )
    assert ground.write(parent, Verdict.progressing("x"), {}, seen=old).status == "written"
    live = ground.live(parent)
    assert live["status"]["note"] == "theirs"
    assert list(conditions_of(live)) == ["Theirs", "Ready", "Reconciling"]
    assert conditions_of(live)["Theirs"] == other_condition()


@pytest.mark.parametrize("shape", ["wide", "atomic"])
def test_of_two_writers_at_once_nothing_is_lost(make, shape):
    ground, parent = make(shape)
    rounds, problems = 40, []
    ground.write(parent, READY, {})
    ground.patch(parent, {"op": "add", "path": "/status/conditions/0", "value": other_condition()})

    def others():
        """A condition and a key of their own, and another one that comes and goes in front, so that ours move."""
        for number in range(rounds):
            at = list(conditions_of(ground.live(parent))).index("Theirs")
            ground.patch(
                parent,
                {"op": "test", "path": f"/status/conditions/{at}/type", "value": "Theirs"},
                {"op": "replace", "path": f"/status/conditions/{at}/message", "value": str(number)},
                {"op": "add", "path": "/status/labels", "value": {"theirs": str(number)}},
            )
            ground.patch(parent, {"op": "add", "path": "/status/conditions/0", "value": other_condition("Moves")})
            live = ground.live(parent)
            texts = (conditions_of(live)["Theirs"]["message"], live["status"]["labels"]["theirs"])
            if texts != (str(number), str(number)) or "Moves" not in conditions_of(live):
                problems.append(number)
            ground.patch(
                parent,
                {"op": "test", "path": "/status/conditions/0/type", "value": "Moves"},
                {"op": "remove", "path": "/status/conditions/0"},
            )

    thread = threading.Thread(target=others)
    thread.start()
    outcomes = []
    while thread.is_alive():
        for verdict in (Verdict.progressing("x"), READY):
            keys = {"count": len(outcomes)}
            written = ground.write(parent, verdict, keys)
            outcomes.append(written)
            live = ground.live(parent)
            if written.status == "written" and (
                live["status"]["count"] != keys["count"] or conditions_of(live)["Ready"]["status"] != verdict.ready
            ):
                problems.append(keys)
    thread.join()
    assert problems == []
    assert "written" in {written.status for written in outcomes}
    assert {type(written.error) for written in outcomes} <= {type(None), gr.Conflict}
    assert len(ground.live(parent)["status"]["conditions"]) in {2, 3}, "each type once"


def test_two_of_us_at_once_add_no_type_twice(make):
    for shape in ("wide", "atomic"):
        ground, parent = make(shape)
        ground.patch(parent, {"op": "add", "path": "/status", "value": {"conditions": [other_condition()]}})
        seen = ground.live(parent)
        first, second = ground.writer, ground.another()
        ground.write(parent, READY, {}, seen=seen)
        ground.writer = second
        assert ground.write(parent, READY, {}, seen=seen).error is None
        ground.writer = first
        assert [found["type"] for found in ground.live(parent)["status"]["conditions"]] == ["Theirs", "Ready"]


def test_a_parent_that_was_made_anew_gets_no_status_of_the_old_one(make):
    ground, old = make("wide")
    ground.cluster.request("DELETE", ground.path(old))
    assert ground.write(old, READY, {}, seen=old).status == "gone"
    new = ground.create(memo("wide.status.example.dev", namespace=old["metadata"]["namespace"]))
    assert ground.write(old, READY, {"count": 1}, seen=old).status == "gone"
    assert "status" not in ground.live(new)


def test_a_value_that_the_server_refuses_is_a_condition(make):
    ground, parent = make("wide")
    ground.write(parent, READY, {"small": 1})
    written = ground.write(parent, READY, {"small": 10, "count": 1})
    assert isinstance(written.error, gr.Invalid)
    live = ground.live(parent)
    ready = conditions_of(live)["Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "Failed")
    assert "status.small" in ready["message"]
    assert (live["status"]["small"], "count" in live["status"]) == (1, False)


def test_a_message_of_32_kib_is_taken(make):
    ground, parent = make("wide")
    assert ground.write(parent, Verdict.failed("é" * 40_000), {}).status == "written"
    message = conditions_of(ground.live(parent))["Ready"]["message"]
    assert 32 * 1024 - 4 < len(message.encode()) <= 32 * 1024


@pytest.mark.parametrize("shape", ["none", "bare"])
def test_without_room_nothing_is_written(make, shape):
    ground, parent = make(shape)
    assert "no status is written" in ground.writer.room().warning
    assert ground.write(parent, READY, {"count": 1}).status == "unchanged"
    assert version(ground.live(parent)) == version(parent)


def test_in_a_narrow_schema_what_fits_is_written(make):
    ground, parent = make("narrow")
    assert "conditions" in ground.writer.room().warning
    written = ground.write(parent, Verdict.progressing("x"), {"count": 1, "other": 2})
    assert (written.status, written.draft.left_out) == ("written", ("/status/other",))
    assert ground.live(parent)["status"] == {"count": 1}


def test_a_config_map_has_no_status(cluster, namespace):
    ground = StatusGround(cluster, "v1/ConfigMap")
    parent = ground.create(config_map("c", namespace))
    assert ground.write(parent, READY, {"x": 1}).status == "unchanged"
    assert version(ground.live(parent)) == version(parent)
    ground.stop()


def test_the_status_that_kubernetes_writes_on_a_deployment_stays(cluster, namespace):
    ground = StatusGround(cluster, "apps/v1/Deployment")
    labels = {"app": "web"}
    parent = ground.create(obj("apps/v1", "Deployment", "web", namespace, spec=workload(pod_template(labels))))
    theirs = {"type": "Available", "status": "False", "reason": "R", "message": "m"}
    theirs |= dict.fromkeys(("lastTransitionTime", "lastUpdateTime"), "2020-01-01T00:00:00Z")
    status = {"observedGeneration": 1, "unavailableReplicas": 1, "conditions": [theirs]}
    operation = {"op": "replace", "path": "/status", "value": status}
    ground.patch(parent, operation, manager="kube-controller-manager")
    ground.patch(parent, {"op": "replace", "path": "/spec/replicas", "value": 2}, subresource="")
    for verdict in (Verdict.progressing("x"), READY, READY):
        ground.write(parent, verdict, {"replicas": 1})
    assert ground.write(parent, READY, {"replicas": 1}).status == "unchanged"
    live = ground.live(parent)
    assert {key: value for key, value in live["status"].items() if key != "conditions"} == {
        "observedGeneration": 1, "unavailableReplicas": 1, "replicas": 1}  # fmt: skip
    assert conditions_of(live)["Available"] == theirs
    assert conditions_of(live)["Ready"]["status"] == "True"
    ground.stop()


def test_own_writes_wake_nobody_and_every_edit_of_others_does(make):
    ground, parent = make("defaulted", keep_managers=False, interest=INTEREST)
    where = {"namespace": parent["metadata"]["namespace"]}
    news = set()

    def note(event):
        if ground.writer.news.has_news(event.record.decode()):
            news.add(event.resource_version)

    def run(**keys):
        seen = ground.cache.record(ground.resource, "m", **where).decode_with_managers()
        ground.writer.news.saw(seen)
        return ground.writer.write(seen, Run(verdict=READY, keys=keys, generation=1))

    def edit(path, value, subresource=""):
        edited = ground.patch(parent, {"op": "add", "path": path, "value": value}, subresource=subresource)
        assert eventually(lambda: version(edited) in news)
        return version(edited)

    assert ground.cache.wait_for(ground.resource, ObjectKey.of(parent), version(parent), 30.0)
    end = ground.cache.subscribe(note)
    for number in range(20):
        assert run(count=number, ports=[{"port": number}], deep={"a": str(number)}).status == "written"
    edits = {edit("/spec/size", 7), edit("/status/note", "theirs", "/status"), edit("/metadata/labels", {"a": "b"})}
    assert news == edits, "events come in order: those of our own writes have come as well"
    assert ground.live(parent)["status"]["phase"] == "Pending"
    end()
