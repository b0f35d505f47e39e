from pathlib import Path

import pytest

import genreconcile as gr
from genreconcile.apply.refusal import is_immutable
from genreconcile.cluster import status_error

SCHEMA = gr.Schema.load(Path(__file__).parent / "openapi")


def root(gvk, schema=SCHEMA):
    return gr.Registry.builtin().compile(gvk, schema.root(gvk), {}, has_status=True)


POD = root(gr.GVK("", "v1", "Pod"))


@pytest.mark.parametrize(
    "message",
    [
        'x is invalid: spec.a: Invalid value: {"b": "canary"}: field is immutable',
        "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
        "Invalid value: may not change once set",
        'roleRef: Invalid value: {"name": "canary"}: cannot change roleRef',
    ],
)
def test_the_answer_says_so(message):
    error = status_error("PATCH", {"code": 422, "reason": "Invalid", "message": message})
    assert is_immutable(error, ["/spec/nodeName"], POD)
    assert "canary" not in str(error) + repr(error.details)


def test_an_ordinary_refusal_is_none():
    error = status_error("PATCH", {"code": 422, "reason": "Invalid", "message": "spec.a: Invalid value: -1: too small"})
    assert not is_immutable(error, ["/spec/containers/0/image", "/spec/nodeSelector/a"], POD)


def test_the_schema_of_a_custom_resource_says_so():
    frozen = {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "no"}]}
    spec = {"type": "object", "properties": {"name": frozen, "free": {"type": "string"}}}
    gvk = {"group": "example.dev", "version": "v1", "kind": "Thing"}
    thing = {"type": "object", "properties": {"spec": spec}, "x-kubernetes-group-version-kind": [gvk]}
    documents = {"apis/example.dev/v1": {"components": {"schemas": {"dev.example.v1.Thing": thing}}}}
    node = root(gr.GVK("example.dev", "v1", "Thing"), gr.Schema(documents))
    error = gr.Invalid("422 Invalid: no", status=422)
    assert is_immutable(error, ["/spec/name"], node)
    assert not is_immutable(error, ["/spec/free"], node)
