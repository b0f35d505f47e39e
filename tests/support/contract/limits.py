"""What is too large, and what is no label."""

from __future__ import annotations

from support.contract.cases import case
from support.contract.errors import causes, said

MAPS = "v1/configmaps"


@case
def a_map_of_more_than_a_mebibyte_is_invalid(place):
    body = {"metadata": {"name": "a"}, "data": {"k": "x" * (1024 * 1024 + 1)}}
    error = place.refused(place.post, place.at(MAPS), body)
    assert said(error) == ("Invalid", 422, "Invalid")
    assert [reason for reason, _ in causes(error)] == ["FieldValueTooLong"]


@case
def a_request_of_more_than_three_mebibytes_is_too_large(place):
    body = {"metadata": {"name": "a"}, "data": {"k": "x" * (3 * 1024 * 1024)}}
    error = place.refused(place.post, place.at(MAPS), body)
    assert said(error) == ("ClusterError", 413, "RequestEntityTooLarge")
    assert "tooLarge" in error.details


@case
def a_custom_object_that_the_store_does_not_take_is_too_large(place):
    error = place.refused(place.widget, "a", free={"k": "x" * (1800 * 1024)})
    assert said(error) == ("ClusterError", 500, "")
    assert "tooLarge" in error.details
    assert not place.is_there(place.at(place.kind("Widget"), "a"))


@case
def a_patch_of_more_than_ten_thousand_operations_is_too_large(place):
    path, made = place.config_map("a", {"k": "1"})
    test = {"op": "test", "path": "/data/k", "value": "1"}
    error = place.refused(place.patch, path, *[test] * 10_001)
    assert said(error) == ("ClusterError", 413, "RequestEntityTooLarge")
    assert place.patch(path, *[test] * 10_000) == made


_NO_LABELS = {
    "key": ({"labels": {"a b": "c"}}, "metadata.labels"),
    "value": ({"labels": {"a": "b c"}}, "metadata.labels"),
    "long value": ({"labels": {"a": "b" * 64}}, "metadata.labels"),
    "long key": ({"labels": {"a" * 64: "b"}}, "metadata.labels"),
    "key of an annotation": ({"annotations": {"a b": "c"}}, "metadata.annotations"),
}


@case(rows=_NO_LABELS)
def what_is_no_label_is_invalid(place, metadata, field):
    error = place.refused(place.config_map, "a", **metadata)
    assert said(error) == ("Invalid", 422, "Invalid")
    assert set(causes(error)) <= {("FieldValueInvalid", field), ("FieldValueTooLong", field)}
    assert causes(error)
    assert not place.is_there(place.at(MAPS, "a"))


_LABELS = {
    "prefix": {"example.dev/a": "b"},
    "empty value": {"a": ""},
    "long": {"a" * 63: "b" * 63},
    "signs": {"a.b_c-d": "E.f_g-h"},
}


@case(rows=_LABELS)
def what_is_a_label_is_kept(place, labels):
    assert place.config_map("a", labels=labels)[1]["metadata"]["labels"] == labels


@case
def an_annotation_may_be_any_text(place):
    annotations = {"example.dev/a": '{"b": "grüße\n🎉"}', "empty": ""}
    path, made = place.config_map("a", annotations=annotations)
    assert made["metadata"]["annotations"] == place.get(path)["metadata"]["annotations"] == annotations


@case
def annotations_of_more_than_256_kibibytes_are_invalid(place):
    error = place.refused(place.config_map, "a", annotations={"a": "x" * (256 * 1024)})
    assert said(error) == ("Invalid", 422, "Invalid")
    assert causes(error) == [("FieldValueTooLong", "metadata.annotations")]
