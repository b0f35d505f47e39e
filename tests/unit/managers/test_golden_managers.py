"""Who owns what, read from objects that were recorded on a real API server."""

import json
from pathlib import Path

import pytest
import yaml

from genreconcile.managers import has_managers, maker_of_object, managers_of, owners_of
from genreconcile.pointer import split_pointer

HERE = Path(__file__).parent
LIVE = json.loads((HERE / "live.json").read_text("utf-8"))
CASES = yaml.safe_load((HERE / "cases.yaml").read_text("utf-8"))
PATHS = [(case["case"], path, owners) for case in CASES for path, owners in case["owners"].items()]


def tokens(path):
    return [int(token) if token.isdigit() else token for token in split_pointer(path)]


def written(owners):
    return ["/".join(filter(None, owner[:3])) for owner in owners]


def test_every_case_is_recorded():
    assert LIVE.keys() == {case["case"] for case in CASES}


@pytest.mark.parametrize(("case", "path", "owners"), PATHS, ids=lambda value: str(value)[:40])
def test_who_owns_a_path(case, path, owners):
    assert written(owners_of(LIVE[case], tokens(path))) == owners


@pytest.mark.parametrize("case", [case for case in CASES if "maker" in case], ids=lambda case: case["case"][:40])
def test_who_made_an_object(case):
    maker = maker_of_object(LIVE[case["case"]])
    assert (maker and maker.manager) == case["maker"]
    assert has_managers(LIVE[case["case"]]) == bool(case["maker"])


def test_an_entry_that_cannot_be_read_owns_nothing():
    fields = {"f:a": {"k:{": {}, "k:[1]": {}, "i:x": {}, "v:{": {}, "v:true": {}}}
    entries = [{"manager": "m", "fieldsV1": fields}, {"manager": "n", "fieldsV1": None}, "none"]
    live = {"metadata": {"managedFields": entries}, "a": [1, {"b": 2}, None]}
    assert [owners_of(live, ("a", index)) for index in range(4)] == [[], [], [], []]
    assert owners_of(live, ()) == []


def test_an_index_names_the_member_that_stands_there():
    live = {"metadata": {"managedFields": [{"manager": "m", "fieldsV1": {"f:a": {"i:1": {}}}}]}, "a": ["x", "y"]}
    assert [managers_of(live, ("a", index), exact=True) for index in range(3)] == [[], ["m"], []]
    assert str(owners_of(live, ("a", 1))[0]) == "m"


def entry(manager, time, *names):
    return {"manager": manager, "time": time, "fieldsV1": {f"f:{name}": {} for name in names}}


@pytest.mark.parametrize(
    ("entries", "maker"),
    [
        ([entry("late", "T2", "a", "b", "c"), entry("first", "T1", "a")], "first"),
        ([entry("patch", "T1", "a"), entry("first", "T1", "b", "c")], "first"),
        ([entry("first", "T3", "a", "b"), entry("patch", "T2", "c")], "first"),
        ([{**entry("status", "T1", "a", "b"), "subresource": "status"}, entry("first", "T1", "c")], "first"),
        ([], None),
    ],
    ids=["who wrote at creation", "who wrote most of it then", "who wrote again since", "no subresource", "nobody"],
)
def test_the_maker_is_who_wrote_most_at_creation(entries, maker):
    live = {"metadata": {"creationTimestamp": "T1", "managedFields": entries}}
    found = maker_of_object(live)
    assert (found and found.manager) == maker
