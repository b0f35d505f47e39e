import pytest

import genreconcile as gr
from genreconcile.kinds.types import MISSING, document_path, untyped
from genreconcile.objects import GVK
from support.recorded import BUILT_IN, SCHEMA

POD = SCHEMA.root(GVK("", "v1", "Pod"))
WIDGET = SCHEMA.root(GVK("example.genreconcile.dev", "v1", "Widget"))
CRD = SCHEMA.root(GVK("apiextensions.k8s.io", "v1", "CustomResourceDefinition"))


def at(kind, *keys):
    for key in keys:
        field = kind.items if key == "[]" else kind.values if key == "{}" else kind.fields[key]
        kind = field.type
    return field


@pytest.mark.parametrize(
    ("keys", "shape", "scalar", "zero"),
    [
        (["spec"], "object", "", "value"),
        (["spec", "containers"], "list", "", "value"),
        (["spec", "nodeSelector"], "map", "", "value"),
        (["spec", "securityContext"], "object", "", "pointer"),
        (["spec", "hostNetwork"], "scalar", "boolean", "value"),
        (["spec", "automountServiceAccountToken"], "scalar", "boolean", "pointer"),
        (["spec", "containers", "[]", "resources"], "object", "", "value"),
        (["spec", "containers", "[]", "resources", "limits", "{}"], "scalar", "quantity", "pointer"),
        (["spec", "containers", "[]", "ports", "[]", "containerPort"], "scalar", "integer", "value"),
        (["spec", "containers", "[]", "livenessProbe", "httpGet", "port"], "scalar", "int-or-string", "value"),
        (["metadata", "creationTimestamp"], "scalar", "time", "value"),
    ],
    ids=lambda value: "/".join(value) if isinstance(value, list) else str(value),
)
def test_built_in_fields(keys, shape, scalar, zero):
    field = at(POD, *keys)
    assert (field.type.shape, field.type.scalar, field.zero) == (shape, scalar, zero)
    assert field.default is MISSING
    assert not field.type.custom


def test_list_types():
    containers = at(POD, "spec", "containers").type
    assert (containers.list_type, containers.list_keys) == ("map", ("name",))
    assert at(POD, "spec", "tolerations").type.list_type == "atomic"
    assert at(WIDGET, "spec", "tags").type.list_type == "set"
    assert at(WIDGET, "spec", "steps").type.list_type == "atomic"


def test_custom_fields():
    assert WIDGET.custom
    assert at(WIDGET, "spec", "mode").default == "fast"
    assert at(WIDGET, "spec", "note").nullable
    assert at(WIDGET, "spec", "port").type.scalar == "int-or-string"
    assert at(WIDGET, "spec", "memory").type.scalar == "quantity"
    assert at(WIDGET, "spec", "free").type.shape == "any"
    assert at(WIDGET, "spec", "limits").zero == "pointer"


def test_metadata_of_custom_resources_is_built_in():
    metadata = at(WIDGET, "metadata").type
    assert metadata.name.endswith("ObjectMeta")
    assert not metadata.custom


def test_unions_have_an_alternative():
    schema = at(CRD, "spec", "versions", "[]", "schema", "openAPIV3Schema").type
    items = at(schema, "items").type
    assert items.shape == "any"
    assert items.alternative is schema
    assert at(schema, "default").type.alternative is None


def test_types_are_made_once():
    assert SCHEMA.root(GVK("", "v1", "Pod")) is POD
    assert at(POD, "spec").type is at(POD, "spec").type


def test_unknown_kinds():
    assert SCHEMA.root(GVK("", "v1", "Nothing")) is None
    assert SCHEMA.root(GVK("none", "v1", "Nothing")) is None


def test_status_subresources():
    assert SCHEMA.has_status(GVK("", "v1", "Pod"))
    assert not SCHEMA.has_status(GVK("", "v1", "Secret"))
    assert SCHEMA.has_status(GVK("none", "v1", "Nothing"))


def test_a_new_document_replaces_the_old():
    documents = {}
    graph = gr.Schema(documents)
    assert graph.root(GVK("", "v1", "Thing")) is None
    for field in ("a", "b"):
        gvk = {"group": "", "version": "v1", "kind": "Thing"}
        thing = {"type": "object", "properties": {field: {}}, "x-kubernetes-group-version-kind": [gvk]}
        documents["api/v1"] = {"components": {"schemas": {"v1.Thing": thing}}}
        assert list(graph.root(GVK("", "v1", "Thing")).fields) == [field]


def test_embedded_resources_know_their_head():
    compiler = untyped()._compiler
    kind = type(WIDGET)("", {"type": "object", "x-kubernetes-embedded-resource": True}, compiler, custom=True)
    assert set(kind.fields) == {"apiVersion", "kind", "metadata"}
    assert kind.fields["metadata"].type.shape == "any"


def test_missing_is_no_value():
    assert repr(MISSING) == "MISSING"
    assert not MISSING
    assert "ObjectMeta object" in repr(at(POD, "metadata").type)


def test_document_paths():
    assert document_path("", "v1") == "api/v1"
    assert document_path("apps", "v1") == "apis/apps/v1"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"components": {"schemas": []}}'])
def test_what_is_no_document_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(gr.LoadError, match=r"x\.json: is no OpenAPI v3 document"):
        gr.Schema.load(tmp_path)


def test_one_file_can_be_loaded():
    schema = gr.Schema.load(BUILT_IN / "apis_rbac.authorization.k8s.io_v1.json")
    assert schema.root(GVK("rbac.authorization.k8s.io", "v1", "Role")) is not None
