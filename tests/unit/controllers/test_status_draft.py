"""The patch of a status, sentence by sentence of the design, applied by a server in memory that keeps managedFields."""

import datetime as dt
import sys

import pytest

from genreconcile.controllers.status import Room, Run, Verdict, draft
from genreconcile.controllers.status.verdict import DEADLINE_EXCEEDED, GUARD_REFUSED
from genreconcile.errors import Conflict, Invalid
from genreconcile.testing.fake.fakecluster import FakeCluster
from support.objects import config_map, struct
from support.status_ground import (
    ATOMIC,
    CONDITIONS,
    DEFAULTED,
    KEYS,
    MANAGER,
    WHOLE,
    WIDE,
    catalog_of,
    memo,
    memo_kind,
    other_condition,
)

GROUP = "memo.example.dev"
KIND = f"{GROUP}/v1/Memo"
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
READY = Verdict.reconciled()


class Ground:
    """One parent in memory, whose status is written by drafts and by others."""

    def __init__(self, status=WIDE, parent=None, **options):
        self.parent = parent or memo(GROUP)
        self.fake = FakeCluster([memo_kind(GROUP, status, **options), self.parent])
        catalog = catalog_of(self.fake)
        self.kind = f"{self.parent['apiVersion']}/{self.parent['kind']}"
        self.resource = catalog.discovery.resources()
        found = next(one for one in self.resource if str(one.gvk) == self.kind)
        self.room = Room.of(found, catalog.kind_type(found))
        self.now = START

    @property
    def live(self):
        return self.fake.get(self.kind, self.parent["metadata"]["name"])

    @property
    def status(self):
        return self.live.get("status", {})

    def pass_time(self):
        self.now += dt.timedelta(seconds=10)
        self.fake.clock.advance(10)

    def draft(self, run, live=None):
        return draft(live or self.live, run, self.room, MANAGER, self.now)

    def write(self, verdict=READY, keys=None, generation=1, live=None):
        """A run; afterwards nothing more is to be written."""
        run = Run(verdict=verdict, keys=keys, generation=generation)
        found = self.draft(run, live)
        if found.operations:
            self.patch(*found.operations, manager=MANAGER)
        again = self.draft(run)
        assert again.operations == []
        return found

    def patch(self, *operations, manager="other"):
        name = self.parent["metadata"]["name"]
        return self.fake.patch(self.kind, name, *operations, subresource="status", manager=manager)

    def add(self, path, value, manager="other"):
        return self.patch({"op": "add", "path": f"/status{path}", "value": value}, manager=manager)

    def conditions(self):
        return {found["type"]: found for found in self.status["conditions"]}


@pytest.fixture
def ground():
    return Ground()


def changes(found):
    return [(operation["op"], operation["path"]) for operation in found.operations if operation["op"] != "test"]


def test_the_first_status_is_made_whole(ground):
    found = ground.write(keys={"nodes": ["a"]})
    assert found.operations[1:3] == [
        {"op": "test", "path": "/status", "value": None},
        {"op": "add", "path": "/status", "value": {}},
    ]
    assert ground.status == {
        "nodes": ["a"],
        "observedGeneration": 1,
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Reconciled", "message": "", "observedGeneration": 1,
             "lastTransitionTime": "2026-01-01T00:00:00Z"},
        ],
    }  # fmt: skip


def test_a_status_that_somebody_made_meanwhile_is_not_overwritten(ground):
    before = ground.live
    ground.patch({"op": "add", "path": "/status", "value": {"note": "theirs"}})
    with pytest.raises(Invalid):
        ground.write(keys={"count": 1}, live=before)
    assert ground.status == {"note": "theirs"}


def test_it_is_written_only_when_something_differs(ground):
    ground.write(keys={"nodes": ["a"], "free": {"x": 1.0}, "ports": [{"port": 1}], "deep": {"a": "x"}})
    version = ground.live["metadata"]["resourceVersion"]
    ground.pass_time()
    found = ground.write(keys={"nodes": ["a"], "free": {"x": 1}, "ports": [{"port": 1}], "deep": {"a": "x"}})
    assert found.operations == []
    assert ground.live["metadata"]["resourceVersion"] == version


def test_keys_of_ours_that_the_run_did_not_set_go(ground):
    ground.write(keys={"count": 1, "note": "x"})
    found = ground.write(keys={"count": 1})
    assert changes(found) == [("remove", "/status/note")]
    assert "note" not in ground.status


