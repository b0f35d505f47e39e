"""gr.status: one object, the time, a Status."""

import copy
import datetime as dt

import pytest

import genreconcile as gr
from genreconcile.kinds.types import TypeGraph
from support.objects import available

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
NEW = "2026-06-01T11:59:50Z"


def live(kind, status=None, api_version="v1", spec=None, **metadata):
    metadata = {"name": "one", "namespace": "shop", "creationTimestamp": "2026-01-01T00:00:00Z", **metadata}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec or {}, "status": status or {}}


def both(obj):
    """The states in the profiles wait and kstatus."""
    return gr.status(obj, now=NOW).state, gr.status(obj, now=NOW, profile="kstatus").state


def condition(name, status="True", **more):
    return {"type": name, "status": status, **more}


def deployment(**counts):
    return live("Deployment", {**available(3, 1), **counts}, "apps/v1", {"replicas": 3}, generation=1)


def test_a_status_says_what_is_missing():
    found = gr.status(deployment(readyReplicas=1, availableReplicas=1), now=NOW)
    assert found == gr.Status(
        "InProgress", "TooFewAvailable", "1 of 3 updated replicas are available", "deployment", changes_in=None
    )
    assert str(found) == "InProgress (TooFewAvailable): 1 of 3 updated replicas are available"
    assert not found.is_current


def test_what_is_done_is_current():
    found = gr.status(deployment(), now=NOW)
    assert (found.state, found.warning, found.is_current) == ("Current", "", True)


def test_an_old_status_is_none():
    found = gr.status(deployment(observedGeneration=0), now=NOW)
    assert found.message == "its controller has seen generation 0, and the object has 1"


def test_no_object():
    assert gr.status(None).state == gr.status(None, profile="kstatus").state == "NotFound"


def test_what_is_being_deleted():
    assert both(live("ConfigMap", deletionTimestamp="2026-06-01T00:00:00Z")) == ("Terminating", "Terminating")


