"""A kind in two versions, between which nothing is converted but the name of the version."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import said
from support.contract.kinds import SHARED, custom, resource_of

OLD, NEW = resource_of(SHARED["Twin"], "v1"), resource_of(SHARED["Twin"], "v2")


def _twin(place, resource, **spec):
    place.kind("Twin")
    return place.post(place.at(resource), custom(resource, "Twin", "a", spec=spec))


def _same(one, other):
    names = ("uid", "resourceVersion", "generation", "name", "namespace", "creationTimestamp")
    return all(one["metadata"][name] == other["metadata"][name] for name in names)


@case
def one_object_is_in_both_versions(place):
    made = _twin(place, NEW, size=1)
    old, new = place.get(place.at(OLD, "a")), place.get(place.at(NEW, "a"))
    assert new == made
    assert (old["apiVersion"], new["apiVersion"]) == ("contract.example.dev/v1", "contract.example.dev/v2")
    assert _same(old, new)


@case
def a_field_that_a_version_does_not_know_is_not_shown_in_it(place):
    _twin(place, NEW, size=1, new="x")
    assert place.get(place.at(OLD, "a"))["spec"] == {"size": 1, "level": 3}


@case
def defaults_of_the_stored_version_are_in_both(place):
    made = _twin(place, OLD, size=1)
    assert made["apiVersion"] == "contract.example.dev/v1"
    assert made["spec"] == {"size": 1, "level": 3}
    assert place.get(place.at(NEW, "a"))["spec"] == {"size": 1, "level": 3}


@case
def a_write_in_one_version_is_a_write_of_the_object(place):
    _twin(place, NEW, size=1)
    old = place.merge(place.at(OLD, "a"), {"spec": {"size": 2}})
    new = place.get(place.at(NEW, "a"))
    assert (old["spec"]["size"], new["spec"]["size"]) == (2, 2)
    assert _same(old, new)
    assert new["metadata"]["generation"] == 2


@case
def a_name_is_taken_in_all_versions(place):
    _twin(place, NEW, size=1)
    assert said(place.refused(_twin, place, OLD, size=1)) == ("Conflict", 409, "AlreadyExists")


@case
def a_list_and_a_watch_are_of_the_version_that_is_asked_for(place):
    made = _twin(place, NEW, size=1)
    found = place.get(place.at(OLD))
    assert (found["apiVersion"], [item["apiVersion"] for item in found["items"]]) == (
        "contract.example.dev/v1",
        ["contract.example.dev/v1"],
    )
    place.merge(place.at(NEW, "a"), {"spec": {"size": 2}})
    (event,) = place.watch(place.at(OLD), 1, resourceVersion=made["metadata"]["resourceVersion"])
    assert (event["type"], event["object"]["apiVersion"]) == ("MODIFIED", "contract.example.dev/v1")
    assert event["object"]["spec"]["size"] == 2


@case
def a_deletion_in_one_version_deletes_the_object(place):
    _twin(place, NEW, size=1)
    place.delete(place.at(OLD, "a"))
    assert not place.is_there(place.at(NEW, "a"))


@case
def a_body_of_the_other_version_is_refused(place):
    place.kind("Twin")
    error = place.refused(place.post, place.at(OLD), custom(NEW, "Twin", "a", spec={"size": 1}))
    assert said(error) == ("Invalid", 400, "BadRequest")


@case
def a_stale_version_of_the_object_is_a_conflict_in_both(place):
    _twin(place, NEW, size=1)
    old = place.get(place.at(OLD, "a"))
    place.merge(place.at(NEW, "a"), {"spec": {"size": 2}})
    error = place.refused(place.put, place.at(OLD, "a"), {**old, "spec": {"size": 3}})
    assert said(error) == ("Conflict", 409, "Conflict")
