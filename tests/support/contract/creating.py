"""Creation: what the server gives an object, and what it refuses."""

from __future__ import annotations

import re

from support.contract.cases import CONTROLLERS, case
from support.contract.errors import causes, said
from support.contract.kinds import custom

MAPS = "v1/configmaps"


@case
def a_created_object_is_the_one_that_get_gives(place):
    path, made = place.config_map("a", {"k": "v"}, labels={"l": "1"}, annotations={"n": "2"})
    assert (made["kind"], made["apiVersion"], made["data"]) == ("ConfigMap", "v1", {"k": "v"})
    meta = made["metadata"]
    assert (meta["name"], meta["namespace"]) == ("a", place.namespace)
    assert (meta["labels"], meta["annotations"]) == ({"l": "1"}, {"n": "2"})
    assert place.get(path) == made


@case
def the_server_gives_uid_version_and_time(place):
    metas = [place.config_map(name)[1]["metadata"] for name in "ab"]
    for meta in metas:
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", meta["uid"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["creationTimestamp"])
        assert meta["resourceVersion"].isdigit()
        assert set(meta) == {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}
    assert metas[0]["uid"] != metas[1]["uid"]


@case
def what_belongs_to_the_server_is_not_taken_from_the_client(place):
    time = "2001-01-01T00:00:00Z"
    own = {"uid": "mine", "creationTimestamp": time, "deletionTimestamp": time, "selfLink": "/x"}
    _, made = place.config_map("a", **own, deletionGracePeriodSeconds=5)
    meta = made["metadata"]
    assert meta["uid"] != "mine"
    assert meta["creationTimestamp"] != time
    assert not {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"} & set(meta)


@case
def a_name_is_taken_once(place):
    path, made = place.config_map("a", {"k": "1"})
    error = place.refused(place.post, place.at(MAPS), {"metadata": {"name": "a"}, "data": {"k": "2"}})
    assert said(error) == ("Conflict", 409, "AlreadyExists")
    assert error.details == {"name": "a", "kind": "configmaps"}
    assert place.get(path) == made


@case
def a_custom_name_is_taken_once(place):
    place.widget("a")
    error = place.refused(place.widget, "a")
    assert said(error) == ("Conflict", 409, "AlreadyExists")
    assert error.details == {"name": "a", "group": "contract.example.dev", "kind": "widgets"}


@case
def a_name_is_free_in_another_namespace_and_of_another_kind(place):
    uids = [place.config_map("a")[1]["metadata"]["uid"], place.widget("a")[1]["metadata"]["uid"]]
    other = place.at(MAPS, namespace=place.create_namespace())
    uids.append(place.post(other, {"metadata": {"name": "a"}})["metadata"]["uid"])
    assert len(set(uids)) == 3


@case
def a_name_is_free_again_after_deletion(place):
    path, first = place.config_map("a", {"k": "1"})
    place.delete(path)
    _, second = place.config_map("a")
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert "data" not in second


@case
def a_name_is_made_from_generate_name(place):
    made = [place.post(place.at(MAPS), {"metadata": {"generateName": "web-"}})["metadata"] for _ in range(3)]
    names = {meta["name"] for meta in made}
    assert len(names) == 3
    assert all(re.fullmatch(r"web-[bcdfghjklmnpqrstvwxz2456789]{5}", name) for name in names)
    assert {meta["generateName"] for meta in made} == {"web-"}


@case
def a_given_name_wins_over_generate_name(place):
    made = place.post(place.at(MAPS), {"metadata": {"name": "own", "generateName": "web-"}})
    assert (made["metadata"]["name"], made["metadata"]["generateName"]) == ("own", "web-")


@case
def an_object_without_a_name_is_refused(place):
    error = place.refused(place.post, place.at(MAPS), {"metadata": {}})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert error.details["kind"] == "ConfigMap"
    assert causes(error) == [("FieldValueRequired", "metadata.name")]
    assert "name or generateName is required" in str(error)


@case(rows={"capitals": "Upper", "underscore": "a_b", "dot first": ".a", "slash": "a/b", "too long": "a" * 254})
def a_name_that_is_none_is_refused(place, name):
    error = place.refused(place.post, place.at(MAPS), {"metadata": {"name": name}})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert set(causes(error)) <= {("FieldValueInvalid", "metadata.name")}
    assert error.details["causes"]


@case
def a_version_of_the_client_is_refused(place):
    body = {"metadata": {"name": "a", "resourceVersion": "1"}}
    error = place.refused(place.post, place.at(MAPS), body)
    assert said(error) == ("ClusterError", 500, "")
    assert "resourceVersion should not be set on objects to be created" in str(error)


@case
def a_namespace_that_is_not_there_is_named(place):
    nowhere = place.name("nowhere")
    error = place.refused(place.post, place.at(MAPS, namespace=nowhere), {"metadata": {"name": "a"}})
    assert said(error) == ("NotFound", 404, "NotFound")
    assert error.details == {"name": nowhere, "kind": "namespaces"}


@case
def a_custom_object_needs_its_namespace_too(place):
    resource, nowhere = place.kind("Widget"), place.name("nowhere")
    body = custom(resource, "Widget", "a", spec={"size": 1})
    error = place.refused(place.post, place.at(resource, namespace=nowhere), body)
    assert said(error) == ("NotFound", 404, "NotFound")
    assert error.details == {"name": nowhere, "kind": "namespaces"}


@case(rows={"built-in": MAPS, "custom": "Widget"})
def another_namespace_in_the_body_is_refused(place, resource):
    resource = resource if "/" in resource else place.kind(resource)
    body = custom(resource, "ConfigMap" if resource == MAPS else "Widget", "a", metadata={"namespace": "other"})
    error = place.refused(place.post, place.at(resource), body | {"spec": {"size": 1}} if resource != MAPS else body)
    assert said(error) == ("Invalid", 400, "BadRequest")
    assert "namespace of the provided object does not match the namespace sent on the request" in str(error)


@case
def the_namespace_of_a_cluster_scoped_object_is_dropped(place):
    resource, name = place.kind("Zone"), place.name("zone")
    body = custom(resource, "Zone", name, metadata={"namespace": place.namespace})
    assert "namespace" not in place.post(place.at(resource, namespace=""), body)["metadata"]


@case(rows={"another kind": ("v1", "Secret"), "another version": ("apps/v1", "ConfigMap")})
def another_kind_in_the_body_is_refused(place, api_version, kind):
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}}
    error = place.refused(place.post, place.at(MAPS), body)
    assert said(error) == ("Invalid", 400, "BadRequest")
    assert not place.is_there(place.at(MAPS, "a"))


