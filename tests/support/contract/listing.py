"""Lists: their order, heads and versions, and what selectors leave of them."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said

SECRETS = "v1/secrets"


def _secrets(place, *names, **labels):
    for name in names:
        place.post(place.at(SECRETS), {"metadata": {"name": name, "labels": {"name": name, **labels}}})
    return place.at(SECRETS)


@case
def an_empty_list_has_items_and_a_version(place):
    found = place.get(place.at(SECRETS))
    assert (found["kind"], found["apiVersion"], found["items"]) == ("SecretList", "v1", [])
    assert int(found["metadata"]["resourceVersion"]) > 0
    assert set(found["metadata"]) == {"resourceVersion"}


@case
def a_namespace_that_is_not_there_has_an_empty_list(place):
    assert place.get(place.at(SECRETS, namespace=place.name()))["items"] == []


@case
def a_list_is_sorted_by_name(place):
    path = _secrets(place, "b", "a-1", "c", "a", "a.0")
    assert place.names(path) == ["a", "a-1", "a.0", "b", "c"]


@case
def a_list_of_all_namespaces_is_sorted_by_namespace_and_name(place):
    mark = place.name("mark")
    second = place.create_namespace("zz")
    first = place.create_namespace("aa")
    for namespace, name in ((second, "a"), (place.namespace, "b"), (first, "z"), (second, "0")):
        meta = {"name": name, "labels": {"mark": mark}}
        place.post(place.at(SECRETS, namespace=namespace), {"metadata": meta})
    found = place.get(place.at(SECRETS, namespace=""), labelSelector=f"mark={mark}")["items"]
    keys = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in found]
    assert keys == [(first, "z"), (place.namespace, "b"), (second, "0"), (second, "a")]


@case
def items_of_a_built_in_kind_do_not_say_their_kind(place):
    (item,) = place.get(_secrets(place, "a"))["items"]
    assert set(item) == {"metadata", "type"}


@case
def items_of_a_custom_kind_say_their_kind(place):
    place.widget("a")
    found = place.get(place.at(place.kind("Widget")))
    assert (found["kind"], found["apiVersion"]) == ("WidgetList", "contract.example.dev/v1")
    assert [(item["kind"], item["apiVersion"]) for item in found["items"]] == [("Widget", "contract.example.dev/v1")]


@case
def a_list_holds_what_get_gives(place):
    path, _ = place.widget("a")
    assert place.get(place.at(place.kind("Widget")))["items"] == [place.get(path)]


@case
def the_version_of_a_list_is_not_older_than_its_objects(place):
    path = _secrets(place, "a", "b")
    found = place.get(path)
    newest = max(int(item["metadata"]["resourceVersion"]) for item in found["items"])
    assert int(found["metadata"]["resourceVersion"]) >= newest


@case
def versions_grow_from_write_to_write_of_any_kind(place):
    written = [
        place.post(place.at("v1/configmaps"), {"metadata": {"name": "a"}}),
        place.post(place.at(SECRETS), {"metadata": {"name": "a"}}),
        place.merge(place.at("v1/configmaps", "a"), {"data": {"k": "v"}}),
        place.widget("a")[1],
    ]
    versions = [int(obj["metadata"]["resourceVersion"]) for obj in written]
    assert versions == sorted(set(versions))


@case
def a_list_of_one_namespace_holds_no_other(place):
    place.post(place.at(SECRETS, namespace=place.create_namespace()), {"metadata": {"name": "theirs"}})
    assert place.names(_secrets(place, "ours")) == ["ours"]


@case
def a_list_shows_objects_as_they_were_at_an_exact_version(place):
    path = _secrets(place, "a", "b")
    before = place.get(path)
    place.merge(f"{path}/a", {"metadata": {"labels": {"new": "x"}}})
    place.delete(f"{path}/b")
    version = before["metadata"]["resourceVersion"]
    assert place.get(path, resourceVersion=version, resourceVersionMatch="Exact") == before


@case
def a_list_not_older_than_a_version_shows_later_writes(place):
    path = _secrets(place, "a")
    version = place.get(path)["metadata"]["resourceVersion"]
    written = _secrets(place, "b") and place.get(f"{path}/b")["metadata"]["resourceVersion"]
    found = place.get(path, resourceVersion=written, resourceVersionMatch="NotOlderThan")
    assert [item["metadata"]["name"] for item in found["items"]] == ["a", "b"]
    assert int(found["metadata"]["resourceVersion"]) > int(version)


_TOO_LARGE = {"not older": {}, "exact": {"resourceVersionMatch": "Exact"}}


@case(rows=_TOO_LARGE)
def a_list_of_a_version_that_is_to_come_times_out(place, match):
    error = place.refused(place.get, place.at(SECRETS), resourceVersion="99999999", **match)
    assert said(error) == ("ClusterError", 504, "Timeout")
    assert error.details["retryAfterSeconds"] == 1
    assert [cause["reason"] for cause in error.details["causes"]] == ["ResourceVersionTooLarge"]


@case
def a_version_that_is_no_number_is_refused(place):
    error = place.refused(place.get, place.at(SECRETS), resourceVersion="abc")
    assert said(error) == ("Invalid", 400, "BadRequest")


@case
def a_match_without_a_version_is_refused(place):
    error = place.refused(place.get, place.at(SECRETS), resourceVersionMatch="Exact")
    assert (error.status, error.reason, error.details["kind"]) == (422, "Invalid", "ListOptions")
    assert causes(error) == [("FieldValueForbidden", "resourceVersionMatch")]


@case(rows={"newest": {}, "any": {"resourceVersion": "0"}})
def one_object_is_got(place, query):
    path, made = place.config_map("a", {"k": "1"})
    assert place.settle(lambda: place.is_there(path, **query) and place.get(path, **query)) == made


@case
def an_object_not_older_than_a_version_shows_it(place):
    path, _ = place.config_map("a", {"k": "1"})
    changed = place.merge(path, {"data": {"k": "2"}})
    version = changed["metadata"]["resourceVersion"]
    assert place.get(path, resourceVersion=version) == changed