def test_keys_of_others_stay(ground):
    ground.write(keys={"count": 1})
    ground.add("/note", "theirs")
    ground.write(keys={})
    assert ground.status["note"] == "theirs"
    assert "count" not in ground.status


def test_a_key_that_somebody_else_took_over_stays(ground):
    ground.write(keys={"note": "ours"})
    ground.add("/note", "theirs")
    ground.write(keys={})
    assert ground.status["note"] == "theirs"


def test_a_key_that_is_taken_over_while_it_goes_stays(ground):
    ground.write(keys={"note": "ours"})
    before = ground.live
    ground.add("/note", "theirs")
    with pytest.raises(Invalid):
        ground.write(keys={}, live=before)
    assert ground.status["note"] == "theirs"


def test_what_a_run_sets_is_written_whoever_wrote_it_before(ground):
    ground.add("", {"note": "theirs"})
    ground.write(keys={"note": "ours"})
    assert ground.status["note"] == "ours"


def test_inside_of_a_key_others_keep_their_own(ground):
    ground.write(keys={"labels": {"a": "1", "b": "2"}})
    ground.add("/labels/theirs", "x")
    ground.write(keys={"labels": {"a": "1"}})
    assert ground.status["labels"] == {"a": "1", "theirs": "x"}
    ground.write(keys={})
    assert ground.status["labels"] == {"theirs": "x"}


def test_a_default_of_the_server_is_no_difference(ground):
    ground.write(keys={"deep": {"a": "x"}, "ports": [{"port": 1}]})
    assert ground.status["deep"] == {"a": "x", "c": "server"}
    assert ground.status["ports"] == [{"port": 1, "protocol": "TCP"}]


def test_a_key_that_the_server_sets_stays_and_a_run_may_set_another():
    ground = Ground(DEFAULTED)
    ground.write(keys={"count": 1})
    assert ground.status["phase"] == "Pending"
    ground.write(keys={"phase": "Running"})
    ground.write(keys={})
    assert ground.status["phase"] == "Pending"


def test_keys_are_escaped_in_paths(ground):
    ground.write(keys={"labels": {"a/b": "1", "c~d": "2"}})
    ground.write(keys={"labels": {"a/b": "2"}})
    assert ground.status["labels"] == {"a/b": "2"}


def test_if_the_function_raises_only_conditions_change(ground):
    ground.write(keys={"count": 1, "conditions": [{"type": "Warm", "status": "True"}]})
    before = ground.status
    ground.pass_time()
    ground.write(Verdict.failed("ValueError"), keys=None, generation=2)
    after = ground.status
    assert {key: value for key, value in after.items() if key != "conditions"} == {
        key: value for key, value in before.items() if key != "conditions"
    }
    assert ground.conditions()["Ready"]["status"] == "False"
    assert ground.conditions()["Ready"]["observedGeneration"] == 2
    assert ground.conditions()["Warm"] == before["conditions"][1]


def test_ready_is_always_there_and_the_others_only_while_true(ground):
    ground.write(Verdict.progressing("waits for a Job"))
    assert {kind: found["status"] for kind, found in ground.conditions().items()} == {
        "Ready": "False", "Reconciling": "True"}  # fmt: skip
    ground.write(Verdict.stuck("too many deletions", GUARD_REFUSED))
    assert {kind: (found["status"], found["reason"]) for kind, found in ground.conditions().items()} == {
        "Ready": ("False", "GuardRefused"), "Stalled": ("True", "GuardRefused")}  # fmt: skip
    ground.write(keys={})
    assert set(ground.conditions()) == {"Ready"}


def test_last_transition_time_changes_with_status_alone(ground):
    ground.write(Verdict.failed("one"), keys={})
    first = ground.conditions()["Ready"]["lastTransitionTime"]
    ground.pass_time()
    ground.write(Verdict.failed("two", "Other"), keys={}, generation=2)
    assert ground.conditions()["Ready"] == {
        "type": "Ready", "status": "False", "reason": "Other", "message": "two", "observedGeneration": 2,
        "lastTransitionTime": first,
    }  # fmt: skip
    ground.write(keys={}, generation=2)
    assert ground.conditions()["Ready"]["lastTransitionTime"] == "2026-01-01T00:00:10Z"


def test_paused_keeps_the_status_of_ready(ground):
    ground.write(Verdict.paused())
    assert ground.conditions()["Ready"]["status"] == "Unknown"
    ground.write(keys={})
    ground.pass_time()
    ground.write(Verdict.paused("by the annotation"))
    ready = ground.conditions()["Ready"]
    assert (ready["status"], ready["reason"], ready["lastTransitionTime"]) == ("True", "Paused", "2026-01-01T00:00:00Z")


