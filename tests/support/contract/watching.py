"""Watches: where they begin, what they show of a selection, bookmarks, and the three ways to say 410."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.kinds import custom

SECRETS = "v1/secrets"


def _version(obj):
    return obj["metadata"]["resourceVersion"]


def _secret(place, name, **labels):
    return place.post(place.at(SECRETS), {"metadata": {"name": name, "labels": labels}})


def _now(place, path=None):
    return _version(place.get(path or place.at(SECRETS)))


def _seen(events):
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events]


@case
def a_watch_shows_what_came_after_its_version(place):
    path = place.at(SECRETS)
    _secret(place, "old")
    version = _now(place)
    made = _secret(place, "a")
    changed = place.merge(f"{path}/a", {"metadata": {"labels": {"l": "1"}}})
    place.delete(f"{path}/a")
    events = place.watch(path, 3, resourceVersion=version)
    assert _seen(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    head = {"kind": "Secret", "apiVersion": "v1"}
    assert [event["object"] for event in events[:2]] == [{**head, **made}, {**head, **changed}]


@case
def a_deletion_is_shown_with_the_last_state_under_a_version_of_its_own(place):
    path = place.at(SECRETS)
    made = _secret(place, "a", l="1")
    place.delete(f"{path}/a")
    (event,) = place.watch(path, 1, resourceVersion=_version(made))
    assert event["type"] == "DELETED"
    assert int(_version(event["object"])) > int(_version(made))
    assert event["object"] == {**made, "metadata": {**made["metadata"], "resourceVersion": _version(event["object"])}}
    _secret(place, "b")
    assert _seen(place.watch(path, 1, resourceVersion=_version(event["object"]))) == [("ADDED", "b")]


@case
def a_watch_from_an_objects_version_does_not_show_it(place):
    first, _ = _secret(place, "a"), _secret(place, "b")
    assert _seen(place.watch(place.at(SECRETS), 1, resourceVersion=_version(first))) == [("ADDED", "b")]


@case
def versions_of_events_grow(place):
    version = _now(place)
    for name in "cab":
        _secret(place, name)
    events = place.watch(place.at(SECRETS), 3, resourceVersion=version)
    assert _seen(events) == [("ADDED", "c"), ("ADDED", "a"), ("ADDED", "b")]
    versions = [int(_version(event["object"])) for event in events]
    assert versions == sorted(set(versions))


@case(rows={"unset": {}, "0": {"resourceVersion": "0"}})
def a_watch_without_a_version_begins_with_all_objects(place, query):
    path = place.at(SECRETS)
    for name in "ba":
        _secret(place, name)
    place.settle(lambda: place.names(path, resourceVersion="0") == ["a", "b"])
    with place.watching(path, **query) as events:
        assert sorted(_seen([next(events), next(events)])) == [("ADDED", "a"), ("ADDED", "b")]
        place.delete(f"{path}/a")
        assert _seen([next(events)]) == [("DELETED", "a")]


@case
def events_come_while_the_watch_is_open(place):
    path = place.at(SECRETS)
    with place.watching(path, resourceVersion=_now(place)) as events:
        _secret(place, "a")
        assert _seen([next(events)]) == [("ADDED", "a")]
        place.merge(f"{path}/a", {"metadata": {"labels": {"l": "1"}}})
        event = next(events)
        assert (event["type"], event["object"]["metadata"]["labels"]) == ("MODIFIED", {"l": "1"})


@case
def a_write_that_changes_nothing_is_no_event(place):
    path = place.at(SECRETS)
    made = _secret(place, "a", l="1")
    place.merge(f"{path}/a", {"metadata": {"labels": {"l": "1"}}})
    place.put(f"{path}/a", made)
    _secret(place, "b")
    assert _seen(place.watch(path, 1, resourceVersion=_version(made))) == [("ADDED", "b")]


@case
def a_watch_of_one_namespace_shows_no_other(place):
    version = _now(place)
    place.post(place.at(SECRETS, namespace=place.create_namespace()), {"metadata": {"name": "theirs"}})
    _secret(place, "ours")
    assert _seen(place.watch(place.at(SECRETS), 1, resourceVersion=version)) == [("ADDED", "ours")]


@case
def a_watch_of_all_namespaces_shows_all(place):
    path, mark, version = place.at(SECRETS, namespace=""), place.name("mark"), _now(place)
    for namespace in (place.create_namespace(), place.namespace):
        meta = {"name": namespace, "labels": {"mark": mark}}
        place.post(place.at(SECRETS, namespace=namespace), {"metadata": meta})
    events = place.watch(path, 2, resourceVersion=version, labelSelector=f"mark={mark}")
    assert [event["object"]["metadata"]["name"] for event in events][1] == place.namespace


def _entering_and_leaving(place, path):
    """What happens to "a": it enters the selection on=yes, changes in it, leaves it, enters it and is deleted."""
    version = _version(_secret(place, "a", on="no"))
    for labels in ({"on": "yes"}, {"more": "x"}, {"on": "no"}, {"more": "y"}, {"on": "yes"}):
        place.merge(f"{path}/a", {"metadata": {"labels": labels}})
    place.delete(f"{path}/a")
    return version


@case
def objects_enter_and_leave_the_selection_of_a_watch(place):
    path = place.at(SECRETS)
    version = _entering_and_leaving(place, path)
    events = place.watch(path, 5, resourceVersion=version, labelSelector="on=yes")
    types = ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
    assert [event["type"] for event in events] == types
    assert [event["object"]["metadata"]["labels"].get("more") for event in events] == [None, "x", "x", "y", "y"]
    assert [event["object"]["metadata"]["labels"]["on"] for event in events] == ["yes"] * 5
    versions = [int(_version(event["object"])) for event in events]
    assert versions == sorted(set(versions))


@case
def an_object_outside_the_selection_is_deleted_without_an_event(place):
    path = place.at(SECRETS)
    version = _version(_secret(place, "a", on="no"))
    place.delete(f"{path}/a")
    _secret(place, "b", on="yes")
    events = place.watch(path, 1, resourceVersion=version, labelSelector="on=yes")
    assert _seen(events) == [("ADDED", "b")]


@case
def a_watch_of_one_name_shows_that_object(place):
    path, version = place.at(SECRETS), _now(place)
    for name in "abc":
        _secret(place, name)
    place.delete(f"{path}/b")
    events = place.watch(path, 2, resourceVersion=version, fieldSelector="metadata.name=b")
    assert _seen(events) == [("ADDED", "b"), ("DELETED", "b")]


@case
def a_pod_enters_and_leaves_the_selection_of_a_field(place):
    path = place.at("v1/pods")
    made = place.post(path, {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    for phase in ("Running", "Succeeded"):
        place.merge(f"{path}/a/status", {"status": {"phase": phase}})
    events = place.watch(path, 2, resourceVersion=_version(made), fieldSelector="status.phase=Running")
    assert _seen(events) == [("ADDED", "a"), ("DELETED", "a")]
    assert events[1]["object"]["status"]["phase"] == "Running"


@case
def custom_objects_are_watched(place):
    resource = place.kind("Widget")
    version = _now(place, place.at(resource))
    made = place.post(place.at(resource), custom(resource, "Widget", "a", spec={"size": 1}))
    assert place.watch(place.at(resource), 1, resourceVersion=version) == [{"type": "ADDED", "object": made}]
