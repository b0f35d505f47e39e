"""Dry runs: the answer is that of the write, and nothing is stored."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said
from support.contract.kinds import custom

MAPS = "v1/configmaps"
DRY = {"dryRun": "All"}


@case
def a_dry_creation_answers_with_the_object_and_stores_nothing(place):
    body = {"metadata": {"name": "a", "labels": {"l": "1"}}, "data": {"k": "1"}}
    answer = place.post(place.at(MAPS), body, **DRY)
    assert (answer["data"], answer["metadata"]["labels"]) == ({"k": "1"}, {"l": "1"})
    assert {"uid", "creationTimestamp"} <= set(answer["metadata"])
    assert "resourceVersion" not in answer["metadata"]
    assert not place.is_there(place.at(MAPS, "a"))


@case
def a_dry_creation_has_the_defaults(place):
    resource = place.kind("Widget")
    answer = place.post(place.at(resource), custom(resource, "Widget", "a", spec={"size": 1, "nope": 1}), **DRY)
    assert answer["spec"] == {"size": 1, "mode": "fast", "maybe": "none", "nested": {"level": 3}}
    assert answer["metadata"]["generation"] == 1
    assert not place.is_there(place.at(resource, "a"))


@case
def a_dry_creation_makes_a_name(place):
    answer = place.post(place.at(MAPS), {"metadata": {"generateName": "web-"}}, **DRY)
    assert answer["metadata"]["name"].startswith("web-")
    assert not place.is_there(place.at(MAPS, answer["metadata"]["name"]))


@case
def a_dry_creation_of_what_is_there_is_a_conflict(place):
    place.config_map("a")
    error = place.refused(place.post, place.at(MAPS), {"metadata": {"name": "a"}}, **DRY)
    assert said(error) == ("Conflict", 409, "AlreadyExists")


@case
def a_dry_creation_is_validated(place):
    resource = place.kind("Widget")
    error = place.refused(place.post, place.at(resource), custom(resource, "Widget", "a", spec={"size": "x"}), **DRY)
    assert said(error) == ("Invalid", 422, "Invalid")
    assert error.details["causes"][0]["field"] == "spec.size"


@case
def a_dry_creation_needs_its_namespace(place):
    path = place.at(MAPS, namespace=place.name("nowhere"))
    error = place.refused(place.post, path, {"metadata": {"name": "a"}}, **DRY)
    assert said(error) == ("NotFound", 404, "NotFound")


@case(rows={"patch": "patch", "merge": "merge", "put": "put"})
def a_dry_write_answers_with_the_new_object_under_the_old_version(place, verb):
    path, made = place.widget("a")
    send = {
        "patch": (place.patch, path, {"op": "replace", "path": "/spec/size", "value": 9}),
        "merge": (place.merge, path, {"spec": {"size": 9}}),
        "put": (place.put, path, {**made, "spec": {"size": 9}}),
    }
    function, *arguments = send[verb]
    answer = function(*arguments, **DRY)
    assert answer["spec"]["size"] == 9
    assert answer["metadata"]["generation"] == 2
    assert answer["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    assert place.get(path) == made


@case
def a_dry_write_of_status_stores_nothing(place):
    path, made = place.widget("a")
    answer = place.merge(f"{path}/status", {"status": {"phase": "x"}}, **DRY)
    assert answer["status"] == {"phase": "x"}
    assert place.get(path) == made


@case
def a_dry_write_is_refused_as_the_write_would_be(place):
    path, made = place.config_map("a", {"k": "1"})
    place.merge(path, {"data": {"k": "2"}})
    assert said(place.refused(place.put, path, made, **DRY)) == ("Conflict", 409, "Conflict")
    test = {"op": "test", "path": "/data/k", "value": "1"}
    assert said(place.refused(place.patch, path, test, **DRY)) == ("Invalid", 422, "Invalid")


@case(rows={"query": (None, DRY), "body": ({"dryRun": ["All"]}, {})})
def a_dry_deletion_deletes_nothing(place, options, query):
    path, made = place.config_map("a", {"k": "1"})
    answer = place.delete(path, options, **query)
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert answer["details"] == {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert place.get(path) == made


@case
def a_dry_deletion_of_an_object_with_finalizers_marks_nothing(place):
    path, made = place.config_map("a", finalizers=["example.dev/hold"])
    assert "deletionTimestamp" in place.delete(path, **DRY)["metadata"]
    assert place.get(path) == made


@case
def a_dry_deletion_asks_for_its_preconditions(place):
    path, made = place.config_map("a")
    options = {"preconditions": {"uid": "other"}}
    assert said(place.refused(place.delete, path, options, **DRY)) == ("Conflict", 409, "Conflict")
    assert place.get(path) == made


@case
def a_dry_deletion_of_a_selection_deletes_nothing(place):
    for name in "ab":
        place.config_map(name, labels={"set": "x"})
    answer = place.delete(place.at(MAPS), {"dryRun": ["All"]}, labelSelector="set=x")
    assert [item["metadata"]["name"] for item in answer["items"]] == ["a", "b"]
    assert place.names(place.at(MAPS), labelSelector="set=x") == ["a", "b"]


@case
def a_dry_write_is_no_event(place):
    path, made = place.config_map("a", labels={"set": "x"})
    place.merge(path, {"data": {"k": "1"}}, **DRY)
    place.delete(path, **DRY)
    place.config_map("b", labels={"set": "x"})
    version = made["metadata"]["resourceVersion"]
    (event,) = place.watch(place.at(MAPS), 1, resourceVersion=version, labelSelector="set=x")
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "b")


@case
def a_dry_run_of_another_kind_is_refused(place):
    error = place.refused(place.post, place.at(MAPS), {"metadata": {"name": "a"}}, dryRun="Bogus")
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueNotSupported", "dryRun")]
    assert not place.is_there(place.at(MAPS, "a"))
