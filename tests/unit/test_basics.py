"""The small modules at the bottom: objects, pointers, JSON, errors, outcomes."""

import inspect
from types import MappingProxyType

import jsonpatch
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile import errors, gojson, objects, pointer
from genreconcile.apply import result as outcome
from genreconcile.plan import Change
from support.nested import is_read, nested

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


@pytest.mark.parametrize("annotations", [None, 1, "a", ["a"], {}], ids=repr)
def test_annotations_that_are_none_are_empty(annotations):
    assert objects.annotations_of({"metadata": {"annotations": annotations}}) == {}
    assert objects.annotations_of({}) == objects.annotations_of({"metadata": None}) == {}


def test_annotations_are_read_as_they_stand():
    found = {"a": "b"}
    assert objects.annotations_of({"metadata": {"annotations": found}}) is found
    assert objects.annotations_of({"metadata": {"annotations": MappingProxyType(found)}}) == found


@given(st.lists(st.text()))
def test_pointers_come_back(tokens):
    assert pointer.split_pointer(pointer.join_pointer(tokens)) == tuple(tokens)


def test_a_pointer_begins_with_a_slash():
    with pytest.raises(ValueError, match="is no JSON pointer"):
        pointer.split_pointer("a/b")


def test_json_is_spelled_as_go_does():
    assert gojson.dumps({"k": "<é&>\u2028\u2029"}) == '{"k":"\\u003cé\\u0026\\u003e\\u2028\\u2029"}'.encode()


@pytest.mark.parametrize(
    ("number", "spelled"),
    [
        (5e-6, "0.000005"),
        (1e-6, "0.000001"),
        (9.99e-7, "9.99e-7"),
        (1e-10, "1e-10"),
        (5e-324, "5e-324"),
        (1.0, "1"),
        (-0.0, "-0"),
        (1e16, "10000000000000000"),
        (2.0**62, "4611686018427388000"),
        (1e21, "1e+21"),
        (-3.4028235e38, "-3.4028235e+38"),
        (2**64, "18446744073709551616"),
        (True, "true"),
    ],
)
def test_r1_3_numbers_are_spelled_as_go_spells_them(number, spelled):
    value = {"one": [number, {"two": (number, "1.0")}], "three": "1e21"}
    same = {"one": [number, {"two": (number, "1.0")}], "three": "1e21"}
    expected = f'{{"one":[{spelled},{{"two":[{spelled},"1.0"]}}],"three":"1e21"}}'
    assert gojson.dumps(value).decode() == expected
    assert value == same, "it was changed"


def test_a_circle_is_no_json():
    circle = []
    circle.append(circle)
    with pytest.raises(RecursionError):
        gojson.dumps(circle)


@pytest.mark.parametrize("write", [gojson.dumps, gojson.encode])
def test_what_is_read_can_be_written_however_deep_it_is(write):
    """How deep Python's decoder goes depends on its version: far deeper than calls of its functions, since 3.12."""
    leaf = b'"%b"' % (b"x" * 5000)  # Texts of a few kilobytes are written in another way.
    text = next(text for text in (nested(depth, leaf) for depth in (9900, 1400, 900)) if is_read(text))
    assert write(gojson.loads(text)) == text


def test_what_is_no_unicode_is_read_as_go_reads_it():
    data = rb'{"a":"\ud800\ud83d\ude00\\ud800","b":"%b"}' % b"\xff"
    assert gojson.loads(data) == {"a": "\ufffd😀\\ud800", "b": "\ufffd"}
    with pytest.raises(msgspec.DecodeError):
        gojson.loads(b'{"a":')


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
