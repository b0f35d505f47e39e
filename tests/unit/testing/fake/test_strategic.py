"""Strategic merge patches, as apimachinery's documentation and code have them."""

import pytest

from genreconcile.testing.fake.shape import Shape
from genreconcile.testing.fake.strategic import merged
from genreconcile.testing.fake.wire import Refusal

_MERGE = {"x-kubernetes-patch-strategy": "merge"}
_ITEMS = {"type": "object", "properties": {"name": {"type": "string"}, "v": {"type": "integer"}}}
SHAPE = Shape(
    {
        "type": "object",
        "properties": {
            "list": {"type": "array", "items": _ITEMS, **_MERGE, "x-kubernetes-patch-merge-key": "name"},
            "atoms": {"type": "array", "items": {"type": "string"}, **_MERGE},
            "whole": {"type": "array", "items": {"type": "string"}},
            "keyless": {"type": "array", "items": _ITEMS, **_MERGE},
            "union": {"type": "object", "x-kubernetes-patch-strategy": "retainKeys"},
            "replaced": {"type": "object", "x-kubernetes-patch-strategy": "replace"},
        },
    },
    {},
)
A, B, C = ({"name": name, "v": 1} for name in "abc")

_CASES = {
    "a map": ({"m": {"a": 1, "b": 2}}, {"m": {"b": 3, "c": 4}}, {"m": {"a": 1, "b": 3, "c": 4}}),
    "null removes": ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    "null of nothing": ({"b": 2}, {"a": None}, {"b": 2}),
    "nulls in what is new": ({}, {"m": {"a": None, "b": 1}}, {"m": {"b": 1}}),
    "another type": ({"m": 1}, {"m": {"a": 1}}, {"m": {"a": 1}}),
    "a member of a list": ({"list": [A, B]}, {"list": [{"name": "b", "v": 2}]}, {"list": [A, {"name": "b", "v": 2}]}),
    "a new member is first": ({"list": [A, B]}, {"list": [C]}, {"list": [C, A, B]}),
    "the order of the patch": ({"list": [A, B]}, {"list": [B, A]}, {"list": [B, A]}),
    "a member that goes": ({"list": [A, B]}, {"list": [{"name": "a", "$patch": "delete"}]}, {"list": [B]}),
    "a list in its place": ({"list": [A, B]}, {"list": [C, {"$patch": "replace"}]}, {"list": [C]}),
    "atoms": ({"atoms": ["a", "b"]}, {"atoms": ["c", "a"]}, {"atoms": ["c", "a", "b"]}),
    "atoms that go": ({"atoms": ["a", "b"]}, {"$deleteFromPrimitiveList/atoms": ["a"]}, {"atoms": ["b"]}),
    "a list without a strategy": ({"whole": ["a", "b"]}, {"whole": ["c"]}, {"whole": ["c"]}),
    "a map that goes": ({"m": {"a": 1}}, {"m": {"$patch": "delete"}}, {"m": {}}),
    "a map in its place": ({"m": {"a": 1}}, {"m": {"$patch": "replace", "b": 2}}, {"m": {"b": 2}}),
    "a map that is always replaced": ({"replaced": {"a": 1}}, {"replaced": {"b": 2}}, {"replaced": {"b": 2}}),
    "one of several": ({"union": {"a": 1, "t": 1}}, {"union": {"$retainKeys": ["t"], "t": 2}}, {"union": {"t": 2}}),
}  # fmt: skip


@pytest.mark.parametrize(("document", "patch", "expected"), _CASES.values(), ids=_CASES)
def test_merged(document, patch, expected):
    before = repr((document, patch))
    assert merged(document, patch, SHAPE) == expected
    assert repr((document, patch)) == before


_REFUSED = {
    "a directive": {"m": {"$patch": "bogus"}},
    "no key in a member": {"list": [{"v": 1}]},
    "no key in the type": {"keyless": [{"name": "b"}]},
}


@pytest.mark.parametrize("patch", _REFUSED.values(), ids=_REFUSED)
def test_refused(patch):
    with pytest.raises(Refusal) as raised:
        merged({"m": {"a": 1}, "list": [A], "keyless": [A]}, patch, SHAPE)
    assert raised.value.code == 400
