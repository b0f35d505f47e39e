"""Merge patches: null removes, lists are replaced, and what changes nothing is no write."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said

_MERGES = {
    "a new member": ({"data": {"n": "1"}}, {"k": "1", "l": "2", "n": "1"}),
    "another value": ({"data": {"k": "9"}}, {"k": "9", "l": "2"}),
    "null removes a member": ({"data": {"k": None}}, {"l": "2"}),
    "null removes the map": ({"data": None}, None),
    "null of what is missing": ({"data": {"n": None}}, {"k": "1", "l": "2"}),
    "nothing": ({}, {"k": "1", "l": "2"}),
    "the same": ({"data": {"k": "1"}}, {"k": "1", "l": "2"}),
    "an unknown field": ({"nope": 1}, {"k": "1", "l": "2"}),
}


@case(rows=_MERGES)
def a_merge_patch_of_a_map(place, body, data):
    path, made = place.config_map("a", {"k": "1", "l": "2"})
    answer = place.merge(path, body)
    assert answer.get("data") == data
    assert place.get(path) == answer
    is_changed = data != made["data"]
    assert (answer["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]) is is_changed


@case
def a_list_is_replaced_whole(place):
    path, _ = place.widget("a", rules=[{"verb": "put", "path": "/a"}, {"verb": "post"}])
    answer = place.merge(path, {"spec": {"rules": [{"path": "/b"}]}})
    assert answer["spec"]["rules"] == [{"path": "/b", "verb": "get"}]


@case
def maps_are_merged_to_any_depth(place):
    path, _ = place.widget("a", free={"a": {"b": {"c": 1, "d": 2}}, "e": 3})
    answer = place.merge(path, {"spec": {"free": {"a": {"b": {"c": None, "f": 4}}}}})
    assert answer["spec"]["free"] == {"a": {"b": {"d": 2, "f": 4}}, "e": 3}


@case
def labels_and_annotations_are_merged(place):
    path, _ = place.config_map("a", labels={"a": "1", "b": "2"}, annotations={"n": "1"})
    answer = place.merge(path, {"metadata": {"labels": {"a": None, "c": "3"}, "annotations": None}})
    assert answer["metadata"]["labels"] == {"b": "2", "c": "3"}
    assert "annotations" not in answer["metadata"]


@case
def a_default_that_is_set_to_null_comes_back(place):
    path, _ = place.widget("a", mode="slow")
    answer = place.merge(path, {"spec": {"mode": None}})
    assert answer["spec"]["mode"] == "fast"
    assert place.merge(path, {"spec": {"mode": None}}) == answer


@case
def a_stale_version_in_a_merge_patch_is_a_conflict(place):
    path, made = place.config_map("a", {"k": "1"})
    changed = place.merge(path, {"data": {"k": "2"}})
    stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"n": "1"}}
    error = place.refused(place.merge, path, stale)
    assert said(error) == ("Conflict", 409, "Conflict")
    assert error.details == {"name": "a", "kind": "configmaps"}
    assert place.get(path) == changed
    current = {"metadata": {"resourceVersion": changed["metadata"]["resourceVersion"]}, "data": {"n": "1"}}
    assert place.merge(path, current)["data"] == {"k": "2", "n": "1"}


@case
def a_stale_version_is_a_conflict_even_where_nothing_changes(place):
    path, made = place.config_map("a", {"k": "1"})
    place.merge(path, {"data": {"k": "2"}})
    stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    assert said(place.refused(place.merge, path, stale)) == ("Conflict", 409, "Conflict")


@case(rows={"a list": b"[]", "cut": b"{"})
def a_merge_patch_that_cannot_be_read_is_refused(place, body):
    path, made = place.config_map("a", {"k": "1"})
    assert said(place.refused(place.merge, path, body)) == ("Invalid", 400, "BadRequest")
    assert place.get(path) == made


@case
def a_merge_patch_of_a_wrong_type_is_refused(place):
    path, made = place.config_map("a", {"k": "1"})
    error = place.refused(place.merge, path, {"data": {"k": 5}})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueInvalid", "patch")]
    assert place.get(path) == made


@case
def a_strategic_patch_merges_lists_by_their_key(place):
    pod = {"labels": {"a": "b"}}, {"containers": [{"name": "c", "image": "i:1"}, {"name": "d", "image": "j:1"}]}
    template = {"metadata": pod[0], "spec": pod[1]}
    body = {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}
    path = place.at("apps/v1/deployments")
    place.post(path, body)
    change = {"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "j:2"}]}}}}
    kind = "application/strategic-merge-patch+json"
    answer = place.send("PATCH", f"{path}/a", change, content_type=kind)
    found = {each["name"]: each["image"] for each in answer["spec"]["template"]["spec"]["containers"]}
    assert found == {"c": "i:1", "d": "j:2"}
