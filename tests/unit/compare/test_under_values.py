"""Patches that a late sender cannot undo anything with: they test what they replace, or name the version."""

import pytest

from genreconcile.compare.patch import Patch, names_version, under_values

LIVE = {
    "metadata": {"uid": "u", "resourceVersion": "7", "annotations": {"a": "1"}},
    "data": {"k": "theirs", "big": "x" * 20_000},
    "spec": {"list": [{"name": "a", "image": "i"}], "odd": [None]},
}
UID = {"op": "test", "path": "/metadata/uid", "value": "u"}


def found(path, value):
    return {"op": "test", "path": path, "value": value}


def add(path, value="new", op="add"):
    return {"op": op, "path": path, "value": value}


def remove(path):
    return {"op": "remove", "path": path}


@pytest.mark.parametrize(
    ("operations", "tests"),
    [
        pytest.param([add("/data/k", op="replace")], [found("/data/k", "theirs")], id="replaced"),
        pytest.param([remove("/data/k")], [found("/data/k", "theirs")], id="removed"),
        pytest.param([add("/data/more")], [found("/data/more", None)], id="not there"),
        pytest.param([add("/spec/list/0/image")], [found("/spec/list/0/image", "i")], id="in a list"),
        pytest.param(
            [add("/data/k"), remove("/metadata/annotations/a")],
            [found("/data/k", "theirs"), found("/metadata/annotations/a", "1")],
            id="two",
        ),
        pytest.param([found("/data", {}), add("/data/k")], [found("/data", {})], id="tested already"),
    ],
)
def test_what_is_replaced_is_tested(operations, tests):
    changes = [operation for operation in operations if operation["op"] != "test"]
    assert under_values(Patch([UID, *operations]), LIVE).patch == [UID, *tests, *changes]


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(add("/data/big"), id="a long value"),
        pytest.param(remove("/spec/odd"), id="a value that no test can name"),
        pytest.param(remove("/metadata/annotations"), id="all annotations, of which the cache has some"),
        pytest.param(add("/none/at/all"), id="no parent"),
        pytest.param({"op": "move", "from": "/data/k", "path": "/data/l"}, id="moved"),
    ],
)
def test_else_the_version_is_named(operation):
    patch = under_values(Patch([UID, operation]), LIVE)
    assert names_version(patch)
    assert [one for one in patch.patch if one["op"] == "test"] == [UID]


def test_a_patch_that_names_the_version_stays():
    version = {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    patch = Patch([UID, version, add("/data/k")])
    assert under_values(patch, LIVE) is patch
    assert not under_values(Patch([]), LIVE).patch
