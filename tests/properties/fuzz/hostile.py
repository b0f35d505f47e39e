"""Input that nobody means well with: values of any type, and text that is nearly YAML."""

from __future__ import annotations

import enum
import json
import os

from hypothesis import given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("GENRECONCILE_FUZZ", "20"))


def fuzz(*strategies, factor=1):
    """As ``given``: a few examples, always the same ones, or as many new ones as GENRECONCILE_FUZZ says."""
    known = "GENRECONCILE_FUZZ" not in os.environ
    return lambda test: settings(max_examples=EXAMPLES * factor, derandomize=known)(given(*strategies)(test))


class Number(enum.IntEnum):
    ONE = 1


class Text(str):
    __slots__ = ()


class Mapping(dict):
    pass


# What stands in strings that were made to be misread.
PIECES = st.sampled_from(
    [
        '"managedFields":',
        '\\"managedFields\\":',
        ',"managedFields":[]',
        '"metadata":',
        "kubectl.kubernetes.io/last-applied-configuration",
        "\\u0000",
        "\n",
        "\r\n",
        "\u2028",
        "\0",
        "\ud800",
        "~0",
        "~1",
        "/",
        "..",
        "%2f",
        "*",
        "?",
        "[!a]",
        "'",
        '"',
        "\\",
        "null",
        "yes",
        "~",
        "=",
        "!",
        ",",
        "in (",
        "notin",
        "(",
        ")",
        "1e999999999",
        "9" * 400,
        "0x",
        "0b",
        "-0",
        ".inf",
        ".nan",
        "1Ki",
        "1h",
        "2024-01-01T00:00:00Z",
        "::1/64",
        "999.999.999.999/99",
        "YQ==",
        "*** (hmac: 0123456789ab)",
    ]
)
TEXTS = (
    st.text(max_size=12)
    | st.lists(PIECES | st.text(max_size=3), max_size=4).map("".join)
    | st.text("a", min_size=250, max_size=300)
)
NUMBERS = (
    st.integers()
    | st.sampled_from([10**400, 10**4000, -(10**4000), 2**63, 2**64, -(2**63) - 1])
    | st.floats()
    | st.sampled_from([float("nan"), float("inf"), -0.0, 1e308])
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
ODD = (
    st.binary(max_size=4)
    | st.sampled_from(
        [Number.ONE, Text("a"), object(), set(), {1}, (), ("a",), 1j, type, Ellipsis, b"", bytearray(b"a"), range(2)]
    )
    | st.dates()
)
KEYS = TEXTS | st.sampled_from(
    ["apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations", "spec", "items", "data"]
)


def _within(keys):
    def within(inner):
        return (
            st.lists(inner, max_size=4)
            | st.dictionaries(keys, inner, max_size=4)
            | st.dictionaries(keys, inner, max_size=2).map(Mapping)
            | st.lists(inner, max_size=2).map(tuple)
        )

    return within


def is_utf8(text):
    return not any("\ud800" <= char <= "\udfff" for char in text)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS.filter(is_utf8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS.filter(is_utf8), inner, max_size=4),
    max_leaves=12,
)
ANYTHING = st.recursive(SCALARS | ODD, _within(KEYS | st.integers(0, 3) | st.booleans() | st.none()), max_leaves=12)


def _knotted(value):
    """The same with a cycle, or with a part that is there twice for each level."""
    if isinstance(value, dict):
        value["loop"] = value
    elif isinstance(value, list):
        value.append(value)
    return value


def _doubled(value):
    for _ in range(60):
        value = {"x": value, "y": [value, value]}
    return value


def objects(values):
    """Dicts that look like objects, with anything in the place of anything."""
    names = st.sampled_from(["a", "", ".", "..", "a/b", "a%2fb", "a\0b", "\ud800", "A B", "x" * 300]) | values
    metadata = st.fixed_dictionaries(
        {"name": names},
        optional={"namespace": names, "labels": values, "annotations": values, "uid": values, "generateName": values},
    )
    return st.fixed_dictionaries(
        {
            "apiVersion": st.sampled_from(["v1", "apps/v1", "example.dev/v1", "", "a/b/c", "v1 "]) | values,
            "kind": st.sampled_from(["Widget", "Secret", "List", "WidgetList", ""]) | values,
        },
        optional={"metadata": metadata | values, "spec": values, "data": values, "items": values, "status": values},
    )


HOSTILE = objects(ANYTHING) | ANYTHING | objects(ANYTHING).map(_knotted) | objects(ANYTHING).map(_doubled)

_YAML = st.sampled_from(
    [
        "apiVersion: v1\n",
        "kind: Widget\n",
        "kind: List\n",
        "metadata: {name: a}\n",
        "metadata:\n  name: ",
        "items:\n- ",
        "---\n",
        "...\n",
        "&a ",
        "*a",
        "<<: ",
        "<<: *a\n",
        "!!int ",
        "!!binary ",
        "!!str ",
        "! ",
        "!x ",
        "? ",
        ": ",
        "- ",
        "  ",
        "\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        "|\n",
        ">-\n",
        "'",
        '"',
        "#",
        "%YAML 1.1\n",
        "%TAG ! x\n",
        "0o7",
        "0644",
        "1_0",
        "1:30",
        "2024-01-01",
        "yes",
        "~",
        "=",
        "\t",
        "\x07",
        "\ufeff",
        "\u2028",
        '{"a": ',
        '"\\ud800"',
        "NaN",
        "1e400",
        "@",
        "`",
    ]
)
YAML = st.lists(_YAML | st.text(max_size=4), max_size=25).map("".join)
MANIFESTS = (
    st.binary(max_size=60)
    | YAML.map(lambda text: text.encode(errors="surrogatepass"))
    | st.tuples(YAML, st.sampled_from(["utf-16", "utf-32", "latin-1", "utf-8-sig"])).map(
        lambda pair: pair[0].encode(pair[1], "replace")
    )
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.builds(lambda value, cut: json.dumps(value).encode()[: cut % 200], JSON, st.integers(0))
)