def test_a_function_that_did_not_run_observed_nothing(ground):
    ground.write(keys={}, generation=7)
    ground.write(Verdict.paused(), generation=None)
    assert ground.status["observedGeneration"] == ground.conditions()["Ready"]["observedGeneration"] == 7


def test_observed_generation_is_what_the_function_saw(ground):
    ground.write(keys={}, generation=7)
    assert ground.status["observedGeneration"] == 7
    ground.write(Verdict.failed("x"), generation=8)
    assert ground.status["observedGeneration"] == 7, "a function that raised left the status as it was"
    ground.write(Verdict.stuck("60 s", DEADLINE_EXCEEDED), generation=8)
    assert ground.status["observedGeneration"] == 8, "else readers would wait, and never see that it is stalled"


def test_the_observed_generation_of_another_stays(ground):
    ground.add("", {"observedGeneration": 3})
    found = ground.write(keys={}, generation=4)
    assert ground.status["observedGeneration"] == 3
    assert found.foreign == ("/status/observedGeneration",)
    assert ground.conditions()["Ready"]["observedGeneration"] == 4


def test_condition_types_of_others_stay_and_ours_go(ground):
    ground.write(keys={"conditions": [{"type": "Warm", "status": "True"}]})
    ground.add("/conditions/0", other_condition())
    ground.write(Verdict.progressing("x"), keys={})
    assert list(ground.conditions()) == ["Theirs", "Ready", "Reconciling"]
    assert ground.conditions()["Theirs"] == other_condition()


def test_a_ready_of_another_manager_stays(ground):
    ground.add("", {"conditions": [other_condition("Ready")]})
    found = ground.write(Verdict.progressing("x"), keys={})
    assert ground.conditions()["Ready"] == other_condition("Ready")
    assert found.foreign == ("/status/conditions/Ready",)
    assert "Reconciling" in ground.conditions()


def test_a_stalled_of_another_manager_stays(ground):
    ground.add("", {"conditions": [other_condition("Stalled")]})
    found = ground.write(keys={})
    assert ground.conditions()["Stalled"] == other_condition("Stalled")
    assert found.foreign == ()


def test_a_value_that_two_managers_own_stays(ground):
    live = ground.live | {"status": {"note": "x"}}
    both = [(MANAGER, "Update"), ("other", "Apply")]
    fields = {"subresource": "status", "fieldsV1": {"f:status": {"f:note": {}}}}
    live["metadata"]["managedFields"] = [{"manager": name, "operation": how, **fields} for name, how in both]
    assert "/status/note" not in {path for _, path in changes(ground.draft(Run(verdict=READY, keys={}), live))}


def test_our_ready_that_somebody_edited_is_repaired(ground):
    ground.write(keys={})
    ground.add("/conditions/0/status", "False")
    ground.write(keys={})
    assert ground.conditions()["Ready"]["status"] == "True"


def test_a_condition_is_found_by_its_type_not_by_its_index(ground):
    ground.write(keys={})
    before = ground.live
    ground.add("/conditions/0", other_condition())
    with pytest.raises(Invalid):
        ground.write(Verdict.failed("x"), keys={}, live=before)
    assert ground.conditions()["Theirs"] == other_condition()


def test_a_condition_whose_status_somebody_changed_meanwhile_is_read_again(ground):
    """Its lastTransitionTime would be wrong."""
    ground.write(keys={})
    before = ground.live
    ground.add("/conditions/0/status", "False")
    with pytest.raises(Invalid):
        ground.write(Verdict.failed("x"), keys={}, live=before)


@pytest.mark.parametrize("first", [[other_condition()], None])
def test_two_that_add_the_first_conditions_at_once_lose_none(first):
    ground = Ground(struct(conditions=ATOMIC, observedGeneration=WHOLE, **KEYS))
    ground.add("", {"count": 1} if first is None else {"conditions": first})
    before = ground.live
    ground.write(keys=None)
    with pytest.raises(Invalid):
        ground.write(Verdict.failed("x"), keys=None, live=before)
    assert [found["type"] for found in ground.status["conditions"]] == ["Theirs", "Ready"][first is None :]