@pytest.mark.parametrize(
    ("obj", "states"),
    [
        (live("Job", {"startTime": NEW, "active": 1}, "batch/v1"), ("InProgress", "Current")),
        (live("Job", {"conditions": [condition("Complete")]}, "batch/v1"), ("Current", "Current")),
        (live("Job", {"conditions": [condition("Failed")]}, "batch/v1"), ("Failed", "Failed")),
        (
            live("Job", {"startTime": NEW, "conditions": [condition("Suspended")]}, "batch/v1"),
            ("InProgress", "Current"),
        ),
        (live("Pod", {"phase": "Failed"}), ("Failed", "Current")),
        (live("Pod", {"phase": "Succeeded"}), ("Current", "Current")),
        (live("Service", spec={"type": "LoadBalancer", "clusterIP": "10.0.0.1"}), ("InProgress", "Current")),
        (
            live(
                "Service",
                {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
                spec={"type": "LoadBalancer", "clusterIP": "10.0.0.1"},
            ),
            ("Current", "Current"),
        ),
        (live("APIService", {}, "apiregistration.k8s.io/v1"), ("InProgress", "Current")),
        (
            live("APIService", {"conditions": [condition("Available", "False")]}, "apiregistration.k8s.io/v1"),
            ("InProgress", "Current"),
        ),
        (
            live("APIService", {"conditions": [condition("Available")]}, "apiregistration.k8s.io/v1"),
            ("Current", "Current"),
        ),
        (live("Thing", {"conditions": [condition("Available", "False")]}, "example.com/v1"), ("InProgress", "Current")),
        (
            live(
                "Thing",
                {"conditions": [condition("Available", "False"), condition("Ready")]},
                "example.com/v1",
            ),
            ("Current", "Current"),
        ),
        (live("Thing", {"conditions": [condition("Stalled")]}, "example.com/v1"), ("Failed", "Failed")),
        (live("Thing", {"conditions": "all"}, "example.com/v1"), ("Unknown", "Unknown")),
    ],
    ids=str,
)
def test_the_profiles(obj, states):
    assert both(obj) == states


def test_why_a_pod_has_failed():
    found = gr.status(live("Pod", {"phase": "Failed", "reason": "Evicted", "message": "low on\nmemory"}), now=NOW)
    assert (found.reason, found.message) == (
        "Evicted",
        "a container has ended with an error, or the Pod was stopped: low on memory",
    )


def test_a_long_message_of_a_controller_is_cut():
    found = gr.status(live("Thing", {"conditions": [condition("Stalled", message="x" * 50_000)]}), now=NOW)
    assert len(found.message) == 1001


def test_a_pod_without_a_node_has_fifteen_seconds():
    unscheduled = condition("PodScheduled", "False", reason="Unschedulable", message="0/3 nodes are available.")
    pod = live("Pod", {"phase": "Pending", "conditions": [unscheduled]}, creationTimestamp=NEW)
    found = gr.status(pod, now=NOW)
    assert (found.state, found.changes_in) == ("InProgress", 5.0)
    later = gr.status(pod, now=NOW + dt.timedelta(seconds=5))
    assert (later.state, later.changes_in) == ("Failed", None)
    assert later.message == "no node takes it: 0/3 nodes are available."


def schema(status, group="example.com"):
    """The types of one custom kind."""
    gvk = {"group": group, "version": "v1", "kind": "Thing"}
    properties = {"status": {"type": "object", "properties": status}}
    thing = {"type": "object", "properties": properties, "x-kubernetes-group-version-kind": [gvk]}
    operations = {"get": {"x-kubernetes-group-version-kind": gvk}}
    paths = {f"/apis/{group}/v1/namespaces/{{namespace}}/things/{{name}}/status": operations}
    name = ".".join([*reversed(group.split(".")), "v1", "Thing"])
    document = {"components": {"schemas": {name: thing}}, "paths": paths}
    return TypeGraph({f"apis/{group}/v1": document}.get)


@pytest.mark.parametrize("told", ["conditions", "observedGeneration"])
def test_a_custom_resource_that_says_nothing_has_thirty_seconds(told):
    thing = live("Thing", api_version="example.com/v1", creationTimestamp=NEW)
    types = schema({told: {"type": "integer"}})
    found = gr.status(thing, now=NOW, schema=types)
    assert (found.state, found.reason, found.changes_in) == ("InProgress", "NothingTold", 20.0)
    later = gr.status(thing, now=NOW + dt.timedelta(seconds=20), schema=types)
    assert (later.state, later.changes_in) == ("Current", None)
    assert later.warning.endswith("does its controller run?")
    assert (found.warning.code, later.warning.code) == ("", "GR915")
    assert gr.status(thing, now=NOW, schema=types, profile="kstatus").state == "Current"


@pytest.mark.parametrize("status", [{"phase": {"type": "string"}}, {}])
def test_a_custom_resource_of_which_nobody_would_tell_is_current(status):
    thing = live("Thing", api_version="example.com/v1", creationTimestamp=NEW)
    assert gr.status(thing, now=NOW, schema=schema(status)).state == "Current"
    assert gr.status(thing, now=NOW).state == "Current", "without its schema nothing is expected"


def test_what_a_custom_resource_says_counts_at_once():
    thing = live("Thing", {"observedGeneration": 1}, "example.com/v1", creationTimestamp=NEW)
    assert gr.status(thing, now=NOW, schema=schema({"conditions": {"type": "array"}})).reason == "Exists"


def test_a_clock_that_is_ahead_of_ours_grants_no_more_than_the_grace():
    thing = live("Thing", api_version="example.com/v1", creationTimestamp="2026-06-01T13:00:00Z")
    assert gr.status(thing, now=NOW, schema=schema({"conditions": {}})).changes_in == 30.0


def test_nothing_is_changed():
    obj = deployment(readyReplicas=1)
    before = copy.deepcopy(obj)
    gr.status(obj, now=NOW)
    assert obj == before


def test_the_time_is_the_present_unless_given():
    created = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    pod = live("Pod", {"phase": "Pending", "conditions": [condition("PodScheduled", "False", reason="Unschedulable")]})
    assert gr.status(pod).state == "Failed"
    pod["metadata"]["creationTimestamp"] = created[:19] + "Z"
    assert gr.status(pod).state == "InProgress"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"profile": "helm"}, "profile: not usable: 'helm' is unknown; use wait or kstatus"),
        ({"now": dt.datetime(2026, 1, 1)}, "now: not usable: datetime is no time with a time zone"),  # noqa: DTZ001
        ({"now": 5}, "now: not usable: 5 is no time with a time zone; give datetime.now(UTC)"),
        ({"rules": "rules.yaml"}, "rules: not usable: 'rules.yaml' is no Registry"),
        ({"schema": {}}, "schema: not usable: dict is no Schema"),
    ],
)
def test_arguments_that_cannot_be_used(arguments, told):
    with pytest.raises(gr.InputError, match="not usable") as caught:
        gr.status(live("Pod"), **arguments)
    assert told in str(caught.value)


@pytest.mark.parametrize("obj", [[], "Pod", 5, {"a": {1}}, {1: 2}])
def test_what_is_no_object(obj):
    with pytest.raises(gr.LoadError, match="live"):
        gr.status(obj)
