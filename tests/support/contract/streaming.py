"""Bookmarks, the end of watches, and the ways in which a server says that a version is too old."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import said

SECRETS = "v1/secrets"
INITIAL = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
END = {"k8s.io/initial-events-end": "true"}


def _secret(place, name, **labels):
    return place.post(place.at(SECRETS), {"metadata": {"name": name, "labels": labels}})


@case
def initial_events_end_with_a_bookmark_from_which_a_watch_goes_on(place):
    path = place.at(SECRETS)
    made = [_secret(place, name) for name in "ba"]
    *added, bookmark = place.watch(path, 3, **INITIAL)
    assert sorted((event["type"], event["object"]["metadata"]["name"]) for event in added) == [
        ("ADDED", "a"),
        ("ADDED", "b"),
    ]
    found = bookmark["object"]
    assert (bookmark["type"], found["kind"], found["apiVersion"]) == ("BOOKMARK", "Secret", "v1")
    assert found["metadata"]["annotations"] == END
    assert int(found["metadata"]["resourceVersion"]) >= int(made[-1]["metadata"]["resourceVersion"])
    _secret(place, "c")
    (event,) = place.watch(path, 1, resourceVersion=found["metadata"]["resourceVersion"])
    assert event["object"]["metadata"]["name"] == "c"


@case
def initial_events_of_nothing_are_a_bookmark(place):
    (bookmark,) = place.watch(place.at(SECRETS), 1, **INITIAL)
    assert (bookmark["type"], bookmark["object"]["metadata"]["annotations"]) == ("BOOKMARK", END)


@case
def initial_events_are_of_the_selection(place):
    for name in "ab":
        _secret(place, name, is_b=str(name == "b"))
    added, bookmark = place.watch(place.at(SECRETS), 2, labelSelector="is_b=True", **INITIAL)
    assert (added["object"]["metadata"]["name"], bookmark["type"]) == ("b", "BOOKMARK")


@case
def events_follow_the_initial_ones(place):
    path = place.at(SECRETS)
    _secret(place, "a")
    with place.watching(path, **INITIAL) as events:
        assert [next(events)["type"], next(events)["type"]] == ["ADDED", "BOOKMARK"]
        place.delete(f"{path}/a")
        assert next(events)["type"] == "DELETED"


@case
def a_watch_from_0_that_asks_for_bookmarks_gets_the_end_of_the_initial_events(place):
    _secret(place, "a")
    place.settle(lambda: place.names(place.at(SECRETS), resourceVersion="0"))
    added, bookmark = place.watch(place.at(SECRETS), 2, resourceVersion="0", allowWatchBookmarks="true")
    assert (added["type"], bookmark["type"]) == ("ADDED", "BOOKMARK")
    assert bookmark["object"]["metadata"]["annotations"] == END


@case
def initial_events_without_a_match_are_refused(place):
    error = place.refused(place.watch, place.at(SECRETS), 1, sendInitialEvents="true")
    assert (error.status, error.reason, error.details["kind"]) == (422, "Invalid", "ListOptions")
    assert {cause["field"] for cause in error.details["causes"]} == {"resourceVersionMatch"}


@case
def a_watch_without_initial_events_shows_what_is_new(place):
    path = place.at(SECRETS)
    _secret(place, "a")
    query = {**INITIAL, "sendInitialEvents": "false"}
    with place.watching(path, **query) as events:
        _secret(place, "b")
        assert next(events)["object"]["metadata"]["name"] == "b"


@case
def a_watch_ends_when_its_time_is_over(place):
    _secret(place, "a")
    events = place.watch_to_end(place.at(SECRETS), 1, resourceVersion="0")
    assert [event["type"] for event in events] == ["ADDED"]


@case
def a_bookmark_before_the_end_of_a_watch_tells_of_writes_that_it_does_not_show(place):
    version = _secret(place, "a")["metadata"]["resourceVersion"]
    other = place.at(SECRETS, namespace=place.create_namespace())
    query = {"timeoutSeconds": "4", "resourceVersion": version, "allowWatchBookmarks": "true"}
    with place.watching(place.at(SECRETS), **query) as events:
        written = place.post(other, {"metadata": {"name": "theirs"}})["metadata"]["resourceVersion"]
        *_, last = list(events)
    found = last["object"]
    assert (last["type"], set(found)) == ("BOOKMARK", {"kind", "apiVersion", "metadata"})
    assert (found["kind"], found["apiVersion"], set(found["metadata"])) == ("Secret", "v1", {"resourceVersion"})
    assert int(found["metadata"]["resourceVersion"]) >= int(written)


@case
def nobody_who_has_not_asked_gets_a_bookmark(place):
    version = _secret(place, "a")["metadata"]["resourceVersion"]
    assert place.watch_to_end(place.at(SECRETS), 3, resourceVersion=version) == []


@case
def a_version_before_the_history_is_an_error_in_the_stream(place):
    """The kind is younger than the version, whose history its watch does not have."""
    path = place.at(place.kind("Widget"))
    (event,) = place.watch(path, 2, resourceVersion="1")
    assert event["type"] == "ERROR"
    status = event["object"]
    assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")
    assert (status["code"], status["reason"]) == (410, "Expired")
    assert status["message"].startswith("too old resource version: 1 (")


@case
def a_version_that_is_to_come_opens_a_watch_without_events(place):
    _secret(place, "a")
    assert place.watch_to_end(place.at(SECRETS), 1, resourceVersion="99999999") == []


@case
def a_version_that_is_no_number_opens_no_watch(place):
    error = place.refused(place.watch, place.at(SECRETS), 1, resourceVersion="abc")
    assert (type(error).__name__, error.status) == ("ClusterError", 500)


@case
def a_kind_that_is_not_served_opens_no_watch(place):
    error = place.refused(place.watch, place.at("v1/nosuchthings"), 1)
    assert said(error) == ("NotFound", 404, "NotFound")
