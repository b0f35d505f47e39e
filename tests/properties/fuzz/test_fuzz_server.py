"""What a server answers: whatever it is, errors of this package come out, and objects are neither lost nor changed."""

import contextlib
import itertools
import json

import msgspec
import pytest
from hypothesis import strategies as st

from genreconcile.cache.codec import Codec
from genreconcile.cache.shallow import members, value_of
from genreconcile.cache.transform import read, read_metadata
from genreconcile.cache.wire import read_bookmark, read_events, read_page
from genreconcile.catalog import Schema
from genreconcile.cluster import status_error
from genreconcile.errors import ClusterError, ReconcileError
from genreconcile.kinds.discovery import Discovery
from genreconcile.kinds.openapi import OpenAPIDocuments
from genreconcile.objects import GVK
from properties.fuzz.hostile import JSON, TEXTS, fuzz, objects
from support.api.scripted import WIDGETS, ScriptedCluster

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def told(error):
    assert str(error)


LINES = st.lists(JSON | st.fixed_dictionaries({"type": TEXTS, "object": JSON}) | st.binary(max_size=20), max_size=5)


def line(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def events(chunks):
    found = []
    try:
        for event in read_events(chunks):
            found.append((event.type, bytes(event.object)))
            if event.type == "BOOKMARK":
                read_bookmark(event)
    except msgspec.MsgspecError:
        found.append("not readable")
    return found


@fuzz(LINES, st.lists(st.integers(0, 400), max_size=6))
def test_a_stream_gives_the_same_events_however_it_is_cut(values, cuts):
    data = b"\n".join(map(line, values)) + b"\n"
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    chunks = [data[start:end] for start, end in itertools.pairwise(places)]
    assert events(chunks) == events([data]) == events([data[i : i + 1] for i in range(len(data))])


@fuzz(st.binary(max_size=80) | JSON.map(line) | st.fixed_dictionaries({"metadata": JSON, "items": JSON}).map(line))
def test_pages(data):
    try:
        page = read_page(data)
    except msgspec.MsgspecError:
        return
    for item in page.items or ():
        for reader in (read, read_metadata):
            with contextlib.suppress(msgspec.MsgspecError):
                assert reader(item, WIDGETS.gvk).name is not None


METADATA = st.fixed_dictionaries(
    {"name": TEXTS.filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text))},
    optional={
        "managedFields": JSON,
        "labels": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
        "annotations": st.dictionaries(
            st.sampled_from([LAST_APPLIED, "managedFields", '"managedFields":', "a"]), st.text(max_size=5), max_size=3
        ),
        "resourceVersion": st.integers(0, 10**6).map(str),
        "uid": st.sampled_from(["", "u", '","managedFields":[],"x":"']),
        "finalizers": st.lists(st.sampled_from(["managedFields", '{"managedFields":[]}', '"metadata":']), max_size=2),
    },
)


