"""Masks: nothing of a Secret gets through, equal values look equal, everything else stays as it is."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile import mask
from genreconcile.objects import GVK, ObjectKey

CANARY = "c4n4ry-v4lu3"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SECRET = GVK("", "v1", "Secret")
OTHER = GVK("", "v1", "ConfigMap")


def secret(**fields):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, **fields}


@pytest.mark.parametrize(
    "data",
    [
        {"a": CANARY},
        {"a": {"b": [CANARY]}},
        {"a": [CANARY, CANARY]},
        {"a": None, "b": CANARY},
        CANARY,
        [CANARY],
        [{"a": CANARY}],
    ],
)
@pytest.mark.parametrize("field", ["data", "stringData"])
def test_values_are_masked_however_malformed_the_secret_is(field, data):
    masked = mask.mask_object(secret(**{field: data}))

    assert CANARY not in json.dumps(masked)
    assert "***" in json.dumps(masked[field])


@pytest.mark.parametrize("data", [None, 0, 7, True, "", [], 1.5])
def test_data_of_another_shape_is_masked_as_a_whole(data):
    assert mask.mask_object(secret(data=data))["data"].startswith("***")


def test_keys_and_the_rest_stay():
    labelled = secret(data={"user": CANARY, "none": None})
    labelled["metadata"]["annotations"] = {LAST_APPLIED: CANARY, "note": "shown"}

    masked = mask.mask_object(labelled)

    assert masked["data"].keys() == {"user", "none"}
    assert masked["metadata"]["annotations"]["note"] == "shown"
    assert masked["metadata"]["name"] == "a"
    assert CANARY not in json.dumps(masked)


def test_a_parent_of_another_shape_is_masked():
    assert CANARY not in json.dumps(mask.mask_object(secret(metadata=CANARY)))
    assert CANARY not in json.dumps(mask.mask_object(secret(metadata={"annotations": [CANARY]})))
    assert mask.mask_object(secret(metadata={"annotations": None}))["metadata"] == {"annotations": None}


def test_other_kinds_are_not_masked():
    shown = {**secret(data={"a": CANARY}), "kind": "ConfigMap"}
    custom = {**secret(data={"a": CANARY}), "apiVersion": "example.dev/v1"}

    assert mask.mask_object(shown) == shown
    assert mask.mask_object(custom) == custom
    assert mask.mask_object(shown) is not shown
    assert not mask.is_sensitive(OTHER)
    assert mask.is_sensitive(SECRET)
    assert mask.is_sensitive(ObjectKey.of(secret()))


def test_the_kind_may_be_said_for_an_object_that_does_not_say_it():
    nameless = {"metadata": {"name": "a"}, "data": {"a": CANARY}}

    assert CANARY not in json.dumps(mask.mask_object(nameless, SECRET))


def test_what_is_masked_is_not_changed():
    before = secret(data={"a": CANARY}, metadata={"name": "a", "annotations": {LAST_APPLIED: CANARY}})
    after = copy.deepcopy(before)

    mask.mask_object(after)
    mask.mask_patch(SECRET, [{"op": "add", "path": "", "value": after}])

    assert after == before


JSON = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.lists(st.text(), max_size=2)
    | st.floats(allow_nan=False, allow_infinity=False)
)


@given(JSON, JSON)
def test_equal_values_have_equal_masks_and_different_ones_different_masks(one, other):
    assert mask.mask(one) == mask.mask(copy.deepcopy(one))
    if json.dumps(one) != json.dumps(other):
        assert mask.mask(one) != mask.mask(other)


def test_the_order_of_keys_makes_no_difference():
    assert mask.mask({"a": 1, "b": 2}) == mask.mask({"b": 2, "a": 1})


def test_a_value_cannot_pose_as_a_mask():
    posing = mask.mask("x")

    assert mask.mask(posing) != posing
    assert mask.mask_object(secret(data={"a": posing, "b": "x"}))["data"]["a"] != posing


def test_what_cannot_be_encoded_is_masked_too():
    circular = {}
    circular["a"] = circular

    for value in (object(), circular, "\ud800", {1: object()}, 10**5000):
        assert mask.mask(value).startswith("***")


def test_the_key_is_of_one_process():
    code = "from genreconcile.mask import mask; print(mask('x'))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.startswith("***")
    assert run.stdout.strip() != mask.mask("x")


@pytest.mark.parametrize("name", ["add", "replace", "test"])
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/data/a", CANARY),
        ("/data/a", None),
        ("/data", {"a": CANARY}),
        ("/data", CANARY),
        ("/data/a/0/b", CANARY),
        ("/stringData/x", CANARY),
        ("", secret(data={"a": CANARY})),
        ("", CANARY),
        ("", [CANARY]),
        ("/metadata", {"annotations": {LAST_APPLIED: CANARY}}),
        ("/metadata", {"annotations": CANARY}),
        ("/metadata/annotations", {LAST_APPLIED: CANARY, "b": "c"}),
        ("/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration", CANARY),
        ("no-pointer", CANARY),
        (7, CANARY),
    ],
)
def test_a_patch_is_masked_below_at_and_around_the_fields(name, path, value):
    (masked,) = mask.mask_patch(SECRET, [{"op": name, "path": path, "value": value}])

    assert CANARY not in json.dumps(masked)
    assert "***" in json.dumps(masked)
    assert masked["op"] == name
    assert masked["path"] == path


def test_a_patch_without_a_path_is_masked():
    assert CANARY not in json.dumps(mask.mask_patch(SECRET, [{"op": "add", "value": CANARY}]))


def test_a_patch_elsewhere_is_shown():
    operations = [
        {"op": "add", "path": "/metadata/labels/data", "value": "shown"},
        {"op": "remove", "path": "/data/a"},
        {"op": "replace", "path": "/metadata/annotations", "value": {"b": "c"}},
    ]

    assert mask.mask_patch(SECRET, operations) == operations
    assert mask.mask_patch(OTHER, [{"op": "add", "path": "/data/a", "value": CANARY}])[0]["value"] == CANARY


def test_the_mask_of_a_value_is_the_same_in_objects_and_patches():
    shown = mask.mask_object(secret(data={"a": CANARY}))["data"]["a"]

    for path, value in (("/data/a", CANARY), ("/data", {"a": CANARY}), ("", {"data": {"a": CANARY}})):
        (masked,) = mask.mask_patch(SECRET, [{"op": "add", "path": path, "value": value}])
        assert shown in json.dumps(masked)


@pytest.mark.parametrize(
    "quoted",
    [
        CANARY,
        base64.b64encode(CANARY.encode()).decode(),
        json.dumps({"data": {"a": CANARY}}),
        "line one\nline two",
        json.dumps("line one\nline two"),
        "12345678",
        "a b c",  # the short secret, as a word
    ],
)
def test_a_message_does_not_quote_a_secret(quoted):
    encoded = base64.b64encode(CANARY.encode()).decode()
    expected = secret(
        data={"a": encoded, "n": 12345678, "short": "b"}, stringData={"t": "line one\nline two", "d": [CANARY]}
    )
    text = mask.mask_text(SECRET, f'Secret "a" is invalid: data[a]: Invalid value: {quoted}: bad', None, expected)

    assert quoted not in text
    assert CANARY not in text
    assert "***" in text
    assert text.startswith('Secret "a" is invalid: data[a]: Invalid value: ')
    assert text.endswith(": bad")


def test_a_secret_that_is_a_part_of_another_leaves_nothing_of_it():
    both = secret(data={"short": "abcd", "long": "abcdefgh", "later": "efghijkl"})

    assert mask.mask_text(SECRET, "abcdefgh, efghijkl", both) == "***, ***"


def test_a_message_about_another_kind_stays():
    assert mask.mask_text(OTHER, CANARY, {"data": {"a": CANARY}}) == CANARY
    assert mask.mask_text(SECRET, "quota exceeded", secret(data={"a": "", "b": None, "c": True})) == "quota exceeded"
