"""The deletion of all objects of a list, or of a selection."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import said

MAPS = "v1/configmaps"


def _maps(place, *names, **metadata):
    for name in names:
        place.config_map(name, labels={"name": name, "set": "x"}, **metadata)
    return place.at(MAPS)


@case
def a_selection_is_deleted(place):
    path = _maps(place, "a", "b", "c")
    answer = place.delete(path, labelSelector="name in (a,b)")
    assert (answer["kind"], answer["apiVersion"]) == ("ConfigMapList", "v1")
    assert [item["metadata"]["name"] for item in answer["items"]] == ["a", "b"]
    assert place.names(path, labelSelector="set=x") == ["c"]


@case
def a_field_selects_what_is_deleted(place):
    path = _maps(place, "a", "b")
    place.delete(path, fieldSelector="metadata.name=a")
    assert place.names(path, labelSelector="set=x") == ["b"]


@case
def all_custom_objects_of_a_namespace_are_deleted(place):
    for name in "ab":
        place.widget(name)
    resource = place.kind("Widget")
    answer = place.delete(place.at(resource))
    assert (answer["kind"], [item["metadata"]["name"] for item in answer["items"]]) == ("WidgetList", ["a", "b"])
    assert place.names(place.at(resource)) == []


@case
def nothing_is_deleted_where_nothing_is_selected(place):
    path = _maps(place, "a")
    assert place.delete(path, labelSelector="set=y")["items"] == []
    assert place.names(path, labelSelector="set=x") == ["a"]


@case
def objects_of_other_namespaces_stay(place):
    other = place.at(MAPS, namespace=place.create_namespace())
    place.post(other, {"metadata": {"name": "theirs", "labels": {"set": "x"}}})
    place.delete(_maps(place, "a"), labelSelector="set=x")
    assert place.names(other, labelSelector="set=x") == ["theirs"]


@case
def finalizers_hold_what_is_deleted_in_a_selection(place):
    path = _maps(place, "a", finalizers=["example.dev/hold"])
    _maps(place, "b")
    place.delete(path, labelSelector="set=x")
    (held,) = place.get(path, labelSelector="set=x")["items"]
    assert held["metadata"]["name"] == "a"
    assert "deletionTimestamp" in held["metadata"]


@case
def each_deletion_of_a_selection_is_an_event(place):
    path = _maps(place, "a", "b")
    version = place.get(path)["metadata"]["resourceVersion"]
    place.delete(path, labelSelector="set=x")
    events = place.watch(path, 2, resourceVersion=version, labelSelector="set=x")
    assert {(event["type"], event["object"]["metadata"]["name"]) for event in events} == {
        ("DELETED", "a"),
        ("DELETED", "b"),
    }


@case
def a_selection_is_deleted_in_the_foreground(place):
    path = _maps(place, "a", finalizers=["example.dev/hold"])
    version = place.get(f"{path}/a")["metadata"]["resourceVersion"]
    place.delete(path, {"propagationPolicy": "Foreground"}, labelSelector="set=x")
    (event,) = place.watch(path, 1, resourceVersion=version, labelSelector="set=x")
    assert set(event["object"]["metadata"]["finalizers"]) == {"example.dev/hold", "foregroundDeletion"}


@case
def a_selection_that_cannot_be_read_deletes_nothing(place):
    path = _maps(place, "a")
    assert said(place.refused(place.delete, path, labelSelector="set in (")) == ("Invalid", 400, "BadRequest")
    assert place.names(path, labelSelector="set=x") == ["a"]


@case
def services_are_deleted_one_by_one_or_together(place):
    path = place.at("v1/services")
    for name in "ab":
        place.post(path, {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}})
    place.delete(path)
    assert place.names(path) == []
