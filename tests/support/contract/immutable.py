"""Fields of built-in objects that cannot be changed, and so ask for a new object."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said

_POD = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
_RBAC = "rbac.authorization.k8s.io"
_REFERENCE = {"apiGroup": _RBAC, "kind": "Role", "name": "r"}
_SELECTED = {"selector": {"matchLabels": {"a": "b"}}, "template": _POD}
_ONCE = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}
_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}

_IMMUTABLE = {
    "selector of a Deployment": (
        "apps/v1/deployments",
        {"spec": _SELECTED},
        {"spec": {"selector": {"matchLabels": {"c": "d"}}, "template": {"metadata": {"labels": {"c": "d"}}}}},
        "spec.selector",
    ),
    "service of a StatefulSet": (
        "apps/v1/statefulsets",
        {"spec": {**_SELECTED, "serviceName": "a"}},
        {"spec": {"serviceName": "b"}},
        "spec.serviceName",
    ),
    "template of a Job": (
        "batch/v1/jobs",
        {"spec": _ONCE},
        {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "j"}]}}}},
        "spec.template",
    ),
    "completions of a Job": ("batch/v1/jobs", {"spec": _ONCE}, {"spec": {"completions": 2}}, "spec.completions"),
    "container of a Pod": (
        "v1/pods",
        {"spec": _POD["spec"]},
        {"spec": {"containers": [{"name": "d", "image": "i"}]}},
        "spec",
    ),
    "role of a binding": (
        f"{_RBAC}/v1/rolebindings",
        {"roleRef": _REFERENCE},
        {"roleRef": {"name": "s"}},
        "roleRef",
    ),
    "mode of a claim": (
        "v1/persistentvolumeclaims",
        {"spec": _CLAIM},
        {"spec": {"volumeMode": "Block"}},
        "spec",
    ),
    "type of a Secret": ("v1/secrets", {"type": "Opaque"}, {"type": "example.dev/other"}, "type"),
    "address of a Service": (
        "v1/services",
        {"spec": {"ports": [{"port": 80}]}},
        {"spec": {"clusterIP": "10.96.255.254", "clusterIPs": ["10.96.255.254"]}},
        "spec.clusterIPs[0]",
    ),
    "text of a map": ("v1/configmaps", {"data": {"k": "1"}, "immutable": True}, {"data": {"k": "2"}}, "data"),
    "that a map is immutable": ("v1/configmaps", {"immutable": True}, {"immutable": False}, "immutable"),
}


@case(rows=_IMMUTABLE)
def a_change_is_refused(place, resource, content, change, field):
    path = place.at(resource, "a")
    place.post(place.at(resource), {"metadata": {"name": "a"}, **content})
    error = place.refused(place.merge, path, change)
    assert said(error) == ("Invalid", 422, "Invalid")
    assert field in {name for _, name in causes(error)}
    assert any(cause.get("immutable") for cause in error.details["causes"]), error.details["causes"]
    assert place.merge(path, {"metadata": {"labels": {"l": "1"}}})["metadata"]["labels"]["l"] == "1"


@case
def the_image_of_a_pod_can_be_changed(place):
    place.post(place.at("v1/pods"), {"metadata": {"name": "a"}, "spec": _POD["spec"]})
    change = {"op": "replace", "path": "/spec/containers/0/image", "value": "j"}
    assert place.patch(place.at("v1/pods", "a"), change)["spec"]["containers"][0]["image"] == "j"


@case
def a_mutable_custom_field_that_a_rule_holds(place):
    """A transition rule of the schema; its cause says only what its author has written."""
    path, _ = place.widget("a", fixed="x")
    error = place.refused(place.merge, path, {"spec": {"fixed": "y"}})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert ("FieldValueInvalid", "spec.fixed") in causes(error)
    assert "fixed is fixed" in error.details["causes"][0]["message"]
    assert place.merge(path, {"spec": {"size": 2}})["spec"]["fixed"] == "x"
