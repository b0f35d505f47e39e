"""Which of an object's managedFields stay in the cache, and which earlier state of it."""

import json

import pytest

import genreconcile as gr
from genreconcile.cache import Interest, Question, Store
from genreconcile.cache.interest import NO_INTEREST
from genreconcile.cache.transform import read

KIND = gr.GVK("example.com", "v1", "Widget")
PORTS = Question("nodePort", remembers=True)
NOTES = Question("example.com/revision", ("*controller-manager", "us"))
FINALIZERS = Question("finalizers", ("us",), only=True)


def entry(manager, *fields, where="f:spec"):
    return {"manager": manager, "fieldsV1": {where: {f"f:{field}": {} for field in fields}}}


def record(*entries, version="1", interest=None, **metadata):
    found = {"name": "a", "uid": "u", "resourceVersion": version, "managedFields": list(entries), **metadata}
    body = json.dumps({"metadata": found, "spec": {"x": 1}}, separators=(",", ":")).encode()
    return read(body, KIND, interest=Interest([PORTS, NOTES, FINALIZERS]) if interest is None else interest)


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        ([], False),
        ([entry("us", "x")], False),
        ([entry("them", "nodePorts", "note")], False),
        ([entry("us", "nodePort")], True),
        ([entry("kube-controller-manager", "example.com/revision"), entry("us", "example.com/revision")], False),
        ([entry("kubectl-edit", "example.com/revision")], True),
        ([entry("them", "finalizers", where="f:metadata")], False),
    ],
    ids=["none", "another field", "a name that is longer", "an allotted value", "those who may", "another", "others'"],
)
def test_what_is_kept_of_managed_fields(entries, kept):
    found = record(*entries)
    assert (json.loads(found.managers) if found.managers else None) == (entries if kept else None)
    assert "managedFields" not in found.decode()["metadata"]
    assert found.decode_with_managers()["metadata"].get("managedFields", []) == (entries if kept else [])


def test_of_finalizers_no_more_than_they_and_who_owns_them():
    own = entry("us", "finalizers", "labels", where="f:metadata")
    found = record(own, entry("them", "finalizers", where="f:metadata"), entry("them", "x"))
    parts = [entry(name, "finalizers", where="f:metadata") for name in ("us", "them")]
    assert json.loads(found.managers) == parts


def test_who_asks_nothing_keeps_nothing():
    assert record(entry("us", "nodePort"), interest=NO_INTEREST).managers == b""
    assert not NO_INTEREST.remembers
    assert (NO_INTEREST | Interest([PORTS])).remembers
    assert Interest([PORTS, NOTES]).covers(Interest([PORTS]))
    assert not Interest([PORTS]).covers(Interest([NOTES]))


def test_the_state_before_somebody_owned_it_is_remembered():
    store, name = Store(remembers=True), ("", "a")
    for version, entries in (("1", []), ("2", []), ("3", [entry("x", "nodePort")]), ("4", [entry("y", "nodePort")])):
        store.upsert(record(*entries, version=version))
    found = store.get(name)
    assert (found.resource_version, found.earlier.resource_version, found.earlier.earlier) == (4, 2, None)
    store.upsert(record(version="5"))
    assert store.get(name).earlier is None


def test_without_a_clean_state_the_first_is_remembered():
    store = Store(remembers=True)
    for version in ("1", "2", "3"):
        store.upsert(record(entry("x", "nodePort"), version=version))
    assert store.get(("", "a")).earlier.resource_version == 1


def test_another_object_of_the_name_has_no_earlier_state():
    store = Store(remembers=True)
    store.upsert(record(version="1"))
    store.upsert(record(entry("x", "nodePort"), version="2", uid="other"))
    assert store.get(("", "a")).earlier is None


def test_nothing_is_remembered_where_nobody_asks():
    store = Store()
    store.upsert(record(version="1"))
    store.upsert(record(entry("x", "nodePort"), version="2"))
    assert store.get(("", "a")).earlier is None
