"""Deletions: their answers, and finalizers that hold them."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said

MAPS = "v1/configmaps"
HOLD = "example.dev/hold"
MORE = "example.dev/more"


def _held(place, kind="ConfigMap", **metadata):
    """An object with a finalizer: its path and the answer."""
    if kind == "ConfigMap":
        return place.config_map("a", {"k": "1"}, finalizers=[HOLD], **metadata)
    return place.widget("a", kind, metadata={"finalizers": [HOLD], **metadata})


KINDS = {"built-in": "ConfigMap", "custom": "Widget"}


@case
def a_deletion_answers_with_what_is_deleted(place):
    path, made = place.config_map("a")
    assert place.delete(path) == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]},
    }
    assert said(place.refused(place.get, path)) == ("NotFound", 404, "NotFound")


@case
def a_deletion_of_a_custom_object_names_its_group(place):
    path, made = place.widget("a")
    details = {"name": "a", "group": "contract.example.dev", "kind": "widgets", "uid": made["metadata"]["uid"]}
    assert place.delete(path)["details"] == details
    assert not place.is_there(path)


@case
def some_kinds_answer_with_the_object(place):
    path = place.at("v1/services", "a")
    made = place.post(place.at("v1/services"), {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}})
    answer = place.delete(path)
    assert (answer["kind"], answer["metadata"]["uid"]) == ("Service", made["metadata"]["uid"])
    assert not place.is_there(path)


@case(rows=KINDS)
def a_finalizer_holds_an_object(place, kind):
    path, made = _held(place, kind)
    answer = place.delete(path)
    meta = answer["metadata"]
    assert answer["kind"] == kind
    assert (meta["deletionGracePeriodSeconds"], meta["finalizers"], meta["uid"]) == (0, [HOLD], made["metadata"]["uid"])
    assert meta["deletionTimestamp"] >= meta["creationTimestamp"]
    assert int(meta["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    assert place.get(path) == answer


@case(rows=KINDS)
def a_second_deletion_changes_nothing(place, kind):
    path, _ = _held(place, kind)
    first = place.delete(path)
    assert place.delete(path) == first
    assert place.get(path) == first


@case(rows=KINDS)
def the_last_finalizer_deletes(place, kind):
    path, _ = _held(place, kind)
    waiting = place.delete(path)
    answer = place.patch(path, {"op": "remove", "path": "/metadata/finalizers"})
    assert "finalizers" not in answer["metadata"]
    assert answer["metadata"]["deletionTimestamp"] == waiting["metadata"]["deletionTimestamp"]
    assert not place.is_there(path)


@case
def one_of_two_finalizers_still_holds(place):
    path, _ = place.config_map("a", finalizers=[HOLD, MORE])
    place.delete(path)
    operations = [
        {"op": "test", "path": "/metadata/finalizers/0", "value": HOLD},
        {"op": "remove", "path": "/metadata/finalizers/0"},
    ]
    assert place.patch(path, *operations)["metadata"]["finalizers"] == [MORE]
    assert place.is_there(path)
    place.merge(path, {"metadata": {"finalizers": []}})
    assert not place.is_there(path)


@case
def a_finalizer_that_goes_before_the_deletion_deletes_nothing(place):
    path, _ = _held(place)
    assert "finalizers" not in place.merge(path, {"metadata": {"finalizers": None}})["metadata"]
    assert place.is_there(path)
    place.delete(path)
    assert not place.is_there(path)


@case(rows=KINDS)
def no_finalizer_is_added_while_an_object_is_deleted(place, kind):
    path, _ = _held(place, kind)
    waiting = place.delete(path)
    error = place.refused(place.patch, path, {"op": "add", "path": "/metadata/finalizers/-", "value": MORE})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert set(causes(error)) == {("FieldValueForbidden", "metadata.finalizers")}
    assert place.get(path) == waiting


@case
def the_rest_can_be_written_while_an_object_is_deleted(place):
    path, _ = _held(place, "Widget")
    place.delete(path)
    answer = place.merge(path, {"metadata": {"labels": {"l": "1"}}, "spec": {"size": 7}})
    assert (answer["spec"]["size"], answer["metadata"]["labels"]) == (7, {"l": "1"})
    assert place.merge(f"{path}/status", {"status": {"phase": "going"}})["status"] == {"phase": "going"}
    assert "deletionTimestamp" in place.get(path)["metadata"]


@case
def a_deletion_is_not_taken_back(place):
    path, _ = _held(place)
    waiting = place.delete(path)
    answer = place.merge(path, {"metadata": {"deletionTimestamp": None, "labels": {"l": "1"}}})
    assert answer["metadata"]["deletionTimestamp"] == waiting["metadata"]["deletionTimestamp"]


@case
def a_name_is_not_free_while_its_object_is_deleted(place):
    path, _ = _held(place)
    place.delete(path)
    error = place.refused(place.config_map, "a")
    assert said(error) == ("Conflict", 409, "AlreadyExists")
    place.merge(path, {"metadata": {"finalizers": None}})
    place.config_map("a")


@case
def a_held_deletion_is_modified_and_then_deleted(place):
    path, made = _held(place, labels={"set": "x"})
    place.delete(path)
    place.merge(path, {"metadata": {"finalizers": None}})
    version = made["metadata"]["resourceVersion"]
    events = place.watch(place.at(MAPS), 2, resourceVersion=version, labelSelector="set=x")
    assert [event["type"] for event in events] == ["MODIFIED", "DELETED"]
    metas = [event["object"]["metadata"] for event in events]
    assert all("deletionTimestamp" in meta for meta in metas)
    # The write that takes the last finalizer off is never stored: the event has the state before it.
    assert [meta["finalizers"] for meta in metas] == [[HOLD], [HOLD]]
    assert int(metas[1]["resourceVersion"]) > int(metas[0]["resourceVersion"])


@case(rows={"no domain": "hold", "space": "example.dev/a b", "empty": ""})
def a_finalizer_that_is_none_is_refused(place, name):
    error = place.refused(place.config_map, "a", finalizers=[name])
    assert said(error) == ("Invalid", 422, "Invalid")
    assert {field for _, field in causes(error)} <= {"metadata.finalizers", "metadata.finalizers[0]"}
    assert causes(error)
