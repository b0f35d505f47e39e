"""Any runs, and any writers between them: what must hold of every patch."""

import contextlib
import copy
import datetime as dt
import itertools
import json

from hypothesis import given
from hypothesis import strategies as st
from jsonpatch import JsonPatch

from genreconcile.controllers.status import Room, Run, Verdict, draft
from genreconcile.errors import Invalid
from genreconcile.testing.fake.fakecluster import FakeCluster
from support.objects import struct
from support.status_ground import ATOMIC, KEYS, MANAGER, WHOLE, WIDE, catalog_of, memo, memo_kind, resource_of

GROUPS = {"map.example.dev": WIDE, "atomic.example.dev": struct(conditions=ATOMIC, observedGeneration=WHOLE, **KEYS)}
FAKE = FakeCluster([memo_kind(group, status) for group, status in GROUPS.items()])
CATALOG = catalog_of(FAKE)
NUMBERS = itertools.count()
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

text = st.sampled_from(["", "a", "<é>", "x/y"])
labels = st.dictionaries(st.sampled_from(["a", "b", "a/b", "~"]), text, max_size=3)
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2).map(lambda value: round(value, 2)) | text
free = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2))
conditions = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["Warm", "Cold"]), "status": st.sampled_from(["True", "False", "Unknown"])},
        optional={"message": text, "reason": st.just("Because")},
    ),
    max_size=2,
    unique_by=lambda condition: condition["type"],
)
keys = st.fixed_dictionaries(
    {},
    optional={
        "nodes": st.lists(text, max_size=2),
        "count": st.integers(0, 3),
        "note": text,
        "labels": labels,
        "ports": st.lists(st.fixed_dictionaries({"port": st.integers(0, 2)}), max_size=2),
        "deep": st.fixed_dictionaries({}, optional={"a": text, "b": text, "c": text}),
        "free": st.dictionaries(text, free, max_size=2),
        "conditions": conditions,
    },
)
verdicts = st.sampled_from([
    Verdict.reconciled(), Verdict.progressing("waits"), Verdict.failed("broken"), Verdict.paused(),
    Verdict.stuck("too many", "GuardRefused"),
])  # fmt: skip
runs = st.builds(Run, verdict=verdicts, generation=st.integers(1, 3), keys=st.none() | keys)
# Others: keys that a run may set as well, members inside of them, conditions of their own.
others = st.sampled_from([
    ("/theirs", "x"), ("/note", "theirs"), ("/labels", {"theirs": "1"}), ("/labels/theirs", "2"), ("/count", 9),
    ("/deep/b", "theirs"), ("/conditions/0", "Theirs"), ("/conditions/-", "Others"),
])  # fmt: skip
steps = st.lists(st.tuples(st.just("run"), runs) | st.tuples(st.just("other"), others), min_size=1, max_size=8)


class World:
    def __init__(self, group):
        self.kind, self.name = f"{group}/v1/Memo", f"m{next(NUMBERS)}"
        parent = FAKE.create(memo(group, self.name))
        resource = resource_of(CATALOG, parent)
        self.room = Room.of(resource, CATALOG.kind_type(resource))
        self.now = START
        self.theirs = {}

    @property
    def live(self):
        return FAKE.get(self.kind, self.name)

    def draft(self, run):
        return draft(self.live, run, self.room, MANAGER, self.now)

    def patch(self, operations, manager):
        return FAKE.patch(self.kind, self.name, *operations, subresource="status", manager=manager)

    def other(self, path, value):
        if path.startswith("/conditions/"):
            value = {
                "type": value,
                "status": "True",
                "reason": "R",
                "message": "",
                "lastTransitionTime": "2020-01-01T00:00:00Z",
            }
            if value["type"] in conditions_of(self.live):
                return
        operations = [{"op": "add", "path": f"/status{path}", "value": value}]
        if "status" not in self.live:
            operations.insert(0, {"op": "add", "path": "/status", "value": {}})
        with contextlib.suppress(Invalid):  # There is no place for it.
            self.patch(operations, "other")
            if "conditions" in path:
                self.theirs[value["type"]] = value


def conditions_of(live):
    return {found["type"]: found for found in live.get("status", {}).get("conditions", [])}


def foreign_fields(live):
    """The FieldsV1 of the other manager."""
    return [entry["fieldsV1"] for entry in live["metadata"]["managedFields"] if entry["manager"] == "other"]


@given(st.sampled_from(sorted(GROUPS)), steps)
def test_a_patch_does_all_at_once_and_takes_nothing_from_others(group, steps):
    world = World(group)
    for kind, what in steps:
        world.now += dt.timedelta(seconds=1)
        if kind == "other":
            world.other(*what)
            continue
        before = world.live
        found = world.draft(what)
        assert found.refused is None
        if found.operations:
            world.patch(found.operations, MANAGER)
        after = world.live
        assert world.draft(what).operations == [], "nothing more is to be done"
        holds_of_conditions(before, after, world, what)
        holds_of_keys(before, after, what)


def holds_of_conditions(before, after, world, run):
    old, new = conditions_of(before), conditions_of(after)
    assert {kind: new[kind] for kind in world.theirs} == world.theirs
    assert new["Ready"]["status"] == (run.verdict.ready or old.get("Ready", {"status": "Unknown"})["status"])
    for kind, cause in (("Reconciling", run.verdict.reconciling), ("Stalled", run.verdict.stalled)):
        assert (kind in new) == (cause is not None)
    for kind in new.keys() & old.keys():
        is_same = new[kind]["status"] == old[kind]["status"]
        assert (new[kind]["lastTransitionTime"] == old[kind]["lastTransitionTime"]) == is_same
    assert len(new) == len(after["status"]["conditions"]), "each type once"


def holds_of_keys(before, after, run):
    apart = {"conditions", "observedGeneration"}
    old, new = (
        {key: value for key, value in obj.get("status", {}).items() if key not in apart} for obj in (before, after)
    )
    if run.keys is None:
        assert old == new
        return
    for key, value in json.loads(json.dumps(run.keys)).items():
        assert key in apart or contains(new[key], value), key
    for key in old.keys() - run.keys.keys():
        owned_by_others = any(f"f:{key}" in fields["f:status"] for fields in foreign_fields(before))
        assert (key in new) == owned_by_others, key


def contains(found, wanted):
    if isinstance(wanted, dict):
        return all(value is None or contains(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(contains, found, wanted))
    return found == wanted


@given(runs, st.integers(0, 3))
def test_nothing_outside_of_status_is_changed(run, size):
    world = World("map.example.dev")
    live = copy.deepcopy(world.live)
    live["spec"]["size"] = size
    operations = [operation for operation in world.draft(run).operations if operation["op"] not in {"test", "replace"}]
    patched = JsonPatch(operations).apply(live)
    assert {key: value for key, value in patched.items() if key != "status"} == live
