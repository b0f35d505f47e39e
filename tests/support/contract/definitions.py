"""The life of a definition: its kind is served, changes its schema, and goes with its objects."""

from __future__ import annotations

from support.contract.cases import CONTROLLERS, case
from support.contract.errors import causes, said
from support.contract.kinds import DEFINITIONS, custom, resource_of
from support.objects import definition, struct, version

NUMBER = {"type": "integer"}
TEXT = {"type": "string"}


def _definition(place, *versions, kind="Thing", **more):
    group = f"{place.name('group')}.example.dev"
    return definition(group, *(versions or [version(schema=_schema(size=NUMBER))]), kind=kind, **more)


def _schema(**spec):
    return struct(spec=struct(**spec))


def _replace_schema(place, path, schema):
    where = "/spec/versions/0/schema/openAPIV3Schema"
    return place.patch(path, {"op": "replace", "path": where, "value": schema})


def _thing(resource, name, **spec):
    return custom(resource, "Thing", name, spec=spec)


@case
def a_definition_is_completed(place):
    crd = _definition(place)
    spec = place.post(DEFINITIONS, crd)["spec"]
    assert spec["names"] == {"kind": "Thing", "listKind": "ThingList", "plural": "things", "singular": "thing"}
    assert spec["conversion"] == {"strategy": "None"}
    assert spec["versions"] == crd["spec"]["versions"]


@case
def a_definition_is_established(place):
    path = place.define(_definition(place))
    live = place.get(path)
    found = {each["type"]: each["status"] for each in live["status"]["conditions"]}
    assert (found["Established"], found["NamesAccepted"]) == ("True", "True")
    assert live["status"]["acceptedNames"] == live["spec"]["names"]
    assert live["status"]["storedVersions"] == ["v1"]
    assert live["metadata"]["generation"] == 1


@case
def a_kind_is_served_when_its_definition_is_established(place):
    crd = _definition(place)
    resource = resource_of(crd)
    assert said(place.refused(place.get, place.at(resource)))[:2] == ("NotFound", 404)
    place.define(crd)
    assert place.get(place.at(resource))["items"] == []
    made = place.post(place.at(resource), _thing(resource, "a", size=1))
    assert place.get(place.at(resource, "a")) == made
    assert place.get(place.at(resource))["kind"] == "ThingList"


@case
def a_definition_is_there_once(place):
    crd = _definition(place)
    path = place.define(crd)
    error = place.refused(place.post, DEFINITIONS, crd)
    assert said(error) == ("Conflict", 409, "AlreadyExists")
    assert error.details["name"] == path.rpartition("/")[2]


def _without_schema(crd):
    del crd["spec"]["versions"][0]["schema"]


def _two_stored(crd):
    crd["spec"]["versions"].append(version("v2"))


def _none_stored(crd):
    crd["spec"]["versions"][0]["storage"] = False


def _another_name(crd):
    crd["metadata"]["name"] = f"others.{crd['spec']['group']}"


def _no_type(crd):
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {"properties": {"spec": {"properties": {}}}}


def _wrong_default(crd):
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = _schema(size={"type": "integer", "default": "x"})


# A schema that all versions have in common stands for itself, as in apiextensions.k8s.io/v1beta1: spec.validation.
_WRONG = {
    "no schema": (_without_schema, "spec.versions[0].schema.openAPIV3Schema"),
    "two stored versions": (_two_stored, "spec.versions"),
    "no stored version": (_none_stored, "spec.versions"),
    "another name": (_another_name, "metadata.name"),
    "no type": (_no_type, "spec.validation.openAPIV3Schema.type"),
    "default of another type": (
        _wrong_default,
        "spec.validation.openAPIV3Schema.properties[spec].properties[size].default",
    ),
}


@case(rows=_WRONG)
def a_definition_that_is_wrong_is_invalid(place, spoil, field):
    crd = _definition(place)
    spoil(crd)
    error = place.refused(place.post, DEFINITIONS, crd)
    assert said(error) == ("Invalid", 422, "Invalid")
    assert field in {name for _, name in causes(error)}


