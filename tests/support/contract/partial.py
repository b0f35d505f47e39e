"""Objects of which only the metadata is asked for."""

from __future__ import annotations

from genreconcile.cluster.partial import METADATA, METADATA_OF_LISTS
from support.contract.cases import case

MAPS = "v1/configmaps"
HEAD = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}


def _made(place, kind):
    """The path of the list, and an object in it."""
    if kind == "ConfigMap":
        return place.at(MAPS), place.config_map("a", {"k": "1"}, labels={"set": "x"})[1]
    made = place.widget("a", metadata={"labels": {"set": "x"}})[1]
    return place.at(place.kind(kind)), made


KINDS = {"built-in": "ConfigMap", "custom": "Widget"}


@case(rows=KINDS)
def one_object_is_its_metadata(place, kind):
    path, made = _made(place, kind)
    assert place.send("GET", f"{path}/a", accept=METADATA) == {**HEAD, "metadata": made["metadata"]}


@case(rows=KINDS)
def a_list_is_of_metadata(place, kind):
    path, made = _made(place, kind)
    found = place.send("GET", path, accept=METADATA_OF_LISTS, labelSelector="set=x")
    assert (found["kind"], found["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert int(found["metadata"]["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])
    assert [item["metadata"] for item in found["items"]] == [made["metadata"]]
    assert all(set(item) <= {"metadata", *HEAD} for item in found["items"])


@case
def a_list_of_metadata_is_paged(place):
    for name in "abc":
        place.config_map(name, {"k": "1"}, labels={"set": "x"})
    path, query = place.at(MAPS), {"limit": "2", "labelSelector": "set=x"}
    first = place.send("GET", path, accept=METADATA_OF_LISTS, **query)
    token = {"continue": first["metadata"]["continue"]}
    rest = place.send("GET", path, accept=METADATA_OF_LISTS, **query, **token)
    assert [len(page["items"]) for page in (first, rest)] == [2, 1]
    assert all("data" not in item for page in (first, rest) for item in page["items"])


@case(rows=KINDS)
def a_watch_is_of_metadata(place, kind):
    path, made = _made(place, kind)
    changed = place.merge(f"{path}/a", {"metadata": {"labels": {"set": "x", "more": "y"}}})
    place.delete(f"{path}/a")
    version = made["metadata"]["resourceVersion"]
    modified, deleted = place.watch(path, 2, accept=METADATA, resourceVersion=version, labelSelector="set=x")
    assert modified == {"type": "MODIFIED", "object": {**HEAD, "metadata": changed["metadata"]}}
    assert (deleted["type"], set(deleted["object"])) == ("DELETED", {*HEAD, "metadata"})


@case
def bookmarks_are_of_metadata_too(place):
    _made(place, "ConfigMap")
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    added, bookmark = place.watch(place.at(MAPS), 2, accept=METADATA, labelSelector="set=x", **query)
    assert (added["type"], bookmark["type"]) == ("ADDED", "BOOKMARK")
    assert {name: bookmark["object"][name] for name in HEAD} == HEAD
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@case
def a_write_answers_with_metadata(place):
    path, _ = place.config_map("a", {"k": "1"})
    answer = place.send("PUT", path, {"metadata": {"name": "a"}, "data": {"k": "2"}}, accept=METADATA)
    assert set(answer) == {*HEAD, "metadata"}
    assert place.get(path)["data"] == {"k": "2"}