@fuzz(
    METADATA,
    st.dictionaries(st.sampled_from(["spec", "managedFields", "status", 'a"b']), JSON, max_size=3),
    st.permutations(["apiVersion", "kind", "metadata", "rest"]),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_what_is_cut_out_of_bytes_is_what_would_be_dropped_of_the_dict(metadata, rest, order, flags):
    ascii_only, keep, packed = flags
    parts = {
        "apiVersion": {"apiVersion": "example.com/v1"},
        "kind": {"kind": "Widget"},
        "metadata": {"metadata": metadata},
        "rest": rest,
    }
    whole = {key: value for name in order for key, value in parts[name].items()}
    data = json.dumps(whole, ensure_ascii=ascii_only, separators=(",", ":")).encode()
    expected = json.loads(data)
    if not keep:
        expected["metadata"].pop("managedFields", None)
    if expected["metadata"].get("annotations"):
        expected["metadata"]["annotations"].pop(LAST_APPLIED, None)
    assert read(data, WIDGETS.gvk, keep_managers=keep, codec=Codec() if packed else None).decode() == expected


@fuzz(JSON, st.sampled_from([None, 1, "\t"]))
def test_brackets_are_counted_as_a_parser_would(value, indent):
    data = json.dumps(value, indent=indent).encode()
    if isinstance(value, list):
        assert [json.loads(member) for member in members(data)] == value
    if isinstance(value, dict):
        assert len(list(members(data))) == len(value)
        for key in value:
            if key.isascii() and key.isalnum():
                assert json.loads(value_of(data, key.encode())) == value[key]


@fuzz(st.binary(max_size=60))
def test_brackets_of_garbage(data):
    assert all(isinstance(member, bytes) for member in members(data))
    assert isinstance(value_of(data, b"items"), bytes)


@fuzz(JSON | st.fixed_dictionaries({"code": JSON, "message": JSON, "reason": JSON, "details": JSON}), TEXTS)
def test_statuses(status, header):
    status = status if isinstance(status, dict) else {"details": status}
    error = status_error("GET x", status, header)
    assert isinstance(error, ClusterError)
    assert str(error).startswith("GET x: ")


GROUPS = st.fixed_dictionaries({"metadata": JSON, "versions": JSON | st.lists(JSON, max_size=2)})
RESOURCES = st.fixed_dictionaries(
    {"apiVersion": st.sampled_from(["apidiscovery.k8s.io/v2", "v1", "x"]), "kind": st.just("APIGroupDiscoveryList")},
    optional={
        "items": JSON | st.lists(GROUPS, max_size=2),
        "groups": JSON,
        "versions": JSON,
    },
)  # fmt: skip


@fuzz(JSON | RESOURCES, JSON | RESOURCES)
def test_discovery(api, apis):
    cluster = ScriptedCluster()
    cluster.answer("/api", api)
    cluster.answer("/apis", apis)
    try:
        assert Discovery(cluster).resources() is not None
    except ClusterError as error:
        told(error)


@fuzz(
    JSON | st.fixed_dictionaries({"paths": JSON | st.dictionaries(st.just("api/v1"), JSON)}),
    JSON | st.binary(max_size=9),
)
def test_openapi_documents(tmp_path_factory, index, document):
    cluster = ScriptedCluster()
    cluster.answer("/openapi/v3", index)
    cluster.answer("/openapi/v3/api/v1", document)
    documents = OpenAPIDocuments(cluster, cache_dir=tmp_path_factory.getbasetemp() / "documents")
    try:
        documents.document("api/v1")
        assert documents.hashes() is not None
    except ClusterError as error:
        told(error)


SCHEMA = st.recursive(
    JSON,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", "x"]),
            "properties": st.dictionaries(st.sampled_from(["spec", "metadata", "a"]), inner, max_size=2),
            "items": inner,
            "additionalProperties": inner,
            "allOf": st.lists(inner, max_size=1),
            "$ref": st.sampled_from(["#/components/schemas/W", "#/components/schemas/none", "W"]),
            "x-kubernetes-validations": JSON,
            "x-kubernetes-list-map-keys": JSON,
        },
    ),
    max_leaves=5,
)
KIND = [{"group": "example.dev", "version": "v1", "kind": "Widget"}]


@pytest.mark.parametrize("form", ["whole", "kind"])
@fuzz(SCHEMA, objects(JSON), objects(JSON))
def test_schemas(form, schema, expected, live):
    import genreconcile as gr

    if form == "kind" and isinstance(schema, dict):
        schema = {**schema, "x-kubernetes-group-version-kind": KIND}
    graph = Schema({"apis/example.dev/v1": {"components": {"schemas": {"W": schema}}}})
    named = {"apiVersion": "example.dev/v1", "kind": "Widget"}
    try:
        graph.root(GVK("example.dev", "v1", "Widget"))
        assert repr(gr.diff({**expected, **named}, {**live, **named}, schema=graph))
    except ReconcileError as error:
        told(error)
