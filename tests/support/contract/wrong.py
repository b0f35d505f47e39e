"""Requests that find nothing, or cannot be read."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import said

MAPS = "v1/configmaps"
WIDGETS = "contract.example.dev/v1/widgets"
_STRANGE = "application/strange"


_OF = {
    "built-in": (MAPS, {"kind": "configmaps"}, 'configmaps "none" not found'),
    "of a group": ("apps/v1/deployments", {"group": "apps", "kind": "deployments"}, 'deployments.apps "none" not'),
    "custom": (
        WIDGETS,
        {"group": "contract.example.dev", "kind": "widgets"},
        'widgets.contract.example.dev "none" not found',
    ),
}


@case(rows=_OF)
def an_object_that_is_not_there_is_named(place, resource, details, message):
    place.kind("Widget")
    error = place.refused(place.get, place.at(resource, "none"))
    assert said(error) == ("NotFound", 404, "NotFound")
    assert error.details == {"name": "none", **details}
    assert error.names("none")
    assert message in str(error)


@case(rows={"patch": "patch", "merge": "merge", "put": "put", "delete": "delete", "status": "status"})
def no_write_makes_an_object_that_is_not_there(place, verb):
    path = place.at(MAPS, "none")
    body = {"metadata": {"name": "none"}}
    send = {
        "patch": (place.patch, path, {"op": "add", "path": "/data", "value": {}}),
        "merge": (place.merge, path, {"data": {}}),
        "put": (place.put, path, body),
        "delete": (place.delete, path),
        "status": (place.merge, place.at("apps/v1/deployments", "none") + "/status", {"status": {"replicas": 1}}),
    }
    error = place.refused(*send[verb])
    assert said(error) == ("NotFound", 404, "NotFound")
    assert error.names("none")
    assert not place.is_there(path)


@case
def an_object_in_a_namespace_that_is_not_there_is_not_there(place):
    error = place.refused(place.get, place.at(MAPS, "none", namespace=place.name()))
    assert error.details == {"name": "none", "kind": "configmaps"}


_UNKNOWN = {
    "group": ("/apis/none.example.com/v1/things", ""),
    "group and name": ("/apis/none.example.com/v1/namespaces/x/things/a", ""),
    "path": ("/nope", ""),
    "version": ("/apis/apps/v9/deployments", "NotFound"),
    "plural": ("/api/v1/namespaces/x/things", "NotFound"),
    "subresource": ("/api/v1/namespaces/x/configmaps/a/nope", "NotFound"),
    "status of a kind without": ("/api/v1/namespaces/x/configmaps/a/status", "NotFound"),
    "plural of a custom group": ("/apis/contract.example.dev/v1/nopes", ""),
    "version of a custom group": ("/apis/contract.example.dev/v9/widgets", ""),
}


@case(rows=_UNKNOWN)
def what_is_not_served_is_not_found(place, path, reason):
    """Where no API group answers, the body is no Status: there is no reason, and nothing is named."""
    place.kind("Widget")
    error = place.refused(place.get, path)
    assert said(error) == ("NotFound", 404, reason)
    assert error.details == {}
    assert not error.names("a")


@case
def a_subresource_that_a_custom_kind_has_not_is_as_if_the_object_were_not_there(place):
    path, _ = place.widget("a")
    error = place.refused(place.get, f"{path}/nope")
    assert said(error) == ("NotFound", 404, "NotFound")
    assert error.details == {"name": "a", "group": "contract.example.dev", "kind": "widgets"}


_NOT_JSON = {
    "cut": b'{"metadata"',
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"x"',
    "a number for a map": b'{"metadata":5}',
    "wrong type": b'{"metadata":{"name":"a"},"data":{"k":5}}',
}


@case(rows=_NOT_JSON)
def a_body_that_cannot_be_read_is_refused(place, body):
    error = place.refused(place.post, place.at(MAPS), body)
    assert said(error) == ("Invalid", 400, "BadRequest")
    assert not place.is_there(place.at(MAPS, "a"))


@case
def a_custom_body_that_cannot_be_read_is_refused(place):
    error = place.refused(place.post, place.at(place.kind("Widget")), b'{"metadata"')
    assert said(error) == ("Invalid", 400, "BadRequest")


_MEDIA = {"post": "POST", "put": "PUT", "patch": "PATCH"}


@case(rows=_MEDIA)
def a_body_of_an_unknown_format_is_refused(place, method):
    path, made = place.config_map("a")
    where = place.at(MAPS) if method == "POST" else path
    error = place.refused(_of_type, place, method, where, _STRANGE)
    assert said(error) == ("ClusterError", 415, "UnsupportedMediaType")
    assert place.get(path) == made


@case
def a_patch_of_plain_json_is_refused(place):
    path, _ = place.config_map("a")
    error = place.refused(_of_type, place, "PATCH", path, "application/json")
    assert said(error) == ("ClusterError", 415, "UnsupportedMediaType")


@case
def a_strategic_patch_of_a_custom_object_is_refused(place):
    path, _ = place.widget("a")
    error = place.refused(_of_type, place, "PATCH", path, "application/strategic-merge-patch+json")
    assert said(error) == ("ClusterError", 415, "UnsupportedMediaType")


def _of_type(place, method, path, content_type):
    return place.send(method, path, {"metadata": {"name": "b"}}, content_type=content_type)


_NOT_ALLOWED = {
    "post to an object": ("POST", MAPS, "a"),
    "put to a list": ("PUT", MAPS, ""),
    "patch of a list": ("PATCH", MAPS, ""),
}


@case(rows=_NOT_ALLOWED)
def a_method_that_a_path_does_not_know_is_refused(place, method, resource, name):
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    error = place.refused(_of_type, place, method, place.at(resource, name), kind)
    assert said(error) == ("ClusterError", 405, "MethodNotAllowed")


@case
def nothing_is_created_without_its_namespace(place):
    body = {"metadata": {"name": "a", "namespace": place.namespace}}
    error = place.refused(place.post, place.at(MAPS, namespace=""), body)
    assert said(error) == ("ClusterError", 405, "MethodNotAllowed")
    assert not place.is_there(place.at(MAPS, "a"))


@case
def an_object_is_not_found_without_its_namespace(place):
    path, _ = place.config_map("a")
    assert place.is_there(path)
    error = place.refused(place.get, place.at(MAPS, "a", namespace=""))
    assert said(error) == ("NotFound", 404, "NotFound")
