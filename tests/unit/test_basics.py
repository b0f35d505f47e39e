"""The small modules at the bottom: objects, pointers, JSON, errors, outcomes."""

import inspect

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile import errors, gojson, objects, outcome, pointer
from genreconcile.plan import Change

KEY = gr.ObjectKey("apps", "Deployment", "shop", "web")
GVK = gr.GVK("apps", "v1", "Deployment")


@pytest.mark.parametrize(("text", "gvk"), [("v1/Pod", ("", "v1", "Pod")), ("apps/v1/Deployment", GVK)])
def test_kinds_are_read_and_written(text, gvk):
    assert gr.GVK.parse(text) == gvk
    assert str(gr.GVK.parse(text)) == text


@pytest.mark.parametrize("text", ["", "Pod", "a/b/c/d", "/v1/", "apps//Deployment"])
def test_what_is_no_kind_is_refused(text):
    with pytest.raises(ValueError, match="is no kind"):
        gr.GVK.parse(text)


def test_keys():
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
    assert gr.ObjectKey.of(obj) == KEY
    assert str(KEY) == "Deployment.apps shop/web"
    assert str(gr.ObjectKey("", "Node", "", "n")) == "Node n"


@pytest.mark.parametrize(
    "obj", [{}, {"metadata": None}, {"metadata": {"labels": 1, "name": None}}, {"apiVersion": None}]
)
def test_readers_bear_anything(obj):
    assert gr.ObjectKey.of(obj) == ("", "", "", "")
    assert objects.labels_of(obj) == {}
    assert objects.uid_of(obj) == objects.resource_version_of(obj) == ""


@given(st.lists(st.text()))
def test_pointers_come_back(tokens):
    assert pointer.split_pointer(pointer.join_pointer(tokens)) == tuple(tokens)


def test_a_pointer_begins_with_a_slash():
    with pytest.raises(ValueError, match="is no JSON pointer"):
        pointer.split_pointer("a/b")


def test_json_is_spelled_as_go_does():
    assert gojson.dumps({"k": "<é&>\u2028\u2029"}) == '{"k":"\\u003cé\\u0026\\u003e\\u2028\\u2029"}'.encode()


JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(), st.lists)


@given(JSON)
def test_json_comes_back(value):
    assert gojson.loads(gojson.dumps(value)) == value
    assert gojson.loads(gojson.dumps_sorted(value)) == value


def test_every_error_is_drawn_in_the_tree():
    tree = errors.__doc__
    for name, error in inspect.getmembers(errors, inspect.isclass):
        if issubclass(error, Exception):
            assert name in tree, name
            assert issubclass(error, gr.ReconcileError)


def test_errors_carry_what_they_know():
    assert gr.InputError("x", "/spec").path == "/spec"
    assert gr.Throttled("x", retry_after=1.5).retry_after == 1.5
    found = gr.NotFound("x", status=404, reason="NotFound", details={"kind": "y"})
    assert (found.status, found.reason, found.details) == (404, "NotFound", {"kind": "y"})


def test_outcomes_hide_values():
    patch = jsonpatch.JsonPatch([{"op": "add", "path": "/data/k", "value": "canary"}])
    found = outcome.Outcome(Change("update", GVK, KEY, patch), "configured", "why")
    assert str(found) == "Deployment.apps shop/web configured (why)"
    assert "canary" not in repr(found) + str(found)
    assert found.patch is patch


def test_results():
    change = Change("create", GVK, KEY)
    failed = outcome.Outcome(change, "failed", error=gr.ReconcileError("broken"))
    result = gr.Result((outcome.Outcome(change, "created"), failed))
    assert result.summary() == "1 created, 1 failed"
    assert len(result) == 2
    assert result.failures == (failed,)
    with pytest.raises(gr.ApplyFailed, match="web failed: broken"):
        result.raise_for_failures()
    gr.Result(()).raise_for_failures()
    assert gr.Result(()).summary() == "nothing to do"
