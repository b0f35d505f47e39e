"""Decoding: what Go's types make of JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.testing.fake.builtin import scalars, times
from genreconcile.testing.fake.builtin.decode import decoded, parsed
from genreconcile.testing.fake.builtin.images import tag_of
from genreconcile.testing.fake.builtin.quantity import QuantityError, amount, canonical, total
from genreconcile.testing.fake.builtin.types import MISSING, encoding, named, root_of, type_of
from genreconcile.testing.fake.wire import Refusal


def config(**body):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, **body}


def test_unknown_fields_go_and_are_told(kinds):
    body = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","a":1},"data":{"k":"v","k":"w"},"b":2,"b":3}'
    found = decoded(parsed(body), kinds["ConfigMap"])
    assert found.obj == config(data={"k": "w"})
    assert found.unknown == ("metadata.a", "b")
    assert found.duplicate == ("data.k", "b")
    with pytest.raises(Refusal, match=r'strict decoding error: unknown field "metadata.a", duplicate field "data.k"'):
        found.require_strict(kinds["ConfigMap"])


def test_an_object_without_them_is_strict_enough(kinds):
    found = decoded(config(), kinds["ConfigMap"])
    found.require_strict(kinds["ConfigMap"])
    assert (found.unknown, found.duplicate) == ((), ())


def test_an_object_of_a_custom_kind_passes(kinds):
    obj = {"spec": {"a": None, "b": []}}
    assert decoded(obj, kinds["Widget"]).obj == obj
    assert root_of(kinds["Widget"]) is None


def test_nothing_and_the_zeros_of_values_are_the_same(kinds):
    container = {"name": "c", "image": "i", "stdin": False, "workingDir": "", "ports": [], "env": None, "resources": {}}
    spec = {"containers": [container], "hostNetwork": False, "nodeSelector": {}, "priority": 0, "subdomain": ""}
    found = decoded({"kind": "Pod", "metadata": {"name": "x"}, "spec": spec}, kinds["Pod"]).obj
    assert found["spec"] == {"containers": [{"name": "c", "image": "i", "resources": {}}], "priority": 0}
    assert found["status"] == {}


def test_lists_that_are_always_written_are_null(kinds):
    for rules in ({}, {"rules": []}, {"rules": None}):
        assert decoded({"kind": "Role", "metadata": {}, **rules}, kinds["Role"]).obj["rules"] is None


def test_null_members_are_zeros(kinds):
    found = decoded(config(data={"a": None}, binaryData={"b": None}), kinds["ConfigMap"]).obj
    assert (found["data"], found["binaryData"]) == ({"a": ""}, {"b": ""})
    metadata = decoded({"metadata": {"ownerReferences": [None]}}, kinds["ConfigMap"]).obj["metadata"]
    assert metadata["ownerReferences"] == [{"apiVersion": "", "kind": "", "name": "", "uid": ""}]


def test_schemas_of_definitions_are_decoded_where_they_are_objects(kinds):
    schema = {"type": "object", "additionalProperties": {"type": "string", "zzz": 1}, "items": [{"nullable": False}]}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]
    spec = {"group": "a", "names": {"plural": "as", "kind": "A"}, "scope": "Cluster", "versions": versions}
    found = decoded({"metadata": {}, "spec": spec}, kinds["CustomResourceDefinition"])
    kept = found.obj["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert kept == {"type": "object", "additionalProperties": {"type": "string"}, "items": [{}]}
    assert found.unknown == ("spec.versions[0].schema.openAPIV3Schema.additionalProperties.zzz",)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"data": []}, "array into Go struct field ConfigMap.data of type map[string]string"),
        ({"data": {"a": 1}}, "number into Go struct field ConfigMap.data of type string"),
        ({"metadata": "x"}, "string into Go struct field ConfigMap.metadata of type v1.ObjectMeta"),
        ({"immutable": {}}, "object into Go struct field ConfigMap.immutable of type bool"),
        (
            {"metadata": {"finalizers": {}}},
            "object into Go struct field ObjectMeta.metadata.finalizers of type []string",
        ),
    ],
)
def test_wrong_types_are_refused(kinds, body, told):
    with pytest.raises(Refusal) as refusal:
        decoded(config(**body), kinds["ConfigMap"])
    prefix = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal '
    assert (refusal.value.code, refusal.value.status["message"]) == (400, prefix + told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1", "1"),
        ("1000", "1k"),
        ("0.5", "500m"),
        ("1024Ki", "1Mi"),
        ("1e3", "1e3"),
        ("5.", "5."),
        ("00.5", "500m"),
        ("100n", "1m"),
        ("1.1Ki", "1126400m"),
        ("9223372036854775808Ki", "9223372036854775807"),
        (".5Gi", "512Mi"),
        ("0Gi", "0"),
        ("-1500m", "-1500m"),
        ("1e100", "10e99"),
        ("12345678901234567890", "12345678901234567890"),
    ],
)
def test_quantities(text, told):
    assert canonical(text, milli=True) == told


@pytest.mark.parametrize("text", ["", "abc", "1x", "1e", "1..2", "1Kim"])
def test_no_quantities(text):
    with pytest.raises(QuantityError):
        canonical(text)
    with pytest.raises(QuantityError):
        amount("abc")


@given(st.decimals(-(10**12), 10**12, places=3), st.sampled_from(["", "m", "k", "Mi", "e3"]))
def test_a_quantity_is_written_so_that_it_reads_as_the_same(number, suffix):
    once = canonical(f"{number}{suffix}")
    assert canonical(once) == once
    assert amount(once) == amount(f"{number}{suffix}") or abs(number) * 1000 % 1 or suffix == "m"


def test_quantities_add_up_in_the_form_of_the_first():
    assert total("1Gi", "512Mi") == "1536Mi"
    assert total("0", "1500m") == "1500m"
    assert total("1", "500m") == "1500m"


def test_times_are_written_in_utc():
    assert times.canonical("2030-01-01T00:00:00.5+02:00") == "2029-12-31T22:00:00Z"
    assert times.canonical("2030-01-01T00:00:00.000123Z", micro=True) == "2030-01-01T00:00:00.000123Z"
    for text in ("abc", "2030-02-31T00:00:00Z", "2030-01-01T00:00:00Zx", "2030-01-01"):
        with pytest.raises(times.TimeError, match="parsing time"):
            times.canonical(text)


def test_bytes_may_have_line_breaks_or_be_numbers():
    assert scalars.read("e\nA==", "bytes", "[]uint8", milli=False) == "eA=="
    assert scalars.read([1, 2], "bytes", "[]uint8", milli=False) == "AQI="
    with pytest.raises(ValueError, match="illegal base64 data at input byte 1"):
        scalars.read("e*A=", "bytes", "[]uint8", milli=False)


def test_numbers_of_any_form_are_written_short():
    assert json.dumps(scalars.read(1.0, "number", "float64", milli=False)) == "1"
    assert scalars.read(1.5, "number", "float64", milli=False) == 1.5
    with pytest.raises(scalars.WrongType, match="bool"):
        scalars.read(value=True, shape="number", go_type="float64", milli=False)


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("i", "latest"),
        ("i:1", "1"),
        ("example.com:5000/a/b", "latest"),
        ("example.com/i:latest", "latest"),
        ("i@sha256:" + "0" * 64, ""),
        ("i:1@sha256:" + "0" * 64, "1"),
        ("Upper", ""),
        ("ko://x", ""),
        ("", ""),
        ("0" * 64, ""),
        ("i@sha256:00", ""),
        ("localhost/i", "latest"),
    ],
)
def test_tags_of_images(image, tag):
    assert tag_of(image) == tag


def test_types_say_how_lists_are_merged():
    ports = named("io.k8s.api.core.v1.ServiceSpec").fields["ports"].type
    assert (ports.shape, ports.list_type, ports.map_keys) == ("list", "map", ("port", "protocol"))
    assert repr(ports) == "Type(list)"
    assert repr(ports.items) == "Type(io.k8s.api.core.v1.ServicePort)"
    assert type_of({"type": "array"}).items is None
    assert repr(MISSING) == "MISSING"


def test_what_is_recorded_of_types_is_about_types_that_there_are():
    for section in ("values", "written", "omitted", "dropped", "types"):
        for name, fields in encoding()[section].items():
            assert set(fields) <= set(named(name).fields), name
