"""What is served, and of which shape it is: discovery and the OpenAPI documents."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import said

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
GROUP = "contract.example.dev"
WIDGET = {"group": GROUP, "version": "v1", "kind": "Widget"}


def _resources(place, root, group, version):
    found = place.send("GET", root, accept=AGGREGATED)
    assert (found["kind"], found["apiVersion"]) == ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2")
    (versions,) = [item["versions"] for item in found["items"] if item["metadata"].get("name", "") == group]
    (resources,) = [each["resources"] for each in versions if each["version"] == version]
    return {each["resource"]: each for each in resources}


@case
def the_core_group_is_told_at_once(place):
    found = _resources(place, "/api", "", "v1")
    maps = found["configmaps"]
    assert (maps["responseKind"]["kind"], maps["scope"]) == ("ConfigMap", "Namespaced")
    assert set(maps["verbs"]) == {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
    assert maps["shortNames"] == ["cm"]
    assert "subresources" not in maps
    assert found["namespaces"]["scope"] == "Cluster"
    assert "status" in {each["subresource"] for each in found["pods"]["subresources"]}


@case
def all_other_groups_are_told_at_once(place):
    found = _resources(place, "/apis", "apps", "v1")
    deployments = found["deployments"]
    assert deployments["responseKind"] == {"group": "", "version": "", "kind": "Deployment"}
    scale, status = sorted(deployments["subresources"], key=lambda each: each["subresource"])
    assert (scale["subresource"], status["subresource"]) == ("scale", "status")
    assert scale["responseKind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert set(status["verbs"]) == {"get", "patch", "update"}


@case
def a_custom_kind_is_told(place):
    place.kind("Widget")
    place.settle(lambda: "widgets" in _resources(place, "/apis", GROUP, "v1"))
    widgets = _resources(place, "/apis", GROUP, "v1")["widgets"]
    assert widgets["responseKind"] == WIDGET
    assert (widgets["scope"], widgets["singularResource"]) == ("Namespaced", "widget")
    assert (widgets["shortNames"], widgets["categories"]) == (["wdg"], ["all"])
    assert set(widgets["verbs"]) == {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
    found = {each["subresource"]: set(each["verbs"]) for each in widgets["subresources"]}
    assert found == {"status": {"get", "patch", "update"}, "scale": {"get", "patch", "update"}}


@case
def a_custom_kind_without_a_namespace_is_told(place):
    place.kind("Zone")
    place.settle(lambda: "zones" in _resources(place, "/apis", GROUP, "v1"))
    zones = _resources(place, "/apis", GROUP, "v1")["zones"]
    assert zones["scope"] == "Cluster"
    assert "subresources" not in zones


@case
def a_client_that_does_not_know_the_short_way_is_told_too(place):
    place.kind("Widget")
    groups = place.get("/apis")
    assert groups["kind"] == "APIGroupList"
    assert {"apps", GROUP} <= {group["name"] for group in groups["groups"]}
    (group,) = [group for group in groups["groups"] if group["name"] == GROUP]
    assert {"groupVersion": f"{GROUP}/v1", "version": "v1"} in group["versions"]
    found = place.get(f"/apis/{GROUP}/v1")
    assert (found["kind"], found["groupVersion"]) == ("APIResourceList", f"{GROUP}/v1")
    widgets = {each["name"]: each for each in found["resources"]}
    assert (widgets["widgets"]["kind"], widgets["widgets"]["namespaced"]) == ("Widget", True)
    assert {"widgets/status", "widgets/scale"} <= set(widgets)


@case
def the_core_group_is_told_to_such_a_client(place):
    assert place.get("/api")["versions"] == ["v1"]
    found = {each["name"]: each for each in place.get("/api/v1")["resources"]}
    assert (found["configmaps"]["kind"], found["configmaps"]["namespaced"]) == ("ConfigMap", True)
    assert found["namespaces"]["namespaced"] is False


@case
def a_group_that_is_not_served_is_not_found(place):
    error = place.refused(place.get, "/apis/none.example.com/v1")
    assert said(error)[:2] == ("NotFound", 404)


def _schemas(place, path):
    return place.get(f"/openapi/v3/{path}")["components"]["schemas"]


@case
def documents_are_listed_with_the_hash_of_their_content(place):
    paths = place.get("/openapi/v3")["paths"]
    assert {"api/v1", "apis/apps/v1"} <= set(paths)
    where, _, digest = paths["api/v1"]["serverRelativeURL"].partition("?hash=")
    assert where == "/openapi/v3/api/v1"
    assert place.get(where, hash=digest) == place.get(where)


@case
def a_hash_that_is_not_that_of_the_content_is_a_redirect(place):
    error = place.refused(place.get, "/openapi/v3/api/v1", hash="00")
    assert said(error) == ("ClusterError", 301, "")


@case
def a_document_describes_a_built_in_kind(place):
    schemas = _schemas(place, "apis/apps/v1")
    found = schemas["io.k8s.api.apps.v1.Deployment"]
    assert {"group": "apps", "version": "v1", "kind": "Deployment"} in found["x-kubernetes-group-version-kind"]
    assert {"spec", "status", "metadata"} <= set(found["properties"])


@case
def a_document_describes_a_custom_kind(place):
    place.kind("Widget")
    path = f"apis/{GROUP}/v1"

    def is_told():
        listed = place.get("/openapi/v3")["paths"]
        return path in listed and "dev.example.contract.v1.Widget" in _schemas(place, path)

    place.settle(is_told)
    found = _schemas(place, path)["dev.example.contract.v1.Widget"]
    assert found["x-kubernetes-group-version-kind"] == [WIDGET]
    spec = found["properties"]["spec"]
    assert spec["required"] == ["size"]
    assert spec["properties"]["mode"] == {"type": "string", "default": "fast", "enum": ["fast", "slow"]}
    assert spec["properties"]["free"]["x-kubernetes-preserve-unknown-fields"] is True


@case
def a_document_names_the_paths_of_its_kinds(place):
    paths = place.get("/openapi/v3/apis/apps/v1")["paths"]
    assert "/apis/apps/v1/namespaces/{namespace}/deployments/{name}" in paths
    assert "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status" in paths
