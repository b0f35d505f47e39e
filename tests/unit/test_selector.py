"""Label selectors: what is read, what matches, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.errors import LoadError
from genreconcile.selector import ParsedSelector, Requirement, parse

NAMES = st.from_regex(r"[a-zA-Z0-9]([-a-zA-Z0-9_.]{0,8}[a-zA-Z0-9])?", fullmatch=True)
KEYS = st.one_of(NAMES, st.builds("{}/{}".format, st.sampled_from(["example.dev", "app.kubernetes.io"]), NAMES))
VALUES = st.one_of(st.just(""), NAMES)
VALUE_SETS = st.lists(VALUES, min_size=1, max_size=4, unique=True).map(lambda values: tuple(sorted(values)))
REQUIREMENTS = st.one_of(
    st.builds(Requirement, KEYS, st.sampled_from(["In", "NotIn"]), VALUE_SETS),
    st.builds(Requirement, KEYS, st.sampled_from(["Exists", "DoesNotExist"])),
)
SELECTORS = st.lists(REQUIREMENTS, max_size=5).map(lambda found: ParsedSelector(tuple(sorted(set(found)))))


def test_a_kubectl_string_has_every_form():
    selector = parse("a=b,c==d,e!=f,g,!h,i in (x,y),j notin (z, y)")

    assert selector.matches({"a": "b", "c": "d", "g": "", "i": "y", "j": "x"})
    assert str(selector) == "a=b,c=d,e!=f,g,!h,i in (x,y),j notin (y,z)"


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("a=b", {"a": "b"}, True),
        ("a=b", {"a": "c"}, False),
        ("a=b", {}, False),
        ("a==b", {"a": "b"}, True),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("a!=b", {"a": "c"}, True),
        ("a!=b", {}, True),  # as in Kubernetes: a missing label differs
        ("a!=b", {"a": "b"}, False),
        ("a", {"a": ""}, True),
        ("a", {}, False),
        ("!a", {"a": "b"}, False),
        ("! a", {}, True),
        ("a in (b,c)", {"a": "c"}, True),
        ("a in (b,c)", {"a": "d"}, False),
        ("a in (b,)", {"a": ""}, True),
        ("a in ()", {"a": ""}, True),
        ("a notin (b)", {}, True),
        ("a notin (b)", {"a": "b"}, False),
        ("in in (in)", {"in": "in"}, True),
        (" a = b , c ", {"a": "b", "c": "d"}, True),
        ("a=b,a=c", {"a": "b"}, False),
        ("", {"a": "b"}, True),
        ("  ", {}, True),
    ],
)
def test_strings_match_as_in_kubernetes(text, labels, expected):
    assert parse(text).matches(labels) is expected


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"app": "x", "tier": ""}, "app=x,tier="),
        ({"matchLabels": {"app": "x"}}, "app=x"),
        ({"matchLabels": None, "matchExpressions": [{"key": "a", "operator": "Exists"}]}, "a"),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist", "values": []}]}, "!a"),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["y", "x"]}]}, "a in (x,y)"),
        (
            {"matchLabels": {"b": "c"}, "matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]},
            "a!=x,b=c",
        ),
        ({}, ""),
    ],
)
def test_mappings_are_read(spec, text):
    assert str(parse(spec)) == text


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ("a,", "character 3: found the end; expected a label"),
        (",a", "character 1: found ,"),
        ("a b", "character 3: found b"),
        ("a=b=c", "character 4: found ="),
        ("a in (x", "character 8: found the end"),
        ("a in x", r"character 6: found x; expected \("),
        ("a<3", "character 2: found <"),
        ("a=(", r"character 3: found \("),
        ("!", "character 2"),
        ("ä=b", "'ä=b': invalid label key: 'ä'"),
        ("a=-b", "invalid label value: '-b'"),
        ("a=" + "b" * 64, "invalid label value"),
        ("b" * 64, "invalid label key"),
        ("b." * 127 + "b/a", "invalid label key"),
        ("/a=b", "invalid label key"),
        ("A.example/a=b", "invalid label key"),
        ("a/b/c", "invalid label key"),
        ({"a": 1}, "'a': invalid label value: 1"),
        ({"a": ["b"]}, "'a': invalid label value"),
        ({1: "b"}, "invalid label key: 1"),
        ({"matchLabels": {"a": None}}, r"matchLabels\['a'\]: invalid label value: None"),
        ({"matchLabels": "a=b"}, "matchLabels: not a mapping"),
        ({"matchLabels": {}, "app": "x"}, "unknown keys: app"),
        ({"matchExpressions": {"key": "a"}}, "matchExpressions: not a list"),
        ({"matchExpressions": ["a"]}, r"matchExpressions\[0\]: no expression"),
        ({"matchExpressions": [{"key": "a", "operator": "Exists", "value": "x"}]}, r"matchExpressions\[0\]"),
        ({"matchExpressions": [{"key": "a", "operator": "exists"}]}, r"matchExpressions\[0\].operator: unknown"),
        ({"matchExpressions": [{"key": "a", "operator": []}]}, "operator: unknown"),
        ({"matchExpressions": [{"key": "a", "operator": "In"}]}, r"\[0\].values: In needs"),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": "x"}]}, "In needs a list"),
        ({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}, "Exists takes no values"),
        ({"matchExpressions": [{"operator": "Exists"}]}, "invalid label key: None"),
        (3, "int; give a string or a mapping"),
        (None, "NoneType"),
    ],
)
def test_errors_name_the_place(spec, place):
    with pytest.raises(LoadError, match=place):
        parse(spec)


def test_a_label_value_that_is_no_string_matches_nothing_and_breaks_nothing():
    assert not parse("a=b").matches({"a": ["b"]})
    assert not parse("a=1").matches({"a": 1})


def test_only_an_empty_selector_is_everything():
    assert parse("").is_everything
    assert parse({}).is_everything
    assert not parse("a").is_everything


def test_a_selector_is_a_value():
    selector = parse("b=c,a")

    assert selector == parse("a,b=c,a")
    assert len({selector, parse({"b": "c"}), parse("a,b=c")}) == 2
    assert parse(selector) is selector


@given(SELECTORS, st.dictionaries(KEYS, VALUES, max_size=4))
def test_the_string_is_read_as_the_same_selector(selector, labels):
    again = parse(str(selector))

    assert again == selector
    assert again.matches(labels) == selector.matches(labels)


@given(st.text(alphabet='ab1-./ =!(),<>innot\t\n"ä', max_size=20))
def test_any_text_is_read_or_refused(text):
    try:
        selector = parse(text)
    except LoadError:
        return
    assert parse(str(selector)) == selector


@pytest.mark.parametrize("text", ["\x0b", "\u00a0", "\u2003", "a=b,\u00a0"])
def test_what_is_no_white_space_to_the_server_does_not_select_everything(text):
    with pytest.raises(LoadError):
        parse(text)
