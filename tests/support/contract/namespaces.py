"""Namespaces: their marks, and that they go with what is in them."""

from __future__ import annotations

from support.contract.cases import CONTROLLERS, case
from support.contract.errors import said

NAMESPACES = "/api/v1/namespaces"
SECRETS = "v1/secrets"


@case
def a_namespace_carries_its_name_and_a_finalizer(place):
    made = place.get(f"{NAMESPACES}/{place.namespace}")
    assert made["metadata"]["labels"]["kubernetes.io/metadata.name"] == place.namespace
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    assert made["status"] == {"phase": "Active"}
    assert "namespace" not in made["metadata"]


@case
def the_label_of_the_name_comes_back(place):
    namespace = place.create_namespace()
    change = {"metadata": {"labels": {"kubernetes.io/metadata.name": "other", "l": "1"}}}
    live = place.merge(f"{NAMESPACES}/{namespace}", change)
    assert live["metadata"]["labels"] == {"kubernetes.io/metadata.name": namespace, "l": "1"}


@case(rows={name: name for name in ("default", "kube-system")})
def some_namespaces_are_there_and_stay(place, name):
    assert place.get(f"{NAMESPACES}/{name}")["status"]["phase"] == "Active"
    error = place.refused(place.delete, f"{NAMESPACES}/{name}")
    assert said(error) == ("Forbidden", 403, "Forbidden")
    assert place.is_there(f"{NAMESPACES}/{name}")


@case
def a_namespace_that_is_deleted_terminates(place):
    namespace = place.create_namespace()
    path = f"{NAMESPACES}/{namespace}"
    held = place.at(SECRETS, "a", namespace=namespace)
    body = {"metadata": {"name": "a", "finalizers": ["example.dev/hold"]}}
    place.post(place.at(SECRETS, namespace=namespace), body)
    answer = place.delete(path)
    assert (answer["kind"], answer["status"]["phase"]) == ("Namespace", "Terminating")
    assert answer["spec"] == {"finalizers": ["kubernetes"]}
    assert "deletionTimestamp" in answer["metadata"]
    assert "deletionGracePeriodSeconds" not in answer["metadata"]
    assert place.delete(path)["metadata"]["deletionTimestamp"] == answer["metadata"]["deletionTimestamp"]
    assert place.is_there(held)


@case(needs=CONTROLLERS)
def a_namespace_goes_with_what_is_in_it(place):
    namespace = place.create_namespace()
    resource = place.kind("Widget")
    place.post(place.at(SECRETS, namespace=namespace), {"metadata": {"name": "a"}})
    body = {"apiVersion": "contract.example.dev/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": {"size": 1}}
    place.post(place.at(resource, namespace=namespace), body)
    place.delete(f"{NAMESPACES}/{namespace}")
    place.gone(f"{NAMESPACES}/{namespace}")
    assert place.names(place.at(SECRETS, namespace=namespace)) == []
    assert place.names(place.at(resource, namespace=namespace)) == []
    error = place.refused(place.post, place.at(SECRETS, namespace=namespace), {"metadata": {"name": "a"}})
    assert error.details == {"name": namespace, "kind": "namespaces"}


@case
def namespaces_are_not_deleted_together(place):
    assert said(place.refused(place.delete, NAMESPACES)) == ("ClusterError", 405, "MethodNotAllowed")
    assert place.is_there(f"{NAMESPACES}/{place.namespace}")


@case
def a_name_of_a_namespace_has_no_dots(place):
    error = place.refused(place.post, NAMESPACES, {"metadata": {"name": "a.b"}})
    assert said(error) == ("Invalid", 422, "Invalid")
