"""PUT, versions as preconditions, and what of an object's metadata nobody changes."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said
from support.contract.kinds import custom

MAPS = "v1/configmaps"
ANOTHER_UID = "00000000-0000-0000-0000-000000000000"


@case
def a_put_replaces_the_object(place):
    path, made = place.config_map("a", {"k": "1"}, labels={"l": "1"}, annotations={"n": "1"})
    answer = place.put(path, {"metadata": {"name": "a", "labels": {"m": "2"}}, "data": {"z": "9"}})
    assert (answer["data"], answer["metadata"]["labels"]) == ({"z": "9"}, {"m": "2"})
    assert "annotations" not in answer["metadata"]
    kept = {name: made["metadata"][name] for name in ("uid", "creationTimestamp", "name", "namespace")}
    assert kept.items() <= answer["metadata"].items()
    assert int(answer["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    assert place.get(path) == answer


@case(rows={"built-in": "ConfigMap", "custom": "Widget"})
def a_put_of_what_is_there_keeps_the_version(place, kind):
    path, made = place.config_map("a", {"k": "1"}) if kind == "ConfigMap" else place.widget("a")
    assert place.put(path, made) == made
    assert place.get(path) == made


@case(rows={"built-in": "ConfigMap", "custom": "Widget"})
def a_put_with_a_stale_version_is_a_conflict(place, kind):
    path, made = place.config_map("a", {"k": "1"}) if kind == "ConfigMap" else place.widget("a")
    changed = place.merge(path, {"metadata": {"labels": {"l": "1"}}})
    error = place.refused(place.put, path, {**made, "data": {"k": "2"}})
    assert said(error) == ("Conflict", 409, "Conflict")
    assert error.details["name"] == "a"
    assert "the object has been modified" in str(error)
    assert place.get(path) == changed


@case
def a_stale_version_is_a_conflict_before_the_object_is_looked_at(place):
    path, made = place.widget("a")
    place.merge(path, {"metadata": {"labels": {"l": "1"}}})
    error = place.refused(place.put, path, {**made, "spec": {"size": "none"}})
    assert said(error) == ("Conflict", 409, "Conflict")


@case
def a_built_in_object_is_put_without_a_version(place):
    path, _ = place.config_map("a", {"k": "1"})
    place.merge(path, {"data": {"k": "2"}})
    assert place.put(path, {"metadata": {"name": "a"}, "data": {"k": "3"}})["data"] == {"k": "3"}


@case
def a_custom_object_is_not_put_without_a_version(place):
    path, made = place.widget("a")
    resource = place.kind("Widget")
    error = place.refused(place.put, path, custom(resource, "Widget", "a", spec={"size": 2}))
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueInvalid", "metadata.resourceVersion")]
    assert place.get(path) == made


@case
def two_writers_with_one_version_of_which_one_wins(place):
    path, made = place.config_map("a", {"k": "1"})
    first = place.put(path, {**made, "data": {"k": "first"}})
    error = place.refused(place.put, path, {**made, "data": {"k": "second"}})
    assert said(error) == ("Conflict", 409, "Conflict")
    assert place.put(path, {**first, "data": {"k": "second"}})["data"] == {"k": "second"}


@case
def a_put_for_another_uid_is_a_conflict(place):
    path, made = place.config_map("a", {"k": "1"})
    body = {"metadata": {"name": "a", "uid": ANOTHER_UID}, "data": {"k": "2"}}
    error = place.refused(place.put, path, body)
    assert said(error) == ("Conflict", 409, "Conflict")
    assert error.details == {"name": "a", "kind": "configmaps"}
    assert place.get(path) == made


@case
def a_put_for_an_object_that_was_made_anew_is_a_conflict(place):
    path, first = place.config_map("a", {"k": "1"})
    place.delete(path)
    _, second = place.config_map("a", {"k": "2"})
    assert said(place.refused(place.put, path, first)) == ("Conflict", 409, "Conflict")
    assert place.get(path) == second


_MISMATCHES = {
    "name": {"name": "other"},
    "no name": {},
    "namespace": {"name": "a", "namespace": "other"},
}


@case(rows=_MISMATCHES)
def a_put_whose_body_is_of_another_place_is_refused(place, metadata):
    path, made = place.config_map("a", {"k": "1"})
    error = place.refused(place.put, path, {"metadata": metadata, "data": {"k": "2"}})
    assert said(error) == ("Invalid", 400, "BadRequest")
    assert place.get(path) == made


@case(rows={"name": ("name", "z"), "namespace": ("namespace", "z")})
def a_patch_does_not_move_an_object(place, member, value):
    path, made = place.config_map("a", {"k": "1"})
    change = {"op": "replace", "path": f"/metadata/{member}", "value": value}
    assert said(place.refused(place.patch, path, change)) == ("Invalid", 400, "BadRequest")
    assert place.get(path) == made


@case(rows={"built-in": "ConfigMap", "custom": "Widget"})
def a_uid_is_immutable(place, kind):
    path, made = place.config_map("a", {"k": "1"}) if kind == "ConfigMap" else place.widget("a")
    change = {"op": "replace", "path": "/metadata/uid", "value": ANOTHER_UID}
    error = place.refused(place.patch, path, change)
    assert said(error) == ("Invalid", 422, "Invalid")
    assert set(causes(error)) == {("FieldValueInvalid", "metadata.uid")}
    assert error.details["causes"][0]["immutable"] is True
    assert place.get(path) == made


@case(rows={"time of creation": ("creationTimestamp", "2001-01-01T00:00:00Z"), "link": ("selfLink", "/x")})
def what_belongs_to_the_server_is_not_changed(place, member, value):
    path, made = place.config_map("a", {"k": "1"})
    assert place.merge(path, {"metadata": {member: value}}) == made
    assert place.get(path) == made


_DELETION = {"deletionTimestamp": "2001-01-01T00:00:00Z", "deletionGracePeriodSeconds": 5}


@case(rows={member: (member, value) for member, value in _DELETION.items()})
def nothing_is_deleted_by_a_patch(place, member, value):
    path, made = place.config_map("a", {"k": "1"})
    error = place.refused(place.merge, path, {"metadata": {member: value}})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueInvalid", f"metadata.{member}")]
    assert place.get(path) == made


@case
def a_put_says_its_kind_or_none(place):
    path, made = place.config_map("a", {"k": "1"})
    error = place.refused(place.put, path, {**made, "kind": "Secret"})
    assert said(error) == ("Invalid", 400, "BadRequest")
    unsaid = {name: value for name, value in made.items() if name not in {"kind", "apiVersion"}}
    assert place.put(path, unsaid) == made
