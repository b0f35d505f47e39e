"""The loader: what it reads, that it reads as kubectl does, and that it refuses all else with a LoadError."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import enum
import importlib.util
import io
import json
import math
from types import MappingProxyType

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from genreconcile.errors import LoadError
from genreconcile.manifests import Loaded, build, load, load_objects, parse, refuse_duplicates, sources, validate_set
from genreconcile.objects import ObjectKey
from support import objects
from support.canary import Canary, texts_of

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc/~", max_size=3), inner, max_size=4),
    max_leaves=12,
)


def obj(name="a", kind="Widget", **extra):
    return objects.obj("example.dev/v1", kind, name, **extra)


def text(*names):
    return "".join(f"---\napiVersion: example.dev/v1\nkind: Widget\nmetadata: {{name: {name}}}\n" for name in names)


def read(content, **options):
    return load(["-"], stdin=io.BytesIO(content if isinstance(content, bytes) else content.encode()), **options)


def spec(content):
    """What a YAML fragment of one field means."""
    (loaded,) = read(f"apiVersion: v1\nkind: Widget\nmetadata: {{name: a}}\nspec: {content}\n")
    return loaded.obj["spec"]


# Sources


def test_files_are_read_in_the_order_given(tmp_path):
    (tmp_path / "b.yaml").write_text(text("b1", "b2"))
    (tmp_path / "a.txt").write_text(text("a"))

    loaded = load([tmp_path / "b.yaml", str(tmp_path / "a.txt")])

    assert [item.obj["metadata"]["name"] for item in loaded] == ["b1", "b2", "a"]
    assert [item.origin for item in loaded] == [
        f"{tmp_path}/b.yaml:2",
        f"{tmp_path}/b.yaml:6",
        f"{tmp_path}/a.txt:2",
    ]


def test_one_path_may_stand_alone(tmp_path):
    (tmp_path / "a.yaml").write_text(text("a"))

    assert len(load(tmp_path / "a.yaml")) == len(load(str(tmp_path / "a.yaml"))) == 1


@pytest.fixture
def folder(tmp_path):
    for path in ("b.yml", "a.yaml", "c.json", "notes.txt", "below/d.yaml", "..2024/e.yaml"):
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        name = path.replace("/", "-").strip(".")
        file.write_text(json.dumps(obj(name)) if path.endswith("json") else text(name))
    (tmp_path / "folder.yaml").mkdir()
    return tmp_path


def test_a_folder_gives_its_manifests_by_name(folder):
    names = [item.obj["metadata"]["name"] for item in load([folder])]

    assert names == ["a.yaml", "b.yml", "c.json"]


def test_recursive_looks_below_but_not_at_the_copies_of_the_kubelet(folder):
    names = [item.obj["metadata"]["name"] for item in load([folder], recursive=True)]

    assert names == ["a.yaml", "b.yml", "below-d.yaml", "c.json"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.yaml", "missing.yaml: cannot be read: No such file or directory; check the path"),
        ("https://example.com/a.yaml", "https://example.com/a.yaml: cannot be read: it is a URL; fetch it, and give -"),
        ("", "cannot be read"),
        ("a\0b", "cannot be read"),
        ("folder", "folder: nothing to read: no .yaml, .yml, .json in this folder"),
        ("latin.yaml", "latin.yaml: cannot be read: byte 1 is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, monkeypatch, path, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"a\xe4")

    with pytest.raises(LoadError, match=message):
        load([path])


def test_a_folder_below_that_cannot_be_read_is_refused(tmp_path, monkeypatch):
    def walk(_path, onerror):
        onerror(PermissionError(13, "Permission denied"))
        return iter(())

    monkeypatch.setattr("os.walk", walk)

    with pytest.raises(LoadError, match="Permission denied"):
        load([tmp_path], recursive=True)


def test_stdin_is_read_once(tmp_path):
    (tmp_path / "a.yaml").write_text(text("a"))

    assert [item.origin for item in read(text("b"))] == ["stdin:2"]
    with pytest.raises(LoadError, match="stdin: cannot be read twice"):
        load(["-", "-"], stdin=io.BytesIO(text("b").encode()))


def test_too_large_a_source_is_refused(monkeypatch):
    monkeypatch.setattr(sources, "_MAX_BYTES", 10)

    with pytest.raises(LoadError, match="stdin: cannot be read: more than 10 bytes"):
        read(text("a"))


def test_a_byte_order_mark_is_no_content():
    assert len(read(b"\xef\xbb\xbf" + text("a").encode())) == 1


CANARY = Canary("c4n4ry-v4lu3-0123456789-abcdef")


@pytest.mark.parametrize(
    "value",
    [
        "*{}",
        "!{}",
        "!!{} x",
        "&{} &{} x",
        "&{0} a\n  b: &{0} c\n  d: *{0}x",
        "%{}",
        "@{}",
        "`{}`",
        '"{}',
        "'{}",
        "{}: {}: x",
        "[{}",
        "{{{}",
        "!<{}> x",
        "!!int {}",
        "!!float {}",
        "!!bool {}",
        '"\\q{}"',
        "|9{}",
        "|\n{}\n x: y",
        "\t{}",
        "{}\0",
        '"{}" x',
        "? [{}]\n  : b",
        "{{[{}]: b}}",
        "!!binary {}",
        "!!python/object:{} x",
        "{}\n---\n%YAML {}",
        "{{a: {}, a: {}}}",
        "\ud800{}",
    ],
)
@pytest.mark.parametrize("key", ["password", '"password"', "{"])
def test_no_error_quotes_a_value(value, key):
    content = f"kind: Secret\nstringData:\n  {key}: {value.format(CANARY.text, CANARY.text)}\n: [\n"
    with pytest.raises(LoadError) as caught:
        read(content.encode(errors="surrogatepass"))
    assert [CANARY.hits(text) for text in texts_of(caught.value) if CANARY.hits(text)] == []


@pytest.mark.parametrize("value", ["!{}", "!!{} x", "!<{}> x", "!!int {}", "!!binary {}", "*{}", "!!python/name:{} x"])
def test_no_error_quotes_a_value_that_yaml_takes_for_a_tag_or_an_alias(value):
    with pytest.raises(LoadError) as caught:
        read(f"kind: Secret\nstringData:\n  password: {value.format(CANARY.text)}\n")
    assert [CANARY.hits(text) for text in texts_of(caught.value) if CANARY.hits(text)] == []


@pytest.mark.parametrize(
    "content", ['{"a": "%s"', '{"a": "%s", "a": 1}', '{"a": "%s\t"}', '{"a": NaN, "b": "%s"}', '"%s']
)
def test_no_error_of_json_quotes_a_value(tmp_path, content):
    (tmp_path / "a.json").write_text(content % CANARY.text)
    with pytest.raises(LoadError) as caught:
        load([tmp_path / "a.json"])
    assert [CANARY.hits(text) for text in texts_of(caught.value) if CANARY.hits(text)] == []


def test_the_repr_of_what_was_loaded_is_its_name():
    (loaded,) = read(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{k: {CANARY.text}}}\n")
    assert repr(loaded) == str(loaded) == "<Loaded Secret a from stdin:1>"


# YAML as kubectl reads it


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("+7", 7),
        ("1.20", 1.2),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-1.5E+2", -150.0),
        ("08", 8.0),
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("null", None),
        ("'yes'", "yes"),
        ("!!str 1", "1"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("12:30", "12:30"),
        ("12:30:45.5", "12:30:45.5"),
        ("=", "="),
        ("1.2.3", "1.2.3"),
        ("[a, {b: c}]", ["a", {"b": "c"}]),
        ("&x [1, 2]", [1, 2]),
        ("{a: &x [1], b: *x}", {"a": [1], "b": [1]}),
        ("{<<: {a: 1, b: 1}, a: 2}", {"a": 2, "b": 1}),
        ("{deep: {d: &y {<<: {k: 1}, k: 2}}}", {"deep": {"d": {"k": 2}}}),
        ("|\n  a\n  b", "a\nb\n"),
    ],
)
def test_scalars_mean_what_they_mean_to_kubectl(content, value):
    found = spec(content)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("y", True),
        ("N", False),
        ("0X1F", 31),
        ("0B11", 3),
        ("0O17", 15),
        ("0b-11", -3),
        (".5_5", 0.55),
        ("._5", "._5"),
        ("1e_3", 1000.0),
        ("1e400", "1e400"),
        ("+18446744073709551615", 2.0**64),
        ("18446744073709551615", 2**64 - 1),
        ("0x1FFFFFFFFFFFFFFFF", "0x1FFFFFFFFFFFFFFFF"),
        ("[<<]", ["<<"]),
        ("!!bool 'n'", False),
        ("!!float 1", 1.0),
        ("{a: 2, <<: {a: 1}}", {"a": 1}),
        ("{<<: [{a: 1}, {a: 2, b: 3}]}", {"a": 1, "b": 3}),
        ("{y: 1, 0x1F: 2, 1.10: 3, 1e6: 4, 3.14159265358979: 5, 08: 6, 1e5: 7, 1e39: 8, 0.00001: 9, -1e39: 10}",
         {"true": 1, "31": 2, "1.1": 3, "1e+06": 4, "3.1415927": 5, "8": 6, "100000": 7, ".inf": 8, "1e-05": 9,
          "-.inf": 10}),
        ("{off: 1, 1.5: 2, .NaN: 3}", {"false": 1, "1.5": 2, ".nan": 3}),
        ("{p: &m <<, *m : {b: 1}}", {"p": "<<", "<<": {"b": 1}}),
        ("{!!merge a: {b: 1}, !!merge '<<': {c: 1}}", {"a": {"b": 1}, "c": 1}),
        ("{&k a: 1, b: *k}", {"a": 1, "b": "a"}),
        ("{p: &m 1.10, *m : 2}", {"p": 1.1, "1.1": 2}),
    ],
)  # fmt: skip
def test_r1_8_scalars_and_keys_mean_what_they_mean_to_kubectl(content, value):
    found = spec(content)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{~: 1}", "a key is no string; quote it"),
        ("{18446744073709551615: 1}", "a key is no string; quote it"),
        ("{1: a, '1': b}", "the key '1' comes twice"),
        ("{yes: a, y: b}", "the key 'true' comes twice in one mapping, for y without quotes is true"),
        ("{true: a, 'true': b}", "the key 'true' comes twice in one mapping; correct"),
        ("{<<: [1]}", "expected a mapping or list of mappings for merging"),
        ("!!null canary", "a value does not fit its type"),
        ("! canary", "the tag ! says nothing"),
    ],
)
def test_r1_8_what_kubectl_refuses_or_reads_in_two_ways(content, message):
    with pytest.raises(LoadError, match=message) as caught:
        spec(content)
    assert "canary" not in str(caught.value)


def test_a_merge_of_a_merge_is_no_duplicate():
    content = "\nspec:\n  deep:\n    x: &x {<<: {k: 1}, k: 2}\n  z: {<<: *x}\n"

    (loaded,) = read(f"apiVersion: v1\nkind: Widget\nmetadata: {{name: a}}{content}")

    assert loaded.obj["spec"] == {"deep": {"x": {"k": 2}}, "z": {"k": 2}}


def test_empty_documents_are_skipped():
    assert read("") == read("---\n---\n# nothing\n") == []
    assert [item.origin for item in read("# a\n---\n" + text("a") + "---\n")] == ["stdin:4"]


def test_json_is_read_as_json():
    first, second = read(
        json.dumps(obj("a", spec={"x": 1e3, "y": "\U0001f600\t/"})) + "\n\n" + json.dumps(obj("b"), indent=1)
    )

    assert first.obj["spec"] == {"x": 1000.0, "y": "\U0001f600\t/"}
    assert second.origin == "stdin:3"


def test_braces_may_begin_yaml():
    assert read("{apiVersion: v1, kind: Widget, metadata: {name: a}}")[0].obj["apiVersion"] == "v1"
    assert len(read(json.dumps(obj("a")) + "\n---\n" + json.dumps(obj("b")))) == 2


def test_a_json_file_cannot_be_yaml(tmp_path):
    (tmp_path / "a.json").write_text("{\n a: 1}")

    with pytest.raises(LoadError, match=r"a.json:2: not readable: Expecting property name"):
        load([tmp_path])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{a: b", "stdin:2: not readable: did not find expected ',' or '}'; correct the YAML"),
        ("a: [", "stdin:2: not readable: did not find expected node content"),
        ("a: 1\nb: 2\na: 3", "stdin:3: not readable: the key 'a' comes twice"),
        (text("a") + "---\nx: {b: 1, b: 2}", "stdin:6: not readable: the key 'b' comes twice"),
        ("{<<: {a: 1}, <<: {b: 1}}", "the key '<<' comes twice"),
        ('{"a": {"b": 1, "c": 2, "b": 3}}', "stdin:1: not readable: the key 'b' comes twice"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": ' + "9" * 5000 + "}", "a number is too long"),
        ('{"a": ' * 100_000, "stdin:1: not readable: nested too deeply"),
        ("[" * 100_000, "stdin:1: not readable: nested too deeply"),
        ("- " * 100_000, "stdin:1: not readable: nested too deeply"),
        ("? " * 100_000, "stdin:1: not readable: nested too deeply"),
        ("a: &a [*a]", "an alias is inside of what it stands for"),
        ("a: &a 1\nb: &a 2", "stdin:2: not readable: an anchor comes twice"),
        (text("&a a") + "---\nb: *a", "stdin:6: not readable: found undefined alias"),
        ("a: &a [1]\n? *a\n: 2", "stdin:2: not readable: found unhashable key"),
        ("a: 1\nb: !!seq {a: 1}", "stdin:2: not readable: expected a sequence node, but found mapping"),
        ("a: !!str [1]", "expected a scalar node, but found sequence"),
        ("a: !!map 1", "expected a mapping node, but found scalar"),
        ("a: !canary {a: 1}", "could not determine a constructor"),
        ("<<: {a: !!int canary}\na: 1", "stdin:1: not readable: a value does not fit its type"),
        ("a: *b", "found undefined alias"),
        ("a: !!python/object/apply:os.system [x]", "could not determine a constructor"),
        ("a: !!binary aGk=", "could not determine a constructor"),
        ("a: !!timestamp 2024-01-01", "could not determine a constructor"),
        ("a: !!set {b}", "could not determine a constructor"),
        ("a: !!int canary", "stdin:1: not readable: a value does not fit its type"),
        ("a: !!bool canary", "a value does not fit its type"),
        ("a: !!float canary", "a value does not fit its type"),
        ("? [a]\n: b", "found unhashable key"),
        ("a: \x01", "control characters are not allowed at position 3"),
        ("a: 1\n\tb: 2", "stdin:2: not readable"),
    ],
)
def test_bad_text_is_refused_with_its_line(content, message):
    with pytest.raises(LoadError, match=message) as caught:
        read(content)

    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_document_and_a_text_have_a_most_of_values():
    def built(content):
        return list(build.Builder(yaml.SafeLoader(content).get_event, 20, 30).documents())

    assert len(built(text("a", "b"))) == 2
    for content in ("[" + "a, " * 20 + "b]", text("a", "b", "c", "d")):
        with pytest.raises(build.RefusedError, match="more than 20 values in one document, or 30 in all"):
            built(content)
    with pytest.raises(LoadError, match="stdin:1: not readable: more than 1000000 values in one document"):
        read("[" + "a," * 1_000_000 + "b]")


def test_aliases_cannot_blow_up_a_document():
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{to}: &{to} [{','.join(['*' + of] * 9)}]" for of, to in zip("abcdefgh", "bcdefghi", strict=True)]

    with pytest.raises(LoadError, match="aliases repeat too much"):
        read("\n".join(lines))


def test_merges_cannot_blow_up_a_document():
    lines = ["a: &a {k: v}"]
    lines += [
        f"{to}: &{to} {{<<: [{','.join(['*' + of] * 9)}]}}" for of, to in zip("abcdefgh", "bcdefghi", strict=True)
    ]

    with pytest.raises(LoadError, match="aliases repeat too much"):
        read("\n".join(lines))


def test_aliases_are_counted_per_document():
    lists = f"x: &x [{','.join('a' * 10_000)}]\ny: [{','.join(['*x'] * 9)}]\n"
    many = f"apiVersion: v1\nkind: Widget\nmetadata: {{name: NAME}}\n{lists}"

    assert len(read("---\n".join(many.replace("NAME", name) for name in ("a", "b", "c")))) == 3


def test_the_pure_python_loader_reads_the_same(monkeypatch):
    monkeypatch.delattr(yaml, "CSafeLoader")
    module_spec = importlib.util.spec_from_file_location("pure_parse", parse.__file__)
    pure = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(pure)
    content = "---\na: {b: 1e3, c: 12:30, d: =, e: 0o7}\n---\nx: &x [1]\ny: *x\n"

    assert issubclass(pure._Loader, yaml.SafeLoader)
    assert not issubclass(parse._Loader, yaml.SafeLoader)
    assert list(pure.documents(content, "x")) == list(parse.documents(content, "x"))
    for bad in ("a: 1\na: 2", "[" * 5000, "a: [", "a: !!set {b}"):
        with pytest.raises(LoadError, match=r"x:[12]: not readable"):
            list(pure.documents(bad, "x"))


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=80) | st.text("{}[]:,-?&*!|>'\"%@`#a1\n\t <~", max_size=40)
)
@example("!!int ''")
@example("!!float .")
@example("&a *a")
def test_any_text_is_loaded_or_refused(content):
    with contextlib.suppress(LoadError):
        assert isinstance(read(content), list)


@given(st.binary(max_size=60))
def test_any_bytes_are_loaded_or_refused(content):
    with contextlib.suppress(LoadError):
        assert isinstance(read(content), list)


@given(JSON_VALUES)
def test_json_comes_out_as_it_went_in(value):
    expected = obj(spec=value)

    assert read(json.dumps(expected))[0].obj == expected
    assert validate_set([expected]) == [expected]


# Objects


def test_lists_give_their_items():
    nested = {"apiVersion": "v1", "kind": "List", "items": [obj("c")]}
    loaded = load_objects(
        [{"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [obj("a"), obj("b"), nested]}, obj("d")]
    )

    assert [(item.obj["metadata"]["name"], item.origin) for item in loaded] == [
        ("a", "expected[0] items[0]"),
        ("b", "expected[0] items[1]"),
        ("c", "expected[0] items[2] items[0]"),
        ("d", "expected[1]"),
    ]


def test_the_items_of_a_typed_list_have_its_type():
    items = [{"metadata": {"name": "a"}}, obj("b", kind="Gadget")]
    loaded = load_objects([{"apiVersion": "example.dev/v1", "kind": "WidgetList", "items": items}])

    assert [item.obj["kind"] for item in loaded] == ["Widget", "Gadget"]
    assert loaded[0].obj["apiVersion"] == "example.dev/v1"


def test_an_empty_list_has_no_objects():
    assert validate_set([{"apiVersion": "v1", "kind": "List", "items": None}]) == []


def test_a_named_object_whose_kind_ends_in_list_is_no_list():
    expected = obj("a", kind="AllowList", items=["x"])

    assert validate_set([expected]) == [expected]


def test_what_goes_in_is_not_changed_and_not_shared():
    expected = [obj("a", spec={"list": [{"x": 1}]})]
    before = copy.deepcopy(expected)

    found = validate_set(expected)
    found[0]["spec"]["list"][0]["x"] = 2

    assert expected == before


class Colour(enum.StrEnum):
    RED = "red"


class Count(enum.IntEnum):
    ONE = 1


def test_mappings_tuples_and_enums_become_plain():
    expected = MappingProxyType(
        obj(
            "a", spec=MappingProxyType({"x": (1, Colour.RED), Colour.RED: Count.ONE, "b": True, "f": (1.5,), "n": None})
        )
    )

    (found,) = validate_set([expected])

    assert found["spec"] == {"x": [1, "red"], "red": 1, "b": True, "f": [1.5], "n": None}
    assert [type(item) for item in (found, found["spec"]["x"][1], *found["spec"])] == [dict, str, *[str] * 5]
    assert type(found["spec"]["red"]) is int


def test_an_iterator_is_read_once():
    assert len(validate_set(obj(name) for name in "abc")) == 3


CIRCULAR: dict = {}
CIRCULAR["x"] = CIRCULAR


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "not JSON at /spec/x/0: datetime; give"),
        (dt.date(2024, 1, 1), "date"),
        (b"canary", "bytes"),
        ({"canary"}, "set"),
        (math.nan, "not a finite number"),
        (math.inf, "not a finite number"),
        pytest.param(10**5000, "the number is too long", id="long"),
        ("\ud800", "half of a surrogate pair"),
        ({1: "canary"}, "a key is no string but 1; quote it"),
        ({True: "canary"}, "a key is no string but True"),
        ({None: "canary"}, "a key is no string but NoneType"),
        pytest.param({10**5000: "canary"}, "a key is no string but int", id="long key"),
        ({"\ud800": "canary"}, "half of a surrogate pair"),
        (object(), "object; give"),
        (CIRCULAR, "circular"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place_and_without_its_value(value, message):
    with pytest.raises(LoadError, match=message) as caught:
        validate_set([obj("a", spec={"x": [value]})])

    assert str(caught.value).startswith("expected[0]: not JSON")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", r"expected\[1\]: not an object: str"),
        (None, r"expected\[1\]: not an object: NoneType"),
        ([], "not an object: list"),
        (obj().items(), "sanitize_for_serialization"),
        ({**obj(), "apiVersion": ""}, r"expected\[1\]: no apiVersion; write one such as v1"),
        ({"kind": "Widget", "metadata": {"name": "a"}}, "no apiVersion"),
        ({**obj(), "apiVersion": "a/b/c"}, "invalid apiVersion"),
        ({**obj(), "apiVersion": 1}, "invalid apiVersion"),
        ({"apiVersion": "v1", "metadata": {"name": "a"}}, "no kind"),
        ({**obj(), "kind": ["Widget"]}, "invalid kind"),
        ({"apiVersion": "v1", "kind": "Widget"}, r"expected\[1\]: Widget: no metadata"),
        ({**obj(), "metadata": "a"}, "no metadata"),
        (obj(""), "Widget: no name; give metadata.name"),
        (obj(None), "no name"),
        (obj(7), "invalid metadata.name"),
        (obj("a/b"), "invalid metadata.name"),
        (obj(".."), "invalid metadata.name"),
        (obj("a%2fb"), "invalid metadata.name"),
        ({**obj(), "metadata": {"generateName": "a-"}}, "generateName: each run would create another object"),
        ({**obj(), "metadata": {"name": "a", "namespace": "../b"}}, "Widget a: invalid metadata.namespace"),
        ({**obj(), "metadata": {"name": "a", "namespace": 1}}, "invalid metadata.namespace"),
        ({"apiVersion": "v1", "kind": "List", "items": ["x"]}, r"expected\[1\] items\[0\]: not an object: str"),
        ({"apiVersion": "v1", "kind": "List", "items": [{"metadata": {"name": "a"}}]}, r"items\[0\]: no apiVersion"),
    ],
)
def test_one_unusable_object_refuses_the_set(value, message):
    with pytest.raises(LoadError, match=message):
        validate_set([obj("fine"), value])


def test_a_file_with_an_unusable_object_is_named(tmp_path):
    (tmp_path / "a.yaml").write_text(text("a") + "---\nkind: Widget\n")

    with pytest.raises(LoadError, match=r"a.yaml:6: no apiVersion"):
        load([tmp_path])


def test_names_that_rbac_uses_are_fine():
    assert validate_set([obj("system:node:a.b")])


@pytest.mark.parametrize("value", [obj(), "text", b"bytes", None, 3])
def test_an_iterable_of_objects_is_wanted(value):
    with pytest.raises(LoadError, match="give an iterable of dicts"):
        validate_set(value)


# Duplicates


def test_the_same_object_twice_is_refused_with_both_places(tmp_path):
    (tmp_path / "a.yaml").write_text(text("a"))
    (tmp_path / "b.yaml").write_text(text("b", "a"))

    with pytest.raises(LoadError) as caught:
        load([tmp_path])

    assert str(caught.value) == (
        f"Widget.example.dev a: expected twice: {tmp_path}/a.yaml:2 and {tmp_path}/b.yaml:6; keep one of them"
    )


def test_another_version_is_the_same_object():
    with pytest.raises(LoadError, match=r"expected twice: expected\[0\] and expected\[1\]"):
        validate_set([obj(), {**obj(), "apiVersion": "example.dev/v2"}])


def test_other_groups_kinds_and_namespaces_are_other_objects():
    elsewhere = {**obj(), "metadata": {"name": "a", "namespace": "b"}}

    assert len(validate_set([obj(), elsewhere, obj(kind="Gadget"), {**obj(), "apiVersion": "v1"}])) == 4


def test_the_default_namespace_counts():
    elsewhere = {**obj(), "metadata": {"name": "a", "namespace": "b"}}

    with pytest.raises(LoadError, match=r"Widget.example.dev b/a: expected twice"):
        validate_set([obj(), elsewhere], namespace="b")
    with pytest.raises(LoadError, match="expected twice"):
        read(json.dumps(obj()) + json.dumps(elsewhere), namespace="b")


def test_duplicates_can_be_sought_among_keys():
    key = ObjectKey("", "Widget", "", "a")

    refuse_duplicates([(key, "x"), (key._replace(name="b"), "x")])
    with pytest.raises(LoadError, match="Widget a: expected twice: x and x"):
        refuse_duplicates([(key, "x"), (key, "x")])


def test_loaded_names_its_parts():
    assert Loaded(obj(), "x").origin == "x"
