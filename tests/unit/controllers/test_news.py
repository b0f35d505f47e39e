"""Which changes of an object are news: heartbeats never, named fields alone, and what cannot be judged."""

import json

import pytest

import genreconcile as gr
from genreconcile.cache.codec import Codec
from genreconcile.cache.transform import read, read_name
from genreconcile.controllers.news import is_heartbeat, is_news
from genreconcile.controllers.reads import checked_fields
from genreconcile.objects import GVK

POD = GVK("", "v1", "Pod")
NODE = GVK("", "v1", "Node")
LEASE = GVK("coordination.k8s.io", "v1", "Lease")
WIDGET = GVK("example.dev", "v1", "Widget")


def record(kind=POD, version="1", *, codec=None, keep_managers=False, managers=None, annotations=None, **fields):
    metadata = {"name": "a", "namespace": "shop", "uid": "u", "resourceVersion": version}
    metadata |= {"annotations": annotations} if annotations else {}
    metadata |= {"managedFields": managers} if managers else {}
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **fields}
    return read(json.dumps(obj).encode(), kind, codec=codec, keep_managers=keep_managers)


def test_an_object_that_comes_or_goes_is_news():
    assert is_news(None, record())
    assert is_news(record(), None)
    assert is_news(None, record(), ["/spec/absent"])
    assert is_news(record(), None, ["/spec/absent"])
    assert not is_news(None, None)


def test_a_resource_version_is_none():
    assert not is_news(record(version="1", spec={"a": [1]}), record(version="2", spec={"a": [1]}))


def test_managed_fields_are_none():
    before, after = ([{"manager": name, "operation": "Update"}] for name in ("a", "b"))
    one, two = (record(keep_managers=True, managers=managers) for managers in (before, after))
    assert b"managedFields" in one.data
    assert not is_news(one, two)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"spec": {"a": 1}}, {"spec": {"a": 2}}),
        ({"spec": {"a": 1}}, {"spec": {}}),
        ({"spec": {"a": 1}}, {"spec": {"a": True}}),
        ({"spec": {"a": 1}}, {"spec": {"a": 1.5}}),
        ({"spec": {"a": None}}, {"spec": {}}),
        ({}, {"status": {}}),
        ({"annotations": {"x": "1"}}, {"annotations": {"x": "2"}}),
        ({"spec": {"list": [1, 2]}}, {"spec": {"list": [2, 1]}}),
    ],
)
def test_anything_else_is(before, after):
    one, two = record(version="1", **before), record(version="2", **after)
    assert is_news(one, two)
    assert is_news(two, one)
    assert not is_news(one, record(version="2", **before))


def test_the_order_of_keys_is_none():
    assert not is_news(record(spec={"a": 1, "b": 2}), record(spec={"b": 2, "a": 1}))


def test_packed_objects_are_compared_as_well():
    one, two = (record(version=str(number), codec=Codec(), spec={"a": number}) for number in (1, 2))
    assert is_news(one, two)
    assert not is_news(one, record(version="3", codec=Codec(), spec={"a": 1}))


def condition(**fields):
    return {"conditions": [{"type": "Ready", "status": "True", **fields}, {"type": "Other"}]}


@pytest.mark.parametrize("kind", [NODE, WIDGET])
@pytest.mark.parametrize("field", ["lastHeartbeatTime", "lastProbeTime"])
def test_the_heartbeats_of_conditions_are_none(kind, field):
    one, two = (record(kind, status=condition(**{field: f"2026-01-0{day}T00:00:00Z"})) for day in (1, 2))
    assert not is_news(one, two)
    assert not is_news(one, record(kind, status=condition()))
    assert not is_news(one, two, ["/status/conditions"])
    assert is_news(one, record(kind, status=condition(**{field: "", "status": "False"})))


def test_a_transition_is_news():
    one, two = (record(NODE, status=condition(lastTransitionTime=f"2026-01-0{day}T00:00:00Z")) for day in (1, 2))
    assert is_news(one, two)