def test_what_our_manager_wrote_elsewhere_is_not_ours(ground):
    """Of a time when the kind had no status subresource, or of another program that has the name."""
    live = ground.live | {"status": {"note": "x"}}
    live["metadata"]["managedFields"] = [
        {"manager": MANAGER, "operation": "Update", "fieldsV1": {"f:status": {"f:note": {}}}}
    ]
    found = ground.draft(Run(verdict=READY, keys={}), live)
    assert "/status/note" not in {path for _, path in changes(found)}


def test_in_an_atomic_list_nothing_of_others_is_lost():
    ground = Ground(struct(conditions=ATOMIC, observedGeneration=WHOLE, **KEYS))
    ground.write(keys={"conditions": [{"type": "Warm", "status": "True"}]})
    before = ground.live
    ground.add("/conditions/0", other_condition())
    with pytest.raises(Invalid):
        ground.write(Verdict.progressing("x"), keys={}, live=before)
    ground.write(Verdict.progressing("x"), keys={})
    assert list(ground.conditions()) == ["Theirs", "Ready", "Warm", "Reconciling"], "nobody knows whose Warm is"
    ground.write(keys={})
    assert list(ground.conditions()) == ["Theirs", "Ready", "Warm"]


def test_a_second_ready_in_a_list_goes():
    ground = Ground(struct(conditions=ATOMIC))
    ground.add("", {"conditions": [other_condition("Ready"), other_condition(), other_condition("Ready")]})
    ground.write(keys={})
    assert [found["type"] for found in ground.status["conditions"]] == ["Ready", "Theirs"]


def test_only_the_object_that_the_function_saw_is_written(ground):
    found = ground.draft(Run(verdict=READY, keys={}))
    assert found.operations[0] == {"op": "test", "path": "/metadata/uid", "value": ground.live["metadata"]["uid"]}


@pytest.mark.parametrize("value", [[None], [{"x": [None]}]])
def test_a_value_with_null_in_a_list_goes_under_the_version_of_the_object(ground, value):
    """A server ends the connection on a test of such a one."""
    ground.write(keys={"free": {"x": value, "y": 1}})
    before = ground.live
    found = ground.draft(Run(verdict=READY, keys={"free": {"y": 1}}, generation=1))
    assert ("replace", "/metadata/resourceVersion") in changes(found)
    assert not any(
        operation["path"] == "/status/free/x" and operation["op"] == "test" for operation in found.operations
    )
    ground.add("/note", "theirs")
    with pytest.raises(Conflict):
        ground.write(keys={"free": {"y": 1}}, live=before)
    ground.write(keys={"free": {"y": 1}})
    assert ground.status["free"] == {"y": 1}


def test_a_value_of_a_wrong_type_is_a_condition_with_the_path(ground):
    ground.write(keys={"count": 1})
    found = ground.write(keys={"count": "hunter2", "note": "x"})
    assert found.refused.path == "/status/count"
    ready = ground.conditions()["Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "Failed")
    assert ready["message"] == "/status/count: must be of type integer, not a string; correct the value"
    assert (ground.status["count"], "note" in ground.status) == (1, False), "status keeps its last values"


def nested(depth):
    value = "x"
    for _ in range(depth):
        value = {"x": value}
    return value


@pytest.mark.parametrize(("depth", "is_written"), [(100, True), (20_000, False), (100_000, False)])
def test_a_status_that_is_nested_too_deeply_is_a_condition(ground, depth, is_written):
    found = ground.write(keys={"free": nested(depth)})
    assert (found.refused is None) == is_written == ("free" in ground.status)
    assert ("too deeply" in ground.conditions()["Ready"]["message"]) != is_written


@pytest.mark.parametrize("depth", [900, 1200, 5000])
def test_a_status_that_some_pythons_find_too_deep_is_written_or_a_condition(ground, depth):
    found = ground.write(keys={"free": nested(depth)})
    is_written = "free" in ground.status
    assert is_written == (found.refused is None)
    assert not is_written or sys.version_info >= (3, 12)
    assert ("too deeply" in ground.conditions()["Ready"]["message"]) != is_written


def test_a_run_that_stalled_stays_so_if_its_values_are_refused_too(ground):
    found = ground.write(Verdict.stuck("too many", GUARD_REFUSED), keys={"count": "x"})
    assert found.refused is not None
    assert ground.conditions()["Stalled"]["reason"] == "GuardRefused"


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ({"free": {"x": {1, 2}}}, "/free/x"),
        ({"free": {"x": object()}}, "/free/x"),
        ({"free": {1: "x"}}, "/free"),
        ({"free": {"x": float("nan")}}, "/free/x"),
        ({"observedGeneration": 1}, "/status/observedGeneration"),
        ({"conditions": "x"}, "/status/conditions"),
        ({"conditions": [{"type": "A", "status": "True", "severity": "high"}]}, "/status/conditions/0"),
        ({"conditions": [{"type": "A"}]}, "/status/conditions/0"),
        ({"conditions": [{"type": "Ready", "status": "True"}]}, "/status/conditions/0/type"),
        ({"conditions": [{"type": "A", "status": "True"}] * 2}, "/status/conditions/1/type"),
    ],
)
def test_what_is_no_status_is_a_condition_not_a_crash(ground, keys, path):
    found = ground.write(keys=keys)
    assert path in str(found.refused)
    assert path in ground.conditions()["Ready"]["message"]


