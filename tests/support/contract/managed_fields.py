"""Who owns which fields, as ``metadata.managedFields`` tells of updates."""

from __future__ import annotations

from support.contract.cases import case

MAPS = "v1/configmaps"


def _entries(obj):
    return [(entry["manager"], entry["operation"], entry.get("subresource", "")) for entry in _fields(obj)]


def _fields(obj):
    return obj["metadata"]["managedFields"]


def _of(obj, manager):
    (found,) = [entry for entry in _fields(obj) if entry["manager"] == manager]
    return found["fieldsV1"]


def _map(place, manager="first", **data):
    body = {"metadata": {"name": "a", "labels": {"l": "1"}}, "data": data or {"k": "1"}}
    return place.at(MAPS, "a"), place.post(place.at(MAPS), body, fieldManager=manager)


@case
def who_creates_owns_what_he_gives(place):
    _, made = _map(place)
    (entry,) = _fields(made)
    assert (entry["manager"], entry["operation"], entry["apiVersion"]) == ("first", "Update", "v1")
    assert (entry["fieldsType"], "subresource" in entry) == ("FieldsV1", False)
    assert entry["time"] == made["metadata"]["creationTimestamp"]
    assert entry["fieldsV1"] == {
        "f:data": {".": {}, "f:k": {}},
        "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
    }


@case
def an_object_of_a_name_alone_has_no_managers(place):
    made = place.post(place.at(MAPS), {"metadata": {"name": "a"}}, fieldManager="first")
    assert "managedFields" not in made["metadata"]


@case
def a_manager_who_is_not_named_is_the_user_agent(place):
    _, made = place.config_map("a", {"k": "1"})
    (entry,) = _fields(made)
    assert entry["manager"] == "genreconcile"


@case
def defaults_belong_to_who_creates(place):
    resource = place.kind("Widget")
    body = {"apiVersion": resource.rpartition("/")[0], "kind": "Widget", "metadata": {"name": "a"}, "spec": {"size": 1}}
    made = place.post(place.at(resource), body, fieldManager="first")
    assert _of(made, "first") == {
        "f:spec": {
            ".": {},
            "f:maybe": {},
            "f:mode": {},
            "f:nested": {".": {}, "f:level": {}},
            "f:size": {},
        }
    }


@case
def who_changes_a_field_takes_it_from_its_owner(place):
    path, _ = _map(place, k="1", n="1")
    live = place.merge(path, {"data": {"k": "2", "z": "3"}}, fieldManager="second")
    assert _entries(live) == [("first", "Update", ""), ("second", "Update", "")]
    assert _of(live, "first")["f:data"] == {".": {}, "f:n": {}}
    assert _of(live, "second") == {"f:data": {"f:k": {}, "f:z": {}}}


@case
def who_writes_what_is_there_owns_nothing(place):
    path, made = _map(place)
    assert place.merge(path, {"data": {"k": "1"}}, fieldManager="second") == made


@case
def who_removes_a_field_takes_it_from_all(place):
    path, _ = _map(place, k="1", n="1")
    live = place.patch(path, {"op": "remove", "path": "/data/k"}, fieldManager="second")
    assert _entries(live) == [("first", "Update", "")]
    assert _of(live, "first")["f:data"] == {".": {}, "f:n": {}}


@case
def a_manager_has_one_entry_however_often_he_writes(place):
    path, _ = _map(place)
    for value in "234":
        live = place.merge(path, {"data": {"k": value, value: value}}, fieldManager="first")
    assert _entries(live) == [("first", "Update", "")]
    assert _of(live, "first")["f:data"] == {".": {}, "f:k": {}, "f:2": {}, "f:3": {}, "f:4": {}}


@case
def a_write_of_status_is_an_entry_of_its_own(place):
    path, _ = place.widget("a")
    live = place.merge(f"{path}/status", {"status": {"phase": "x"}}, fieldManager="genreconcile")
    assert _entries(live) == [("genreconcile", "Update", ""), ("genreconcile", "Update", "status")]
    entry = _fields(live)[1]
    assert entry["fieldsV1"] == {"f:status": {".": {}, "f:phase": {}}}
    assert entry["apiVersion"] == "contract.example.dev/v1"


@case
def finalizers_and_owners_are_fields(place):
    _, owner = place.config_map("owner")
    uid = owner["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    meta = {"name": "a", "finalizers": ["example.dev/x"], "ownerReferences": [reference]}
    made = place.post(place.at(MAPS), {"metadata": meta}, fieldManager="first")
    assert _of(made, "first") == {
        "f:metadata": {
            "f:finalizers": {".": {}, 'v:"example.dev/x"': {}},
            "f:ownerReferences": {".": {}, f'k:{{"uid":"{uid}"}}': {}},
        }
    }


@case
def members_of_lists_are_owned_by_their_key(place):
    container = {"name": "c", "image": "i", "env": [{"name": "A", "value": "1"}]}
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": pod, "paused": True}
    path = place.at("apps/v1/deployments")
    place.post(path, {"metadata": {"name": "a"}, "spec": spec}, fieldManager="first")
    change = [{"op": "add", "path": "/spec/template/spec/containers/0/env/0/value", "value": "2"}]
    live = place.patch(f"{path}/a", *change, fieldManager="second")
    env = {"f:env": {'k:{"name":"A"}': {"f:value": {}}}}
    containers = {"f:containers": {'k:{"name":"c"}': env}}
    assert _of(live, "second") == {"f:spec": {"f:template": {"f:spec": containers}}}


@case
def managed_fields_that_are_emptied_begin_anew(place):
    path, _ = _map(place)
    live = place.patch(path, {"op": "replace", "path": "/metadata/managedFields", "value": [{}]})
    assert "managedFields" not in live["metadata"]


@case
def a_manager_whose_name_is_too_long_is_refused(place):
    body = {"metadata": {"name": "a"}}
    error = place.refused(place.post, place.at(MAPS), body, fieldManager="x" * 129)
    assert (error.status, error.details["causes"][0]["field"]) == (422, "fieldManager")
