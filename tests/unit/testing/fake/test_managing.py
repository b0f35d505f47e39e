"""Who owns which fields after an update or an apply."""

import pytest

from genreconcile.testing.fake.applying import applied
from genreconcile.testing.fake.managing import UPDATE, Writer, entries_of, managed, paths_of, shown
from genreconcile.testing.fake.shape import Shape
from genreconcile.testing.fake.wire import Refusal

TEXT = {"type": "string"}
PORT = {
    "type": "object",
    "properties": {"port": {"type": "integer"}, "protocol": {**TEXT, "default": "TCP"}, "name": TEXT},
}
PORTS = {
    "type": "array",
    "items": PORT,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["port", "protocol"],
}
SHAPE = Shape(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "ports": PORTS,
                    "tags": {"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"},
                    "atoms": {"type": "array", "items": TEXT},
                    "whole": {"type": "object", "x-kubernetes-map-type": "atomic"},
                    "map": {"type": "object", "additionalProperties": TEXT},
                },
            }
        },
    },
    {},
)  # fmt: skip


def writer(name, *, operation=UPDATE, time="1"):
    return Writer(name, "v1", "", time, operation)


def obj(entries=(), **spec):
    return {"metadata": {"managedFields": list(entries)} if entries else {}, "spec": spec}


def after(*states, manager="other"):
    """An object that its maker made in the first state, and another manager brought into each other one."""
    live = obj(managed(None, obj(**states[0]), SHAPE, writer("maker")), **states[0])
    for number, state in enumerate(states[1:]):
        entries = managed(live, obj(**state), SHAPE, writer(manager, time=str(number + 2)))
        live = obj(entries, **state)
    return live


def owned(live, manager):
    return {shown(path) for entry in entries_of(live) if entry["manager"] == manager for path in paths_of(entry)}


_PORT = {"port": 80}
_NAMED = '.spec.ports[port=80,protocol="TCP"]'
_SPEC, _MAP, _TAGS = {".spec"}, {".spec", ".spec.map"}, {".spec", ".spec.tags"}
_CASES = {
    "another value": (
        [{"map": {"a": "1", "b": "1"}}, {"map": {"a": "2", "b": "1"}}],
        _MAP | {".spec.map.b"},
        {".spec.map.a"},
    ),
    "a new field": (
        [{"map": {"a": "1"}}, {"map": {"a": "1", "b": "1"}}],
        _MAP | {".spec.map.a"},
        {".spec.map.b"},
    ),
    "a field that goes": ([{"map": {"a": "1", "b": "1"}}, {"map": {"b": "1"}}], _MAP | {".spec.map.b"}, set()),
    "a list that is one value": ([{"atoms": ["a"]}, {"atoms": ["a", "b"]}], _SPEC, {".spec.atoms"}),
    "a map that is one value": ([{"whole": {"a": 1}}, {"whole": {"a": 1, "b": 2}}], _SPEC, {".spec.whole"}),
    "a member of a set": (
        [{"tags": ["a"]}, {"tags": ["b", "a"]}],
        _TAGS | {'.spec.tags[="a"]'},
        {'.spec.tags[="b"]'},
    ),
    "a member of a list": (
        [{"ports": [_PORT]}, {"ports": [{**_PORT, "name": "x"}]}],
        {".spec", ".spec.ports", _NAMED, f"{_NAMED}.port"},
        {f"{_NAMED}.name"},
    ),
    "order": (
        [{"tags": ["a", "b"]}, {"tags": ["b", "a"]}],
        _TAGS | {'.spec.tags[="a"]', '.spec.tags[="b"]'},
        set(),
    ),
    "back again": ([{"map": {"a": "1"}}, {"map": {"a": "2"}}, {"map": {"a": "1"}}], _MAP, {".spec.map.a"}),
}


@pytest.mark.parametrize(("states", "makers", "others"), _CASES.values(), ids=_CASES)
def test_an_update_takes_what_it_changes(states, makers, others):
    live = after(*states)
    assert (owned(live, "maker"), owned(live, "other")) == (makers, others)


def test_who_owns_nothing_any_more_is_not_named():
    live = after({"atoms": ["a"]}, {"atoms": ["b"]})
    gone = managed(live, obj(), SHAPE, writer("third"))
    assert [entry["manager"] for entry in gone] == ["maker"]
    assert [entry["manager"] for entry in managed(live, {"metadata": {}}, SHAPE, writer("third"))] == []


def test_a_time_is_that_of_the_last_change_of_ownership():
    live = after({"map": {"a": "1"}}, {"map": {"a": "2"}}, {"map": {"a": "3"}})
    assert [(entry["manager"], entry["time"]) for entry in entries_of(live)] == [("maker", "1"), ("other", "2")]


def apply(live, manager, *, force=False, **spec):
    found = applied(live, {"metadata": {}, "spec": spec}, SHAPE, writer(manager, operation="Apply"), force=force)
    return {**found.obj, "metadata": {"managedFields": found.entries}}


def test_an_apply_merges_and_owns_what_it_gives():
    first = apply(None, "a", tags=["x", "y"], ports=[{"port": 80, "protocol": "TCP"}])
    both = apply(first, "b", tags=["z", "x"], ports=[{"port": 90, "protocol": "TCP", "name": "n"}])
    assert both["spec"]["tags"] == ["z", "x", "y"]
    assert [port["port"] for port in both["spec"]["ports"]] == [80, 90]
    assert owned(both, "a") >= {'.spec.tags[="x"]', '.spec.tags[="y"]', f"{_NAMED}.port"}
    assert owned(both, "b") >= {'.spec.tags[="x"]', '.spec.tags[="z"]'}
    without = apply(both, "b", tags=["z"])
    assert without["spec"]["tags"] == ["z", "x", "y"]
    assert [port["port"] for port in without["spec"]["ports"]] == [80]


def test_what_is_given_up_stays_where_another_gives_it():
    both = apply(apply(None, "a", map={"k": "1", "l": "1"}), "b", map={"k": "1"})
    assert apply(both, "a", map={"l": "1"})["spec"]["map"] == {"k": "1", "l": "1"}
    assert apply(apply(both, "a", map={"l": "1"}), "b", map={"n": "1"})["spec"]["map"] == {"l": "1", "n": "1"}


def test_a_conflict_names_all_fields():
    live = after({"map": {"a": "1", "b": "1"}, "atoms": ["x"]})
    with pytest.raises(Refusal) as raised:
        apply(live, "b", map={"a": "2", "b": "1"}, atoms=["y"])
    details = raised.value.status["details"]
    assert [cause["field"] for cause in details["causes"]] == [".spec.atoms", ".spec.map.a"]
    assert {cause["message"] for cause in details["causes"]} == {'conflict with "maker" using v1'}
    forced = apply(live, "b", force=True, map={"a": "2", "b": "1"}, atoms=["y"])
    assert owned(forced, "maker") == {".spec", ".spec.map", ".spec.map.b"}
    assert owned(forced, "b") == {".spec.map.a", ".spec.map.b", ".spec.atoms"}
