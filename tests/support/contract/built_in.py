"""What the server makes of built-in objects: the whole answer to a creation, as it is in ``recorded/``.

Invariant: what changes from run to run stands there as a word that begins with ``$``; all else is compared.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from support.contract.cases import case
from support.contract.errors import said

_VOLATILE = frozenset({"name", "namespace", "uid", "resourceVersion", "creationTimestamp", "managedFields"})
_ALLOCATED = {
    r'"10\.96\.\d+\.\d+"': '"$IP"',
    r"kube-api-access-[a-z0-9]{5}": "$TOKEN",
    r'"nodePort": 3\d{4}': '"nodePort": "$PORT"',
    r'"(last\w+Time)": "[^"]*"': r'"\1": "$TIME"',
}

_FILES = sorted((Path(__file__).parent / "recorded").glob("*.yaml"))
RECORDED = [each for file in _FILES for each in yaml.safe_load(file.read_text("utf-8"))]


def answer_to(place, resource, sent, *, is_cluster_scoped=False):
    """The answer to the creation of an object without a name, in the form of the recording."""
    name = place.name("a")
    body = json.loads(json.dumps(sent).replace("$NAMESPACE", place.namespace))
    body["metadata"] = {**body.get("metadata", {}), "name": name}
    made = place.post(place.at(resource, namespace="" if is_cluster_scoped else None), body)
    uid, meta = made["metadata"]["uid"], made["metadata"]
    kept = {**made, "metadata": {key: value for key, value in meta.items() if key not in _VOLATILE}}
    text = json.dumps(kept)
    for value, word in ((uid, "$UID"), (name, "$NAME"), (place.namespace, "$NAMESPACE")):
        text = text.replace(value, word)
    for pattern, word in _ALLOCATED.items():
        text = re.sub(pattern, word, text)
    return json.loads(text)


@case(rows={each["name"]: each for each in RECORDED})
def a_built_in_object_is_completed(place, recorded):
    is_cluster_scoped = recorded.get("cluster", False)
    answer = answer_to(place, recorded["path"], recorded["sent"], is_cluster_scoped=is_cluster_scoped)
    assert answer == recorded["answer"]


def _deployment(place, **spec):
    pod = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    body = {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": pod, **spec}}
    return place.at("apps/v1/deployments", "a"), place.post(place.at("apps/v1/deployments"), body)


_DEFAULTED = [
    "/spec/revisionHistoryLimit",
    "/spec/strategy",
    "/spec/template/spec/restartPolicy",
    "/spec/template/spec/containers/0/imagePullPolicy",
]


@case(rows={pointer: pointer for pointer in _DEFAULTED})
def a_default_that_is_removed_comes_back(place, pointer):
    path, made = _deployment(place, paused=True, replicas=0)
    answer = place.patch(path, {"op": "remove", "path": pointer})
    assert answer["spec"] == made["spec"]
    assert answer["metadata"]["generation"] == made["metadata"]["generation"]


@case
def an_old_name_of_a_field_restores_the_new_one(place):
    path, _ = _deployment(place, paused=True, replicas=0)
    where = "/spec/template/spec/serviceAccountName"
    live = place.patch(path, {"op": "add", "path": where, "value": "mine"})
    pod = live["spec"]["template"]["spec"]
    assert (pod["serviceAccountName"], pod["serviceAccount"]) == ("mine", "mine")
    assert place.patch(path, {"op": "remove", "path": where})["spec"] == live["spec"]


@case
def a_service_keeps_its_address(place):
    path = place.at("v1/services", "a")
    made = place.post(place.at("v1/services"), {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}})
    version = {"resourceVersion": made["metadata"]["resourceVersion"]}
    body = {"metadata": {"name": "a", **version}, "spec": {"ports": [{"port": 81}]}}
    answer = place.put(path, body)
    assert answer["spec"]["clusterIP"] == made["spec"]["clusterIP"]
    assert answer["spec"]["ports"] == [{"port": 81, "protocol": "TCP", "targetPort": 81}]


@case
def two_services_do_not_have_one_address(place):
    spec = {"ports": [{"port": 80}]}
    path = place.at("v1/services")
    first, second = (place.post(path, {"metadata": {"name": name}, "spec": spec})["spec"] for name in "ab")
    assert first["clusterIP"] != second["clusterIP"]
    body = {"metadata": {"name": "c"}, "spec": {**spec, "clusterIP": first["clusterIP"]}}
    error = place.refused(place.post, path, body)
    assert said(error) == ("Invalid", 422, "Invalid")
    assert error.details["causes"][0]["field"] == "spec.clusterIPs"


@case
def texts_of_a_secret_are_added_to_its_data(place):
    path = place.at("v1/secrets", "a")
    place.post(place.at("v1/secrets"), {"metadata": {"name": "a"}, "stringData": {"k": "1", "keep": "x"}})
    live = place.merge(path, {"stringData": {"k": "2"}})
    assert live["data"] == {"k": "Mg==", "keep": "eA=="}
    assert "stringData" not in live
    assert place.merge(path, {"stringData": {"k": "2"}}) == live


@case
def quantities_are_spelled_in_one_way(place):
    path = place.at("v1/resourcequotas", "a")
    place.post(place.at("v1/resourcequotas"), {"metadata": {"name": "a"}, "spec": {"hard": {"cpu": "1000m"}}})
    assert place.get(path)["spec"]["hard"] == {"cpu": "1"}
    assert place.merge(path, {"spec": {"hard": {"cpu": "0.5", "memory": "1024Mi"}}})["spec"]["hard"] == {
        "cpu": "500m",
        "memory": "1Gi",
    }


@case
def a_pod_is_refused_without_its_account(place):
    spec = {"serviceAccountName": "none", "containers": [{"name": "c", "image": "i"}]}
    error = place.refused(place.post, place.at("v1/pods"), {"metadata": {"name": "a"}, "spec": spec})
    assert said(error) == ("Forbidden", 403, "Forbidden")
    assert (error.details["name"], error.details["kind"]) == ("a", "pods")
