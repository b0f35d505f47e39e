"""What label selectors and field selectors leave of a list."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import said
from support.contract.kinds import custom

SECRETS = "v1/secrets"
PODS = "v1/pods"


def _secrets(place, *names):
    for name in names:
        place.post(place.at(SECRETS), {"metadata": {"name": name, "labels": {"name": name}}})
    return place.at(SECRETS)


_SELECTORS = {
    "equal": ("env=dev", ["a", "b"]),
    "equal twice": ("env==dev", ["a", "b"]),
    "not equal": ("env!=dev", ["c", "none"]),
    "in": ("env in (dev, prod)", ["a", "b", "c"]),
    "not in": ("env notin (dev)", ["c", "none"]),
    "exists": ("env", ["a", "b", "c"]),
    "does not exist": ("!env", ["none"]),
    "several": ("env=dev,tier!=web", ["b"]),
    "several of a kind": ("env in (dev),tier in (web,db),set", ["a", "b"]),
    "empty value": ("tier=", ["c"]),
    "greater": ("weight>3", ["b"]),
    "less": ("weight<3", ["a"]),
    "none matches": ("env=none", []),
}


@case(rows=_SELECTORS)
def a_label_selector_selects(place, selector, names):
    labels = {
        "a": {"env": "dev", "tier": "web", "weight": "2"},
        "b": {"env": "dev", "tier": "db", "weight": "10"},
        "c": {"env": "prod", "tier": ""},
        "none": {},
    }
    for name, own in labels.items():
        place.post(place.at(SECRETS), {"metadata": {"name": name, "labels": {"set": "x", **own}}})
    assert place.names(place.at(SECRETS), labelSelector=selector) == names


_BAD_SELECTORS = {"open bracket": "env in (dev", "no key": "=dev", "bad value": "env=a b", "bad key": "a/b/c=d"}


@case(rows=_BAD_SELECTORS)
def a_label_selector_that_cannot_be_read_is_refused(place, selector):
    error = place.refused(place.get, place.at(SECRETS), labelSelector=selector)
    assert said(error) == ("Invalid", 400, "BadRequest")


_FIELDS = {
    "name": ("metadata.name=b", ["b"]),
    "other names": ("metadata.name!=b", ["a", "c"]),
    "name and other": ("metadata.name!=a,metadata.name!=c", ["b"]),
    "contradiction": ("metadata.name=a,metadata.name=b", []),
}


@case(rows=_FIELDS)
def a_field_selector_selects(place, selector, names):
    path = _secrets(place, "a", "b", "c")
    assert place.names(path, fieldSelector=selector) == names


@case
def a_field_selector_selects_a_namespace_among_all(place):
    mark = place.name("mark")
    other = place.create_namespace()
    for namespace in (place.namespace, other):
        place.post(place.at(SECRETS, namespace=namespace), {"metadata": {"name": "a", "labels": {"mark": mark}}})
    query = {"fieldSelector": f"metadata.namespace={other}", "labelSelector": f"mark={mark}"}
    found = place.get(place.at(SECRETS, namespace=""), **query)["items"]
    assert [item["metadata"]["namespace"] for item in found] == [other]


@case
def a_field_selector_selects_custom_objects_by_name(place):
    for name in "ab":
        place.widget(name)
    assert place.names(place.at(place.kind("Widget")), fieldSelector="metadata.name=b") == ["b"]


@case(rows={"built-in": (SECRETS, "data.k"), "custom": ("Widget", "spec.size"), "no such field": (PODS, "spec.nope")})
def a_field_that_is_not_selectable_is_refused(place, resource, field):
    path = place.at(resource if "/" in resource else place.kind(resource))
    error = place.refused(place.get, path, fieldSelector=f"{field}=1")
    assert said(error) == ("Invalid", 400, "BadRequest")
    assert f"field label not supported: {field}" in str(error)


@case
def pods_are_selected_by_node_and_phase(place):
    spec = {"containers": [{"name": "c", "image": "i"}]}
    for name, node in (("a", "n1"), ("b", "n2"), ("c", "")):
        content = {**spec, **({"nodeName": node} if node else {})}
        place.post(place.at(PODS), {"metadata": {"name": name}, "spec": content})
    place.merge(
        place.at(
            PODS,
            "b",
        )
        + "/status",
        {"status": {"phase": "Running"}},
    )
    assert place.names(place.at(PODS), fieldSelector="spec.nodeName=n1") == ["a"]
    assert place.names(place.at(PODS), fieldSelector="spec.nodeName=") == ["c"]
    assert place.names(place.at(PODS), fieldSelector="status.phase=Running") == ["b"]
    assert place.names(place.at(PODS), fieldSelector="status.phase!=Running,spec.nodeName!=n1") == ["c"]


@case
def events_are_selected_by_what_they_are_about(place):
    path = place.at("events.k8s.io/v1/events")
    for name, uid in (("a", "1"), ("b", "2")):
        regarding = {"kind": "Pod", "name": name, "namespace": place.namespace, "uid": uid}
        more = {"reason": "Seen", "note": "so", "type": "Normal", "action": "Seeing", "reportingController": name}
        made = {"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": name}, "regarding": regarding}
        place.post(path, {**made, **more, "reportingInstance": "one", "eventTime": "2026-01-01T00:00:00.000000Z"})
    assert place.names(path, fieldSelector="regarding.uid=1") == ["a"]
    assert place.names(path, fieldSelector="regarding.kind=Pod,reportingController=b") == ["b"]
    assert place.names(place.at("v1/events"), fieldSelector="involvedObject.uid=2") == ["b"]
    for field in ("involvedObject.uid", "source", "deprecatedSource", "note"):
        place.refused(place.get, path, fieldSelector=f"{field}=1")
    place.refused(place.get, place.at("v1/events"), fieldSelector="regarding.uid=1")


@case
def a_name_and_a_label_are_both_asked_for(place):
    path = _secrets(place, "a", "b")
    assert place.names(path, fieldSelector="metadata.name=a", labelSelector="name=a") == ["a"]
    assert place.names(path, fieldSelector="metadata.name=a", labelSelector="name=b") == []


@case
def selected_items_are_whole(place):
    resource = place.kind("Widget")
    made = place.post(place.at(resource), custom(resource, "Widget", "a", spec={"size": 2}))
    assert place.get(place.at(resource), fieldSelector="metadata.name=a")["items"] == [made]