def test_keys_that_the_schema_lacks_are_left_out(ground):
    found = ground.write(keys={"unknown": 1, "deep": {"a": "x", "z": 1}, "count": 2})
    assert found.left_out == ("/status/unknown", "/status/deep/z")
    assert (ground.status["count"], ground.status["deep"]) == (2, {"a": "x", "c": "server"})


def test_without_a_status_subresource_nothing_is_written():
    ground = Ground(subresource=False)
    assert ground.room.warning == (
        f"{KIND}: no status is written: the kind has no status subresource; declare it in the definition of the kind"
    )
    assert ground.write(keys={"count": 1}).operations == []


def test_without_a_status_in_the_schema_nothing_is_written():
    ground = Ground(None)
    assert ground.room.warning == f"{KIND}: no status is written: its schema has no status; declare it there"
    assert ground.write(keys={"count": 1}).operations == []


@pytest.mark.parametrize(
    "conditions",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "array", "items": struct(type={"type": "string"})},
        {"type": "string"},
        {"type": "object", "additionalProperties": {"type": "string"}},
    ],
)
def test_without_room_for_conditions_they_are_left_out(conditions):
    ground = Ground(struct(conditions=conditions, count=WHOLE))
    assert ground.room.warning == (
        f"{KIND}: its schema has no room in status for conditions (a list of objects with type and status) and "
        "observedGeneration: not written; declare it there"
    )
    found = ground.write(keys={"count": 1, "conditions": [{"type": "Warm", "status": "True"}]})
    assert ground.status == {"count": 1}
    assert found.left_out == ("/status/conditions",)


def test_a_condition_has_the_fields_that_there_is_room_for():
    members = struct(type={"type": "string"}, status={"type": "string"})
    ground = Ground(struct(conditions={"type": "array", "items": members}, observedGeneration=WHOLE))
    assert ground.room.warning == ""
    ground.write(keys={})
    assert ground.status["conditions"] == [{"type": "Ready", "status": "True"}]


def test_where_the_schema_allows_anything_everything_is_written():
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for options in ({"status": anything}, {"root": anything}):
        ground = Ground(**options)
        assert ground.room.warning == ""
        ground.write(keys={"any": {"x": [1, None]}})
        ground.add("/theirs", 1)
        ground.write(Verdict.progressing("x"), keys={})
        assert ground.status.keys() == {"conditions", "observedGeneration", "theirs"}


def test_a_parent_of_a_kind_without_status_gets_none():
    ground = Ground(parent=config_map("c", "default"))
    assert "no status subresource" in ground.room.warning
    assert ground.write(keys={"x": 1}).operations == []


def test_a_wide_room_warns_of_nothing(ground):
    assert ground.room.warning == ""
    assert ground.room.by_type
    assert Ground(struct(conditions=CONDITIONS)).room.warning.endswith(
        "for observedGeneration: not written; declare it there"
    )


def test_a_patch_that_comes_late_undoes_nothing(ground):
    """Another process has written the status since: the same conditions with another message, a key, the generation."""
    ground.write(Verdict.progressing("one"), {"note": "1"})
    late = {
        "message": ground.draft(Run(verdict=Verdict.progressing("two"), keys={"note": "1"}, generation=1)),
        "key": ground.draft(Run(verdict=Verdict.progressing("one"), keys={"note": "2"}, generation=1)),
        "generation": ground.draft(Run(verdict=Verdict.progressing("one"), keys={"note": "1"}, generation=2)),
    }
    ground.write(Verdict.progressing("newer"), {"note": "newer"}, generation=3)
    before = ground.status
    for what, found in late.items():
        with pytest.raises(Invalid):
            ground.patch(*found.operations, manager=MANAGER)
        assert ground.status == before, what
