"""JSON patches as the server takes them, which is not always as RFC 6902 has it."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import said


def _test(path, value):
    return {"op": "test", "path": path, "value": value}


def _free(place, **free):
    """A Widget whose ``spec.free`` holds anything."""
    path, _ = place.widget("a", free=free)
    return path


REFUSED = ("Invalid", 422, "Invalid"), {}


def _told(error):
    return said(error), error.details


_PATCHES = {
    "add a member": (
        {"op": "add", "path": "/spec/labels/n", "value": "1"},
        {"a": "1", "b/c": "2", "d~e": "3", "n": "1"},
    ),
    "add over a member": ({"op": "add", "path": "/spec/labels/a", "value": "9"}, {"a": "9", "b/c": "2", "d~e": "3"}),
    "replace": ({"op": "replace", "path": "/spec/labels/a", "value": "9"}, {"a": "9", "b/c": "2", "d~e": "3"}),
    "replace what is missing": (
        {"op": "replace", "path": "/spec/labels/n", "value": "1"},
        {"a": "1", "b/c": "2", "d~e": "3", "n": "1"},
    ),
    "replace all": ({"op": "replace", "path": "/spec/labels", "value": {"x": "y"}}, {"x": "y"}),
    "remove": ({"op": "remove", "path": "/spec/labels/a"}, {"b/c": "2", "d~e": "3"}),
    "a slash in a key": ({"op": "remove", "path": "/spec/labels/b~1c"}, {"a": "1", "d~e": "3"}),
    "a tilde in a key": (
        {"op": "replace", "path": "/spec/labels/d~0e", "value": "9"},
        {"a": "1", "b/c": "2", "d~e": "9"},
    ),
    "move": ({"op": "move", "from": "/spec/labels/a", "path": "/spec/labels/z"}, {"z": "1", "b/c": "2", "d~e": "3"}),
    "copy": (
        {"op": "copy", "from": "/spec/labels/a", "path": "/spec/labels/z"},
        {"a": "1", "z": "1", "b/c": "2", "d~e": "3"},
    ),
}


@case(rows=_PATCHES)
def a_patch_of_a_map(place, operation, members):
    path, made = place.widget("a", labels={"a": "1", "b/c": "2", "d~e": "3"})
    answer = place.patch(path, operation)
    assert answer["spec"].get("labels") == members
    assert place.get(path) == answer
    assert int(answer["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])


_LISTS = {
    "append": ({"op": "add", "path": "/spec/free/l/-", "value": "z"}, ["a", "b", "c", "z"]),
    "insert": ({"op": "add", "path": "/spec/free/l/1", "value": "z"}, ["a", "z", "b", "c"]),
    "insert at the end": ({"op": "add", "path": "/spec/free/l/3", "value": "z"}, ["a", "b", "c", "z"]),
    "replace": ({"op": "replace", "path": "/spec/free/l/0", "value": "z"}, ["z", "b", "c"]),
    "remove": ({"op": "remove", "path": "/spec/free/l/1"}, ["a", "c"]),
    "remove the last": ({"op": "remove", "path": "/spec/free/l/-1"}, ["a", "b"]),
    "replace the last": ({"op": "replace", "path": "/spec/free/l/-1", "value": "z"}, ["a", "b", "z"]),
    "move": ({"op": "move", "from": "/spec/free/l/0", "path": "/spec/free/l/2"}, ["b", "c", "a"]),
    "copy": ({"op": "copy", "from": "/spec/free/l/0", "path": "/spec/free/l/-"}, ["a", "b", "c", "a"]),
}


@case(rows=_LISTS)
def a_patch_of_a_list(place, operation, members):
    path = _free(place, l=["a", "b", "c"])
    assert place.patch(path, operation)["spec"]["free"]["l"] == members
    assert place.get(path)["spec"]["free"]["l"] == members


@case
def operations_follow_each_other(place):
    path, _ = place.config_map("a", {"k": "1"})
    answer = place.patch(
        path,
        _test("/data/k", "1"),
        {"op": "replace", "path": "/data/k", "value": "2"},
        _test("/data/k", "2"),
        {"op": "move", "from": "/data/k", "path": "/data/n"},
        _test("/data", {"n": "2"}),
    )
    assert answer["data"] == {"n": "2"}


@case
def a_patch_is_done_whole_or_not_at_all(place):
    path, made = place.config_map("a", {"k": "1"})
    change = {"op": "replace", "path": "/data/k", "value": "2"}
    assert _told(place.refused(place.patch, path, change, _test("/data/k", "1"))) == REFUSED
    assert place.get(path) == made


_IMPOSSIBLE = {
    "test of another value": _test("/data/k", "2"),
    "test of another type": _test("/data/k", 1),
    "test of a missing member": _test("/data/n", "1"),
    "test of null against a value": _test("/data/k", None),
    "remove what is missing": {"op": "remove", "path": "/data/n"},
    "add without a parent": {"op": "add", "path": "/none/n", "value": "1"},
    "replace without a parent": {"op": "replace", "path": "/none/n", "value": "1"},
    "move what is missing": {"op": "move", "from": "/data/n", "path": "/data/z"},
    "unknown operation": {"op": "merge", "path": "/data/n", "value": "1"},
}


@case(rows=_IMPOSSIBLE)
def a_patch_that_cannot_be_done_is_invalid_and_nothing_is_named(place, operation):
    path, made = place.config_map("a", {"k": "1"})
    assert _told(place.refused(place.patch, path, operation)) == REFUSED
    assert place.get(path) == made


@case
def a_copy_of_what_is_missing_is_null(place):
    path, _ = place.config_map("a", {"k": "1"})
    assert place.patch(path, {"op": "copy", "from": "/data/n", "path": "/data/z"})["data"] == {"k": "1", "z": ""}


@case
def null_in_a_map_of_texts_is_an_empty_text(place):
    path, _ = place.config_map("a", {"k": "1"})
    assert place.patch(path, {"op": "add", "path": "/data/k", "value": None})["data"] == {"k": ""}


@case
def null_in_place_of_a_map_removes_it(place):
    path, _ = place.config_map("a", {"k": "1"})
    assert "data" not in place.patch(path, {"op": "add", "path": "/data", "value": None})


_UNREADABLE = {"cut": b"[", "an object": b'{"op":"add"}', "a text": b'"x"', "a list of texts": b'["add"]'}


@case(rows=_UNREADABLE)
def a_patch_that_cannot_be_read_is_refused(place, body):
    path, made = place.config_map("a", {"k": "1"})
    error = place.refused(place.patch, path, body)
    assert said(error) == ("Invalid", 400, "BadRequest")
    assert place.get(path) == made


_NOTHING = {
    "no operations": [],
    "a test": [_test("/data/k", "1")],
    "the same value": [{"op": "replace", "path": "/data/k", "value": "1"}],
    "there and back": [
        {"op": "add", "path": "/data/n", "value": "1"},
        {"op": "remove", "path": "/data/n"},
    ],
    "an unknown field": [{"op": "add", "path": "/nope", "value": 1}],
}


@case(rows=_NOTHING)
def a_patch_that_changes_nothing_keeps_the_version(place, operations):
    path, made = place.config_map("a", {"k": "1"})
    assert place.patch(path, *operations) == made
    assert place.get(path) == made


@case
def a_default_that_is_removed_comes_back_under_the_same_version(place):
    path, made = place.widget("a")
    assert made["spec"]["mode"] == "fast"
    assert place.patch(path, {"op": "remove", "path": "/spec/mode"}) == made


@case(rows={"list": ("/spec/free/l/9",), "beyond the end": ("/spec/free/l/-9",), "no index": ("/spec/free/l/x",)})
def an_index_that_is_none_is_invalid(place, pointer):
    path = _free(place, l=["a"])
    assert _told(place.refused(place.patch, path, {"op": "remove", "path": pointer})) == REFUSED


@case
def a_stale_version_in_a_patch_is_a_conflict(place):
    path, made = place.config_map("a", {"k": "1"})
    changed = place.merge(path, {"data": {"k": "2"}})
    stale = {"op": "replace", "path": "/metadata/resourceVersion", "value": made["metadata"]["resourceVersion"]}
    change = {"op": "add", "path": "/data/n", "value": "1"}
    error = place.refused(place.patch, path, stale, change)
    assert _told(error) == (("Conflict", 409, "Conflict"), {"name": "a", "kind": "configmaps"})
    current = {**stale, "value": changed["metadata"]["resourceVersion"]}
    assert place.patch(path, current, change)["data"] == {"k": "2", "n": "1"}


@case
def a_version_that_is_tested_and_stale_is_invalid(place):
    path, made = place.config_map("a", {"k": "1"})
    version = made["metadata"]["resourceVersion"]
    assert place.patch(path, _test("/metadata/resourceVersion", version)) == made
    place.merge(path, {"data": {"k": "2"}})
    assert _told(place.refused(place.patch, path, _test("/metadata/resourceVersion", version))) == REFUSED