def test_a_lease_that_is_renewed_is_none_and_one_that_changes_hands_is():
    one = record(LEASE, spec={"holderIdentity": "a", "renewTime": "1"})
    assert not is_news(one, record(LEASE, spec={"holderIdentity": "a", "renewTime": "2"}))
    assert is_news(one, record(LEASE, spec={"holderIdentity": "b", "renewTime": "2"}))


def test_heartbeats_are_those_of_their_own_kind():
    assert is_news(*(record(WIDGET, spec={"renewTime": str(number)}) for number in (1, 2)))
    other = GVK("example.dev", "v1", LEASE.kind)
    assert is_news(*(record(other, spec={"renewTime": str(number)}) for number in (1, 2)))


@pytest.mark.parametrize("status", [None, [], "text", {"conditions": None}, {"conditions": "x"}, {"conditions": [1]}])
def test_what_has_another_form_is_compared_as_it_is(status):
    one = record(NODE, status=status, spec={"a": 1})
    assert not is_news(one, record(NODE, "2", status=status, spec={"a": 1}))
    assert is_news(one, record(NODE, "2", status=status, spec={"a": 2}))


@pytest.mark.parametrize(
    ("fields", "news"),
    [
        (["/spec/a"], True),
        (["/spec/b"], False),
        (["/spec/b", "/spec/a"], True),
        (["/spec"], True),
        (["/spec/list/1"], True),
        (["/spec/list/0"], False),
        (["/spec/list/-"], False),
        (["/spec/list/x"], False),
        (["/spec/absent/deeper"], False),
        (["/spec/new"], True),
        (["/metadata/labels"], False),
    ],
)
def test_named_fields_alone_are_news(fields, news):
    one = record(spec={"a": 1, "b": 1, "list": [1, 2]})
    two = record(version="2", spec={"a": 2, "b": 1, "list": [1, 3], "new": None})
    assert is_news(one, two, fields) is news
    assert is_news(two, one, fields) is news


def test_an_object_that_cannot_be_read_is_news():
    unreadable = read_name(b'{"metadata":{"name":"a","namespace":"shop","uid":"u","labels":7}}')
    assert is_news(record(), unreadable)
    assert is_news(unreadable, unreadable)


def test_an_object_that_is_nested_too_deeply_is_news():
    deep = b'{"metadata":{"name":"a"},"spec":%b0%b}' % (b'{"a":' * 2000, b"}" * 2000)
    assert is_news(record(), gr.Record("shop", "a", "u", 2, {}, (), deleting=False, data=deep))


@pytest.mark.parametrize("field", ["spec", "", 1, None])
def test_fields_are_json_pointers(field):
    with pytest.raises(gr.InputError, match=r"fields: .* is no JSON pointer; write it as '/status/phase'"):
        checked_fields(POD, [field])


@pytest.mark.parametrize(
    ("kind", "field", "expected"),
    [
        (LEASE, "/spec/renewTime", True),
        (LEASE, "/spec/renewTime/x", True),
        (LEASE, "/spec", False),
        (WIDGET, "/spec/renewTime", False),
        (WIDGET, "/metadata/resourceVersion", True),
        (WIDGET, "/metadata", False),
        (NODE, "/status/conditions/0/lastHeartbeatTime", True),
        (NODE, "/status/conditions/0/status", False),
        (GVK("", "v1", "ConfigMap"), "/metadata/annotations/control-plane.alpha.kubernetes.io~1leader", True),
    ],
)
def test_a_field_that_never_wakes_is_refused(kind, field, expected):
    assert is_heartbeat(kind, field) is expected
    if expected:
        with pytest.raises(gr.InputError, match="never wakes: it is a heartbeat of"):
            checked_fields(kind, [field])
    else:
        assert checked_fields(kind, [field, "/spec/a", field]) == tuple(sorted({field, "/spec/a"}))
