"""What the operation ``test`` of a JSON patch holds for equal."""

from __future__ import annotations

import json

from genreconcile.errors import ClusterError
from support.contract.cases import case

_RAW = {"n": 1, "f": 1.5, "t": "x", "e": "", "b": False, "l": [1, 2], "m": {"a": 1, "b": {"c": 2}}}


def _passes(place, value, pointer, spelled):
    """Whether a test with a value as it is spelled passes on what lies under ``spec.free``."""
    path, made = place.widget("a", free=value)
    body = f'[{{"op":"test","path":"/spec/free{pointer}","value":{spelled}}}]'.encode()
    try:
        answer = place.patch(path, body)
    except ClusterError as error:
        if (error.status, error.details) != (422, {}):
            raise
        return False
    assert answer == made
    return True


_EQUAL = {
    "number": ("/n", "1"),
    "number with a point": ("/f", "1.5"),
    "text": ("/t", '"x"'),
    "empty text": ("/e", '""'),
    "false": ("/b", "false"),
    "list": ("/l", "[1, 2]"),
    "other order of keys": ("/m", '{"b":{"c":2},"a":1}'),
    "spaces": ("/m", '{ "a" : 1,\\n "b" : { "c" : 2 } }'.replace("\\n", "\n")),
    "null of a missing member": ("/none", "null"),
    "a member of a list": ("/l/1", "2"),
    "the last member of a list": ("/l/-1", "2"),
}


@case(rows=_EQUAL)
def a_test_passes(place, pointer, spelled):
    assert _passes(place, _RAW, pointer, spelled)


_DIFFERENT = {
    "another number": ("/n", "2"),
    "a number as text": ("/n", '"1"'),
    "a number with a point": ("/n", "1.0"),
    "a number with an exponent": ("/n", "1e0"),
    "trailing zero": ("/f", "1.50"),
    "another text": ("/t", '"y"'),
    "null of a value": ("/t", "null"),
    "null of an empty text": ("/e", "null"),
    "null of false": ("/b", "null"),
    "true of false": ("/b", "true"),
    "other order of a list": ("/l", "[2, 1]"),
    "shorter list": ("/l", "[1]"),
    "longer list": ("/l", "[1, 2, 3]"),
    "a member less": ("/m", '{"a":1}'),
    "a member more": ("/m", '{"a":1,"b":{"c":2},"d":3}'),
    "a null member more": ("/m", '{"a":1,"b":{"c":2},"d":null}'),
    "a value of a missing member": ("/none", "1"),
    "null without a parent": ("/none/none", "null"),
    "null beyond a list": ("/l/2", "null"),
}


@case(rows=_DIFFERENT)
def a_test_fails(place, pointer, spelled):
    assert not _passes(place, _RAW, pointer, spelled)


_SPELLINGS = {
    "less and greater": ("<a> & b", r'"\u003ca\u003e \u0026 b"', '"<a> & b"'),
    "line separators": ("\u2028", r'"\u2028"', '"\u2028"'),
    "other letters": ("grüße", '"grüße"', r'"gr\u00fc\u00dfe"'),
    "beyond the first plane": ("🎉", '"🎉"', r'"\ud83c\udf89"'),
    "quotes": ('a"b', r'"a\"b"', r'"a\u0022b"'),
    "a slash": ("a/b", '"a/b"', r'"a\/b"'),
    "control characters": ("\x01", r'"\u0001"', ""),
    "tab": ("a\tb", r'"a\tb"', r'"a\u0009b"'),
}


@case(rows=_SPELLINGS)
def a_text_is_compared_as_go_spells_it(place, value, go, other):
    assert json.loads(go) == value
    assert _passes(place, {"t": value}, "/t", go)
    if other:
        assert json.loads(other) == value
        place.delete(place.at(place.kind("Widget"), "a"))
        assert not _passes(place, {"t": value}, "/t", other)


@case
def a_test_in_a_list_of_objects(place):
    path, _ = place.widget("a", rules=[{"verb": "put"}, {"path": "/x"}])
    operations = [
        {"op": "test", "path": "/spec/rules/1", "value": {"path": "/x", "verb": "get"}},
        {"op": "replace", "path": "/spec/rules/1/verb", "value": "post"},
    ]
    assert place.patch(path, *operations)["spec"]["rules"][1]["verb"] == "post"