@case
def another_kind_of_a_custom_group_is_invalid(place):
    resource = place.kind("Widget")
    body = custom(resource, "Gadget", "a", spec={"size": 1})
    error = place.refused(place.post, place.at(resource), body)
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueInvalid", "kind")]


@case
def another_version_of_a_custom_group_is_refused(place):
    resource = place.kind("Widget")
    body = custom(resource, "Widget", "a", spec={"size": 1}) | {"apiVersion": "contract.example.dev/v9"}
    error = place.refused(place.post, place.at(resource), body)
    assert said(error) == ("Invalid", 400, "BadRequest")
    assert "does not match the expected API version (contract.example.dev/v1)" in str(error)


@case
def a_custom_object_says_its_kind(place):
    error = place.refused(place.post, place.at(place.kind("Widget")), {"metadata": {"name": "a"}})
    assert said(error) == ("Invalid", 400, "BadRequest")


@case
def a_built_in_object_need_not_say_its_kind(place):
    made = place.post(place.at(MAPS), {"metadata": {"name": "a"}})
    assert (made["kind"], made["apiVersion"]) == ("ConfigMap", "v1")


@case(needs=CONTROLLERS)
def nothing_is_created_in_a_namespace_that_terminates(place):
    namespace = place.create_namespace()
    held = place.at(MAPS, namespace=namespace)
    place.post(held, {"metadata": {"name": "held", "finalizers": ["example.dev/hold"]}})
    place.delete(f"/api/v1/namespaces/{namespace}")
    error = place.refused(place.post, held, {"metadata": {"name": "a"}})
    assert said(error) == ("Forbidden", 403, "Forbidden")
    assert (error.details["name"], error.details["kind"]) == ("a", "configmaps")
    assert set(causes(error)) == {("NamespaceTerminating", "metadata.namespace")}
