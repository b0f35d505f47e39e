"""The subresources ``status`` and ``scale``: who writes what through which door."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said
from support.contract.kinds import custom

DEPLOYMENTS = "apps/v1/deployments"
PAUSED = {"paused": True}  # Else a controller writes as well.


def _deployment(place, **spec):
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    body = {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": pod, **spec}}
    place.post(place.at(DEPLOYMENTS), body)
    return place.at(DEPLOYMENTS, "a")


@case
def a_status_is_dropped_when_an_object_is_created(place):
    resource = place.kind("Widget")
    body = custom(resource, "Widget", "a", spec={"size": 1}, status={"phase": "mine"})
    assert "status" not in place.post(place.at(resource), body)


@case
def a_status_is_kept_where_the_kind_has_no_such_subresource(place):
    resource = place.kind("Plain")
    body = custom(resource, "Plain", "a", spec={"size": 1}, status={"phase": "mine"})
    path = place.at(resource, "a")
    assert place.post(place.at(resource), body)["status"] == {"phase": "mine"}
    assert place.merge(path, {"status": {"phase": "yours"}})["status"] == {"phase": "yours"}
    error = place.refused(place.merge, f"{path}/status", {"status": {"phase": "x"}})
    assert said(error) == ("NotFound", 404, "NotFound")


@case(rows={"patch": "patch", "merge": "merge", "put": "put"})
def a_write_of_the_object_leaves_the_status(place, verb):
    path, _ = place.widget("a")
    live = place.merge(f"{path}/status", {"status": {"phase": "x"}})
    send = {
        "patch": (place.patch, path, {"op": "replace", "path": "/status/phase", "value": "mine"}),
        "merge": (place.merge, path, {"status": {"phase": "mine"}}),
        "put": (place.put, path, {**live, "status": {"phase": "mine"}}),
    }
    function, *arguments = send[verb]
    assert function(*arguments) == live
    assert place.get(path) == live


@case
def a_put_without_a_status_leaves_it(place):
    path, _ = place.widget("a")
    live = place.merge(f"{path}/status", {"status": {"phase": "x"}})
    body = {name: value for name, value in live.items() if name != "status"}
    answer = place.put(path, {**body, "spec": {"size": 7}})
    assert (answer["spec"]["size"], answer["status"]) == (7, {"phase": "x"})


@case(rows={"patch": "patch", "merge": "merge", "put": "put"})
def a_status_is_written_through_its_subresource(place, verb):
    path, made = place.widget("a")
    status = {"phase": "x", "ready": True}
    send = {
        "patch": (place.patch, f"{path}/status", {"op": "add", "path": "/status", "value": status}),
        "merge": (place.merge, f"{path}/status", {"status": status}),
        "put": (place.put, f"{path}/status", {**made, "status": status}),
    }
    function, *arguments = send[verb]
    answer = function(*arguments)
    assert answer["status"] == status
    assert answer["spec"] == made["spec"]
    assert int(answer["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    assert place.get(path) == place.get(f"{path}/status") == answer


@case
def a_write_of_status_leaves_the_rest(place):
    path, made = place.widget("a", metadata={"labels": {"l": "1"}})
    change = {
        "metadata": {"labels": {"l": "2"}, "annotations": {"n": "1"}, "finalizers": ["example.dev/x"]},
        "spec": {"size": 50},
        "status": {"phase": "x"},
    }
    answer = place.merge(f"{path}/status", change)
    assert (answer["spec"], answer["status"]) == (made["spec"], {"phase": "x"})
    assert answer["metadata"]["labels"] == {"l": "1"}
    assert not {"annotations", "finalizers"} & set(answer["metadata"])


@case
def a_status_that_is_the_same_keeps_the_version(place):
    path, _ = place.widget("a")
    live = place.merge(f"{path}/status", {"status": {"phase": "x"}})
    assert place.merge(f"{path}/status", {"status": {"phase": "x"}, "spec": {"size": 9}}) == live
    assert place.put(f"{path}/status", live) == live
    assert place.get(path) == live


@case
def a_status_is_validated_and_pruned(place):
    path, _ = place.widget("a")
    error = place.refused(place.merge, f"{path}/status", {"status": {"phase": 5}})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error)[0] == ("FieldValueTypeInvalid", "status.phase")
    assert place.merge(f"{path}/status", {"status": {"phase": "x", "nope": 1}})["status"] == {"phase": "x"}


@case
def a_stale_version_is_a_conflict_in_status_too(place):
    path, made = place.widget("a")
    place.merge(path, {"spec": {"size": 2}})
    error = place.refused(place.put, f"{path}/status", {**made, "status": {"phase": "x"}})
    assert said(error) == ("Conflict", 409, "Conflict")


@case
def a_write_of_status_is_an_event_of_the_object(place):
    path, made = place.widget("a")
    live = place.merge(f"{path}/status", {"status": {"phase": "x"}})
    version = made["metadata"]["resourceVersion"]
    assert place.watch(place.at(place.kind("Widget")), 1, resourceVersion=version) == [
        {"type": "MODIFIED", "object": live}
    ]


@case
def the_status_of_a_built_in_kind_is_written_the_same_way(place):
    path = _deployment(place, **PAUSED, replicas=0)
    live = place.merge(f"{path}/status", {"status": {"replicas": 3, "readyReplicas": 2}, "spec": {"replicas": 9}})
    assert (live["status"]["replicas"], live["status"]["readyReplicas"]) == (3, 2)
    assert live["spec"]["replicas"] == 0


@case(rows={"built-in": "Deployment", "custom": "Widget"})
def a_scale_is_read(place, kind):
    path = _deployment(place, **PAUSED, replicas=2) if kind == "Deployment" else place.widget("a", replicas=2)[0]
    live, scale = place.get(path), place.get(f"{path}/scale")
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    names = ("name", "namespace", "uid", "creationTimestamp")
    assert {name: scale["metadata"][name] for name in names} == {name: live["metadata"][name] for name in names}
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"]["replicas"] == 0
    assert scale["status"].get("selector") == ("a=b" if kind == "Deployment" else None)


@case(rows={"built-in": "Deployment", "custom": "Widget"})
def a_scale_that_is_patched_changes_the_object(place, kind):
    path = _deployment(place, **PAUSED, replicas=0) if kind == "Deployment" else place.widget("a", replicas=0)[0]
    before = place.get(path)
    scale = place.merge(f"{path}/scale", {"spec": {"replicas": 5}})
    live = place.get(path)
    assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 5})
    assert live["spec"] == {**before["spec"], "replicas": 5}
    assert live["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert place.get(f"{path}/scale")["spec"] == {"replicas": 5}


@case
def a_scale_is_put_under_its_version(place):
    path, _ = place.widget("a", replicas=1)
    scale = place.get(f"{path}/scale")
    assert place.put(f"{path}/scale", {**scale, "spec": {"replicas": 2}})["spec"] == {"replicas": 2}
    error = place.refused(place.put, f"{path}/scale", {**scale, "spec": {"replicas": 3}})
    assert said(error) == ("Conflict", 409, "Conflict")
    assert place.get(path)["spec"]["replicas"] == 2


@case
def a_scale_shows_the_status_of_the_object(place):
    path, _ = place.widget("a", replicas=1)
    place.merge(f"{path}/status", {"status": {"replicas": 4, "selector": "a=b"}})
    assert place.get(f"{path}/scale")["status"] == {"replicas": 4, "selector": "a=b"}


@case
def a_scale_of_less_than_nothing_is_invalid(place):
    path, _ = place.widget("a", replicas=1)
    error = place.refused(place.merge, f"{path}/scale", {"spec": {"replicas": -1}})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert place.get(path)["spec"]["replicas"] == 1


@case
def a_custom_object_without_replicas_has_no_scale_until_it_is_scaled(place):
    path, _ = place.widget("a")
    assert said(place.refused(place.get, f"{path}/scale")) == ("ClusterError", 500, "InternalError")
    assert place.merge(f"{path}/scale", {"spec": {"replicas": 2}})["spec"] == {"replicas": 2}
    assert place.get(path)["spec"]["replicas"] == 2
