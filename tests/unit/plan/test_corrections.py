import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.kinds.discovery import Resource
from genreconcile.notice import Notice
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan.corrections import Told, corrections, says_something
from genreconcile.plan.fresh import Fresh

NODE = Resource(GVK("", "v1", "Gadget"), "gadgets", namespaced=False, subresources=frozenset({"status"}))
POD = Resource(GVK("", "v1", "Widget"), "widgets", namespaced=True)


def noted(resource, metadata=None, **rest):
    obj = {"apiVersion": "v1", "kind": resource.gvk.kind, "metadata": {"name": "a", **(metadata or {})}, **rest}
    return [text for _, text in corrections(Fresh(obj, "expected[0]", b""), resource)]


def test_r1_7_a_namespace_where_there_is_none_is_told():
    assert noted(NODE, {"namespace": "shop"}) == ["metadata.namespace: left out: the kind is cluster-scoped; remove it"]
    assert noted(NODE, {"namespace": ""}) == noted(NODE) == noted(POD, {"namespace": "shop"}) == []


@pytest.mark.parametrize("status", [{}, None, {"a": {"b": ""}, "c": [], "d": 0}], ids=str)
def test_r1_12_a_status_that_says_nothing_is_not_told(status):
    assert noted(NODE, status=status) == []


def test_r1_12_a_status_is_told_where_it_has_a_subresource():
    assert noted(NODE, status={"phase": "Ready"}) == [
        "status: not compared, and not written: it is a controller's to write; remove it"
    ]
    assert noted(POD, status={"phase": "Ready"}) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)


@given(JSON, JSON)
def test_a_mapping_says_what_its_entries_say(one, other):
    assert says_something({"a": one, "b": other}) == (says_something(one) or says_something(other))


def test_a_note_is_told_once():
    told, key = Told(), ObjectKey("", "Widget", "shop", "a")
    x, y = Notice("x", "GR212"), Notice("y", "GR220")
    found = told.new([(key, x), (key, x), (key, y)])
    assert [(one, one.code) for one in found] == [("Widget shop/a: x", "GR212"), ("Widget shop/a: y", "GR220")]
    assert told.new([(key, x), (key._replace(name="b"), x)]) == ["Widget shop/b: x"]
