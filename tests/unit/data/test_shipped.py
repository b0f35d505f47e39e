"""Each YAML file of genreconcile/data is read by its shape, and refused with file and key where it has another."""

import copy
import functools
import itertools
import operator
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

from genreconcile import data
from genreconcile.data import checked, shapes, shipped
from genreconcile.manifests.parse import documents

FOLDER = Path(data.__file__).parent
SHAPES = {shape.name: shape for shape in shapes.File.__subclasses__()}
FILES = pytest.mark.parametrize("name", sorted(SHAPES))
FREE_KEYS = {"codes", "defines", "groups", "guarded", "reasons", "subjects", "tools", "unions"}
OPTIONAL = {"apiGroup", "defaults", "makes", "named", "namespace", "says", "unless", "values"}
STEPS = {"always", "declared", "others", "steps"}
"""What tests/unit/readiness/test_steps.py looks into."""


def text_of(name):
    return (FOLDER / name).read_text("utf-8")


def content_of(name):
    return yaml.safe_load(text_of(name))


def spelled(path):
    """``waves[3][1]``, ``tools[kubectl].version``."""
    text = ""
    for depth, token in enumerate(path):
        is_free = isinstance(token, int) or (depth == 1 and path[0] in FREE_KEYS)
        text += f"[{token}]" if is_free else f".{token}"
    return text.lstrip(".")


def places(value, path=()):
    """The path of each value in it, and the value."""
    yield path, value
    if STEPS & {*path}:
        return
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, (*path, key))


def changed(content, path, change):
    """A copy in which ``change`` was called with what holds the path's last key, and that key."""
    content = copy.deepcopy(content)
    holder = content
    for token in path[:-1]:
        holder = holder[token]
    change(holder, path[-1])
    return content


def put(value, holder, key):
    holder[key] = value


def refusal(name, content):
    with pytest.raises(ValueError, match=r"\S") as caught:
        checked(SHAPES[name], content)
    return str(caught.value)


def test_each_file_has_a_shape():
    assert set(SHAPES) == {file.name for file in FOLDER.glob("*.yaml")}
    assert set(data.__all__) == {"shipped", "told", *(shape.__name__ for shape in SHAPES.values())}


@FILES
def test_each_file_is_read_once_and_whole(name):
    found = shipped(SHAPES[name])
    assert shipped(SHAPES[name]) is found
    assert msgspec.convert(msgspec.to_builtins(found), SHAPES[name]) == found
    with pytest.raises(AttributeError):
        found.name = ""
    with pytest.raises(AttributeError, match="immutable"):
        setattr(found, found.__struct_fields__[0], ())


@FILES
def test_a_file_means_to_yaml_what_it_means_to_kubectl(name):
    ((document, line),) = documents(text_of(name), name)
    assert document == content_of(name)
    assert line


@FILES
def test_a_missing_key_is_named(name):
    content = content_of(name)
    tried = 0
    for path, _ in places(content):
        is_entry = not path or isinstance(path[-1], int) or (len(path) == 2 and path[0] in FREE_KEYS)
        if is_entry or path[-1] in OPTIONAL:
            continue
        told = refusal(name, changed(content, path, operator.delitem))
        assert told == f"{name}: {spelled(path)}: is missing"
        tried += 1
    assert tried


@FILES
def test_an_unknown_key_is_named(name):
    content = content_of(name)
    paths = [path for path, value in places(content) if isinstance(value, dict) and not FREE_KEYS & {*path[-1:]}]
    for path in paths:
        told = refusal(name, changed(content, (*path, "colour"), functools.partial(put, 1)))
        assert told == f"{name}: {spelled((*path, 'colour'))}: is no key here"
    assert () in paths


@FILES
def test_a_value_of_another_type_is_named(name):
    content = content_of(name)
    for path, value in itertools.islice(places(content), 1, None):
        change = functools.partial(put, [] if isinstance(value, dict) else {"a": "b"})
        told = refusal(name, changed(content, path, change))
        assert told.startswith(f"{name}: {spelled(path)}: Expected `")


@pytest.mark.parametrize(
    ("name", "key", "value", "told"),
    [
        ("order.yaml", "waves", [["Namespace"]], "no wave of `waves` holds `*`, which stands for all other kinds"),
        ("order.yaml", "waves", [["*"], ["Namespace", 1]], "waves[1][1]: Expected `str`, got `int`"),
        (
            "order.yaml",
            "defines",
            {"A.b": {"condition": "C"}, "D.e": {"condition": "C", "named": "name"}},
            "defines[D.e].named: Invalid enum value 'name'",
        ),
        ("applyset.yaml", "tools", {1: {"version": "v1", "managers": []}}, "tools[1]: Expected `str`, got `int`"),
        ("applyset.yaml", "parents", "Secret", "parents: Expected `array`, got `str`"),
        (
            "deletion.yaml",
            "keep",
            [{"annotation": "a", "unless": "b"}, {"annotation": "a"}],
            "keep[1]: needs either `values` or `unless`",
        ),
        (
            "deletion.yaml",
            "keep",
            [{"annotation": "a", "unless": "b", "values": ["c"]}],
            "keep[0]: needs either `values` or `unless`",
        ),
        (
            "exclusive.yaml",
            "summed",
            [{"kind": "Pod", "prefix": "", "at": "spec"}],
            "summed[0].at: Expected `str` matching regex '^/'",
        ),
        (
            "mask.yaml",
            "secrets",
            [{"group": "", "kind": "Secret", "resource": "secrets", "fields": ["data"]}],
            "secrets[0].fields[0]: Expected `str` matching regex '^/'",
        ),
        ("immutable.yaml", "texts", ["Is Immutable"], "texts[0]: Expected `str` matching regex '^[^A-Z]+$'"),
        ("types.yaml", "freeForm", [True], "freeForm[0]: Expected `str`, got `bool`"),
        ("access.yaml", "list", {"apiVersion": 1, "kind": "List"}, "list.apiVersion: Expected `str`, got `int`"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused_beside_that(name, key, value, told):
    assert refusal(name, {**content_of(name), key: value}) == f"{name}: {told}"


@FILES
def test_a_file_that_is_no_mapping_is_refused(name):
    assert refusal(name, []) == f"{name}: Expected `object`, got `array`"


def test_no_file_is_read_before_it_is_needed():
    code = (
        "import yaml\n"
        "def refuse(*given): raise AssertionError\n"
        "yaml.load = yaml.safe_load = refuse\n"
        "import genreconcile.reconcile, genreconcile.cli\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