@case
def a_new_default_is_served_under_the_old_version(place):
    crd = _definition(place)
    path, resource = place.define(crd), resource_of(crd)
    made = place.post(place.at(resource), _thing(resource, "a", size=1))
    changed = _replace_schema(place, path, _schema(size=NUMBER, mode={**TEXT, "default": "fast"}))
    assert changed["metadata"]["generation"] == 2
    live = place.settle(lambda: _with_mode(place, place.at(resource, "a")))
    assert live["spec"] == {"size": 1, "mode": "fast"}
    assert live["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    assert [item["spec"] for item in place.get(place.at(resource))["items"]] == [live["spec"]]


def _with_mode(place, path):
    live = place.get(path)
    return live if "mode" in live["spec"] else None


@case
def a_field_that_the_schema_no_longer_knows_is_not_served(place):
    crd = _definition(place, version(schema=_schema(size=NUMBER, mode=TEXT)))
    path, resource = place.define(crd), resource_of(crd)
    place.post(place.at(resource), _thing(resource, "a", size=1, mode="x"))
    _replace_schema(place, path, _schema(size=NUMBER))
    place.settle(lambda: place.get(place.at(resource, "a"))["spec"] == {"size": 1})


@case
def a_kind_without_its_definition_is_not_served(place):
    crd = _definition(place)
    path, resource = place.define(crd), resource_of(crd)
    place.post(place.at(resource), _thing(resource, "a", size=1))
    place.delete(path)
    place.gone(path)
    place.settle(lambda: not place.is_served(resource))
    error = place.refused(place.get, place.at(resource, "a"))
    assert said(error)[:2] == ("NotFound", 404)
    assert not error.names("a")


@case(needs=CONTROLLERS)
def a_definition_waits_until_its_objects_are_gone(place):
    crd = _definition(place)
    path, resource = place.define(crd), resource_of(crd)
    for name, finalizers in (("held", ["example.dev/hold"]), ("free", [])):
        meta = {"finalizers": finalizers}
        place.post(place.at(resource), custom(resource, "Thing", name, metadata=meta, spec={"size": 1}))
    answer = place.delete(path)
    assert answer["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert "deletionTimestamp" in answer["metadata"]
    place.gone(place.at(resource, "free"))
    place.settle(lambda: "deletionTimestamp" in place.get(place.at(resource, "held"))["metadata"])
    assert place.is_there(path)
    place.merge(place.at(resource, "held"), {"metadata": {"finalizers": None}})
    place.gone(path)


@case(needs=CONTROLLERS)
def a_definition_that_comes_again_has_no_objects(place):
    crd = _definition(place)
    path, resource = place.define(crd), resource_of(crd)
    place.post(place.at(resource), _thing(resource, "a", size=1))
    place.delete(path)
    place.gone(path)
    place.define(crd)
    assert place.get(place.at(resource))["items"] == []


@case
def a_version_that_is_not_served_is_not_found(place):
    hidden = version("v2", _schema(size=NUMBER), storage=False, served=False)
    crd = _definition(place, version(schema=_schema(size=NUMBER)), hidden)
    place.define(crd)
    error = place.refused(place.get, place.at(resource_of(crd, "v2")))
    assert said(error)[:2] == ("NotFound", 404)


@case
def a_watch_ends_when_the_definition_changes(place):
    """Without an error, and without the bookmark that comes when a watch's time is over."""
    crd = _definition(place)
    path, resource = place.define(crd), resource_of(crd)
    query = {"resourceVersion": place.get(place.at(resource))["metadata"]["resourceVersion"]}
    with place.watching(place.at(resource), allowWatchBookmarks="true", **query) as events:
        place.post(place.at(resource), _thing(resource, "a", size=1))
        assert next(events)["type"] == "ADDED"
        _replace_schema(place, path, _schema(size=NUMBER, mode=TEXT))
        assert list(events) == []
