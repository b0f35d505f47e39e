"""The generation of an object: which writes it counts."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.kinds import custom

DEPLOYMENTS = "apps/v1/deployments"


def _change(place, path, change, subresource=""):
    """By how much a merge patch changes the generation."""
    before = place.get(path)["metadata"]["generation"]
    return place.merge(path + subresource, change)["metadata"]["generation"] - before


_CHANGES = {
    "spec": ({"spec": {"size": 2}}, "", 1),
    "spec as it is": ({"spec": {"size": 1}}, "", 0),
    "default spelled out": ({"spec": {"mode": "fast"}}, "", 0),
    "unknown field": ({"spec": {"nope": 1}}, "", 0),
    "labels": ({"metadata": {"labels": {"l": "1"}}}, "", 0),
    "annotations": ({"metadata": {"annotations": {"n": "1"}}}, "", 0),
    "finalizers": ({"metadata": {"finalizers": ["example.dev/x"]}}, "", 0),
    "spec and labels": ({"metadata": {"labels": {"l": "1"}}, "spec": {"size": 2}}, "", 1),
    "own generation": ({"metadata": {"generation": 77}}, "", 0),
    "status by the object": ({"status": {"phase": "x"}}, "", 0),
    "status": ({"status": {"phase": "x"}}, "/status", 0),
    "spec by the status": ({"spec": {"size": 2}}, "/status", 0),
}


@case(rows=_CHANGES)
def a_kind_with_a_status_counts_changes_of_its_spec(place, change, subresource, by):
    path, made = place.widget("a")
    assert made["metadata"]["generation"] == 1
    assert _change(place, path, change, subresource) == by


_PLAIN = {
    "spec": ({"spec": {"size": 2}}, 1),
    "status": ({"status": {"phase": "x"}}, 1),
    "labels": ({"metadata": {"labels": {"l": "1"}}}, 0),
    "nothing": ({}, 0),
}


@case(rows=_PLAIN)
def a_custom_kind_without_a_status_counts_all_but_metadata(place, change, by):
    path, made = place.widget("a", "Plain")
    assert made["metadata"]["generation"] == 1
    assert _change(place, path, change) == by


_DEPLOYMENT = {
    "spec": ({"spec": {"replicas": 3}}, "", 1),
    "default spelled out": ({"spec": {"revisionHistoryLimit": 10}}, "", 0),
    "labels": ({"metadata": {"labels": {"l": "1"}}}, "", 0),
    "annotations": ({"metadata": {"annotations": {"n": "1"}}}, "", 1),
    "status": ({"status": {"replicas": 1}}, "/status", 0),
}


@case(rows=_DEPLOYMENT)
def a_deployment_counts_changes_of_its_spec_and_of_its_annotations(place, change, subresource, by):
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": pod, "paused": True, "replicas": 0}
    made = place.post(place.at(DEPLOYMENTS), {"metadata": {"name": "a"}, "spec": spec})
    assert made["metadata"]["generation"] == 1
    assert _change(place, place.at(DEPLOYMENTS, "a"), change, subresource) == by


@case
def a_config_map_has_no_generation(place):
    path, made = place.config_map("a", {"k": "1"})
    assert "generation" not in made["metadata"]
    assert "generation" not in place.merge(path, {"data": {"k": "2"}})["metadata"]


@case(rows={"custom": "Widget"})
def a_generation_of_the_client_is_not_taken(place, kind):
    resource = place.kind(kind)
    body = custom(resource, kind, "a", metadata={"generation": 77}, spec={"size": 1})
    made = place.post(place.at(resource), body)
    assert made["metadata"]["generation"] == 1
    changed = {**made, "metadata": {**made["metadata"], "generation": 77}, "spec": {"size": 2}}
    assert place.put(place.at(resource, "a"), changed)["metadata"]["generation"] == 2


@case
def a_deletion_that_waits_counts(place):
    path, _ = place.widget("a", metadata={"finalizers": ["example.dev/hold"]})
    assert place.delete(path)["metadata"]["generation"] == 2
    assert place.delete(path)["metadata"]["generation"] == 2


@case
def every_change_counts_once(place):
    path, _ = place.widget("a")
    seen = [place.merge(path, {"spec": {"size": size}})["metadata"]["generation"] for size in (2, 2, 3, 4, 4)]
    assert seen == [2, 2, 3, 4, 4]
