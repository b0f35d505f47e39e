import json

import msgspec
import pytest

from genreconcile.cache.codec import Codec
from genreconcile.cache.transform import number, read, read_name
from genreconcile.objects import GVK
from support.nested import nested

KIND = GVK("example.com", "v1", "Widget")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def record_of(**metadata):
    return read(json.dumps({"metadata": {"name": "a", **metadata}, "spec": {"x": 1}}).encode(), KIND)


def test_drops_managed_fields_and_last_applied_only():
    record = record_of(
        managedFields=[{"manager": "x"}], annotations={LAST_APPLIED: "{}", "keep": "ä"}, labels={"a": "b"}
    )
    assert record.decode() == {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "a", "annotations": {"keep": "ä"}, "labels": {"a": "b"}},
        "spec": {"x": 1},
    }


def test_an_emptied_annotations_map_stays():
    assert record_of(annotations={LAST_APPLIED: "{}"}).decode()["metadata"]["annotations"] == {}


def test_the_name_of_the_annotation_as_a_value_is_kept():
    assert record_of(annotations={"note": LAST_APPLIED}).decode()["metadata"]["annotations"] == {"note": LAST_APPLIED}


def test_escaped_spelling_of_the_annotation_is_found():
    escaped = LAST_APPLIED.replace("/", "\\/").encode()
    data = b'{"metadata":{"name":"a","annotations":{"' + escaped + b'":"secret"}}}'
    assert read(data, KIND).decode()["metadata"]["annotations"] == {}


def test_values_keep_their_spelling():
    data = b'{"metadata":{"name":"a"},"spec":{"f":1.0,"big":123456789012345678901,"s":"\\u003c"}}'
    assert b'"spec":{"f":1.0,"big":123456789012345678901,"s":"\\u003c"}' in read(data, KIND).data


def test_own_api_version_and_kind_win_over_the_resources():
    data = b'{"apiVersion":"example.com/v1","kind":"Other","metadata":{"name":"a"}}'
    assert read(data, KIND).decode()["kind"] == "Other"


def test_fields_of_the_record():
    record = record_of(
        namespace="shop",
        uid="u",
        resourceVersion="12",
        labels={"a": "b"},
        ownerReferences=[{"uid": "o1"}, {"uid": "o2"}],
        deletionTimestamp="2026-01-01T00:00:00Z",
    )
    assert (record.namespace, record.name, record.uid, record.resource_version) == ("shop", "a", "u", 12)
    assert (record.labels, record.owners, record.deleting) == ({"a": "b"}, ("o1", "o2"), True)


def test_repr_holds_no_values():
    record = read(b'{"metadata":{"name":"a","resourceVersion":"1"},"data":{"k":"aHVudGVyMg=="}}', KIND)
    assert repr(record) == "<Record /a at 1>"


def test_nulls_are_absent():
    record = record_of(labels=None, ownerReferences=None, deletionTimestamp=None, annotations=None)
    assert (record.labels, record.owners, record.deleting) == ({}, (), False)


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"metadata":{}}', b'{"metadata":{"name":5}}', b'{"metadata":{"name"'])
def test_what_is_no_object_is_refused(data):
    with pytest.raises(msgspec.MsgspecError):
        read(data, KIND)


@pytest.mark.parametrize(("text", "value"), [("12", 12), ("", 0), ("abc", 0), ("-1", 0), ("\u0661", 0)])
def test_number(text, value):
    assert number(text) == value


MANAGED = [{"manager": "x", "fieldsV1": {"f:metadata": {"f:labels": {}}}}]
TYPED = {"kind": "Widget", "apiVersion": "example.com/v1"}
ORDERS = {
    "of a list": {"metadata": {"name": "a", "uid": "u", "managedFields": MANAGED}, "spec": {"x": 1}},
    "of a watch": {**TYPED, "metadata": {"name": "a", "managedFields": MANAGED}, "spec": {"x": 1}},
    "of a custom resource": {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"labels": {"a": "b"}, "managedFields": MANAGED, "name": "a"},
        "spec": {"managedFields": MANAGED},
    },
    "first in metadata": {**TYPED, "metadata": {"managedFields": MANAGED, "name": "a"}},
    "alone with a name after it": {"metadata": {"managedFields": [], "name": "a"}},
    "after another field": {
        "a": {"managedFields": MANAGED},
        **TYPED,
        "metadata": {"name": "a", "managedFields": MANAGED},
    },
    "only elsewhere": {**TYPED, "metadata": {"name": "a"}, "spec": {"managedFields": MANAGED}},
    "as an annotation": {
        **TYPED,
        "metadata": {
            "annotations": {"managedFields": "[", 'x"managedFields': "["},
            "name": "a",
            "managedFields": MANAGED,
        },
    },
    "as text": {
        **TYPED,
        "metadata": {
            "annotations": {"a": json.dumps({"managedFields": MANAGED})},
            "managedFields": MANAGED,
            "name": "a",
        },
    },
    "null": {**TYPED, "metadata": {"managedFields": None, "name": "a"}},
    "with last-applied": {
        **TYPED,
        "metadata": {"annotations": {LAST_APPLIED: "{}"}, "managedFields": MANAGED, "name": "a"},
    },
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_managed_fields_are_found_wherever_they_stand(order, spaced, keep):
    obj = ORDERS[order]
    data = json.dumps(obj, separators=(", ", ": ") if spaced else (",", ":")).encode()
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields" or keep}
    if LAST_APPLIED in metadata.get("annotations", {}):
        metadata["annotations"] = {}
    kept = read(data, KIND, keep_managers=keep)
    assert kept.decode() == {"apiVersion": "example.com/v1", "kind": "Widget", **obj, "metadata": metadata}


def test_packed_objects_are_read_as_they_were():
    codec = Codec()
    objects = [
        {"metadata": {"name": f"a{index}", "labels": {"app": "x" * index}}, "data": {"k": "v" * 900}}
        for index in range(20)
    ]
    records = [read(json.dumps(obj).encode(), KIND, codec=codec) for obj in objects]
    head = {"apiVersion": "example.com/v1", "kind": "Widget"}
    assert [record.decode() for record in records] == [{**head, **obj} for obj in objects]
    assert [record.labels for record in records] == [obj["metadata"]["labels"] for obj in objects]
    assert max(len(record.data) for record in records[1:]) < 100
    again = read(json.dumps(objects[7]).encode(), KIND, codec=codec)
    assert again.data == records[7].data


def test_objects_larger_than_the_window_are_packed_as_well():
    codec = Codec()
    objects = [{"metadata": {"name": "a"}, "data": {"k": "".join(map(str, range(at, at + 20_000)))}} for at in (0, 7)]
    for obj in objects:
        assert read(json.dumps(obj).encode(), KIND, codec=codec).decode()["data"] == obj["data"]


@pytest.mark.parametrize("depth", [3000, 1_000_000])
def test_the_name_is_read_whatever_else_there_is(depth):
    record = read_name(b'{"metadata":{"name":"a","uid":%b,"resourceVersion":7}}' % nested(depth))
    assert (record.name, record.resource_version, record.data[:1]) == ("a", 7, b"{")
