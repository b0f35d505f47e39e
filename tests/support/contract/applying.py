"""Server-side apply, as far as programs that leave a record on somebody else's object need it."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said

APPLY = "application/apply-patch+yaml"
MAPS = "v1/configmaps"


def _apply(place, name, manager="first", *, metadata=None, force=False, **content):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **(metadata or {})}, **content}
    query = {"fieldManager": manager, **({"force": "true"} if force else {})}
    return place.send("PATCH", place.at(MAPS, name), body, content_type=APPLY, **query)


def _managers(obj):
    found = obj["metadata"].get("managedFields", [])
    return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in found}


@case
def an_apply_creates_what_is_not_there(place):
    made = _apply(place, "a", data={"k": "1"})
    assert made["data"] == {"k": "1"}
    assert _managers(made) == {("first", "Apply"): {"f:data": {"f:k": {}}}}
    assert place.get(place.at(MAPS, "a")) == made


@case
def an_apply_of_the_same_changes_nothing(place):
    made = _apply(place, "a", data={"k": "1"})
    assert _apply(place, "a", data={"k": "1"}) == made


@case
def an_apply_leaves_fields_of_others(place):
    path, _ = place.config_map("a", {"k": "1"}, labels={"l": "1"})
    live = _apply(place, "a", "second", metadata={"annotations": {"n": "1"}}, force=True)
    assert (live["data"], live["metadata"]["labels"]) == ({"k": "1"}, {"l": "1"})
    assert live["metadata"]["annotations"] == {"n": "1"}
    assert _managers(live)["second", "Apply"] == {"f:metadata": {"f:annotations": {"f:n": {}}}}
    assert place.get(path) == live


@case
def an_apply_removes_what_its_manager_no_longer_gives(place):
    _apply(place, "a", data={"k": "1", "n": "1"})
    assert _apply(place, "a", data={"n": "1"})["data"] == {"n": "1"}


@case
def a_field_of_another_manager_is_a_conflict_unless_forced(place):
    made = _apply(place, "a", data={"k": "1"})
    error = place.refused(_apply, place, "a", "second", data={"k": "2"})
    assert said(error) == ("Conflict", 409, "Conflict")
    assert causes(error) == [("FieldManagerConflict", ".data.k")]
    assert place.get(place.at(MAPS, "a")) == made
    live = _apply(place, "a", "second", data={"k": "2"}, force=True)
    assert live["data"] == {"k": "2"}
    assert set(_managers(live)) == {("second", "Apply")}


@case
def a_field_of_an_update_is_a_conflict_too(place):
    body = {"metadata": {"name": "a"}, "data": {"k": "1"}}
    place.post(place.at(MAPS), body, fieldManager="first")
    error = place.refused(_apply, place, "a", "second", data={"k": "2"})
    assert causes(error) == [("FieldManagerConflict", ".data.k")]
    assert place.refused(_apply, place, "a", "second", data={"k": "2"}).details.get("name") is None
    assert _apply(place, "a", "second", data={"k": "1"})["data"] == {"k": "1"}


@case
def an_apply_has_a_manager(place):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    error = place.refused(place.send, "PATCH", place.at(MAPS, "a"), body, content_type=APPLY)
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueRequired", "fieldManager")]
    assert not place.is_there(place.at(MAPS, "a"))


@case
def an_apply_under_a_stale_version_is_a_conflict(place):
    made = _apply(place, "a", data={"k": "1"})
    place.merge(place.at(MAPS, "a"), {"data": {"z": "1"}})
    stale = {"resourceVersion": made["metadata"]["resourceVersion"]}
    error = place.refused(_apply, place, "a", metadata=stale, data={"k": "2"})
    assert said(error) == ("Conflict", 409, "Conflict")
    assert error.details == {"name": "a", "kind": "configmaps"}


@case
def an_apply_for_a_uid_that_is_not_there_creates_nothing(place):
    uid = "00000000-0000-0000-0000-000000000000"
    error = place.refused(_apply, place, "a", metadata={"uid": uid}, data={"k": "1"})
    assert said(error) == ("Conflict", 409, "Conflict")
    assert not place.is_there(place.at(MAPS, "a"))
    place.config_map("a")
    error = place.refused(_apply, place, "a", metadata={"uid": uid}, data={"k": "1"})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueInvalid", "metadata.uid")]


@case
def an_apply_to_a_custom_object(place):
    path, _ = place.widget("a")
    body = {
        "apiVersion": "contract.example.dev/v1",
        "kind": "Widget",
        "metadata": {"name": "a", "annotations": {"n": "1"}},
    }
    live = place.send("PATCH", path, body, content_type=APPLY, fieldManager="second", force="true")
    assert live["metadata"]["annotations"] == {"n": "1"}
    assert live["spec"]["size"] == 1
    assert live["metadata"]["generation"] == 1
