"""Masks: nothing of a Secret gets through, equal values look equal, everything else stays as it is."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import sys
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile import mask
from genreconcile.mask import fields_of
from genreconcile.objects import GVK, ObjectKey

CANARY = "c4n4ry-v4lu3"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SECRET = GVK("", "v1", "Secret")
OTHER = GVK("", "v1", "ConfigMap")


def mask_object(obj, kind=None):
    return mask.mask_object(obj, fields_of(kind or GVK.of(obj)))


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
    masked = mask_object(secret(**{field: data}))

    assert CANARY not in json.dumps(masked)
    assert "***" in json.dumps(masked[field])


@pytest.mark.parametrize("data", [None, 0, 7, True, "", [], 1.5])
def test_data_of_another_shape_is_masked_as_a_whole(data):
    assert mask_object(secret(data=data))["data"].startswith("***")


def test_keys_and_the_rest_stay():
    labelled = secret(data={"user": CANARY, "none": None})
    labelled["metadata"]["annotations"] = {LAST_APPLIED: CANARY, "note": "shown"}

    masked = mask_object(labelled)

    assert masked["data"].keys() == {"user", "none"}
    assert masked["metadata"]["annotations"]["note"] == "shown"
    assert masked["metadata"]["name"] == "a"
    assert CANARY not in json.dumps(masked)


def test_a_parent_of_another_shape_is_masked():
    assert CANARY not in json.dumps(mask_object(secret(metadata=CANARY)))
    assert CANARY not in json.dumps(mask_object(secret(metadata={"annotations": [CANARY]})))
    assert mask_object(secret(metadata={"annotations": None}))["metadata"] == {"annotations": None}


def test_other_kinds_are_not_masked():
    shown = {**secret(data={"a": CANARY}), "kind": "ConfigMap"}
    custom = {**secret(data={"a": CANARY}), "apiVersion": "example.dev/v1"}

    assert mask_object(shown) == shown
    assert mask_object(custom) == custom
    assert mask_object(shown) is not shown
    assert fields_of(OTHER) == ()
    assert fields_of(SECRET) == fields_of(ObjectKey.of(secret())) != ()


@pytest.mark.parametrize("kind", ["secret", "SECRET", "sEcret"])
def test_a_misspelled_kind_is_masked_too(kind):
    assert CANARY not in json.dumps(mask_object({**secret(data={"a": CANARY}), "kind": kind}))
    assert CANARY not in json.dumps(mask_object({"kind": kind, "data": {"a": CANARY}}))


DEEP = (("spec", "users", "*", "password"), ("spec", "keys", "tls-*"))


def test_patterns_lead_through_lists_and_maps():
    obj = {"spec": {"users": [{"name": "a", "password": "x"}, {"name": "b"}], "keys": {"tls-a": "y", "other": "z"}}}

    masked = mask.mask_object(obj, DEEP)

    assert masked["spec"]["users"] == [{"name": "a", "password": mask.mask("x")}, {"name": "b"}]
    assert masked["spec"]["keys"] == {"tls-a": mask.mask("y"), "other": "z"}
    assert mask.mask_value(DEEP, (), {"spec": {"users": [], "size": 3}}) == {"spec": {"users": [], "size": 3}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/spec/users/0/password", CANARY),
        ("/spec/users/-", {"name": "a", "password": CANARY}),
        ("/spec/users/3", CANARY),
        ("/spec/users", [{"password": CANARY}]),
        ("/spec/users", CANARY),
        ("/spec/users", {"a": {"password": CANARY}}),
        ("/spec", CANARY),
        ("/spec", [CANARY]),
        ("/spec/keys/tls-b", {"deep": [CANARY]}),
        ("/spec/keys/tls-b/deep/0", CANARY),
    ],
)
def test_patterns_hold_in_patches_however_malformed_the_object_is(path, value):
    (masked,) = mask.mask_patch(DEEP, [{"op": "add", "path": path, "value": value}])

    assert CANARY not in json.dumps(masked)
    assert "***" in json.dumps(masked)


def test_where_nobody_can_tell_everything_is_masked():
    masked = mask.mask_object({"kind": "a", "spec": {"b": CANARY}}, mask.EVERYTHING)

    assert masked == {"kind": mask.mask("a"), "spec": mask.mask({"b": CANARY})}


def test_what_looks_like_a_mask_is_one():
    posing = mask.mask("x")
    shown = mask.mask_object({"data": {"a": posing, "b": [f"see {posing}"], "c": "*** stars"}}, ())

    assert shown["data"] == {"a": mask.mask(posing), "b": [mask.mask(f"see {posing}")], "c": "*** stars"}
    assert mask.mask_patch((), [{"op": "add", "path": "/a", "value": posing}])[0]["value"] == mask.mask(posing)


def test_the_kind_may_be_said_for_an_object_that_does_not_say_it():
    nameless = {"metadata": {"name": "a"}, "data": {"a": CANARY}}

    assert CANARY not in json.dumps(mask_object(nameless, SECRET))


def test_what_is_masked_is_not_changed():
    before = secret(data={"a": CANARY}, metadata={"name": "a", "annotations": {LAST_APPLIED: CANARY}})
    after = copy.deepcopy(before)

    mask_object(after)
    mask.mask_patch(fields_of(SECRET), [{"op": "add", "path": "", "value": after}])

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
    assert mask_object(secret(data={"a": posing, "b": "x"}))["data"]["a"] != posing


def test_what_cannot_be_encoded_is_masked_too():
    circular = {}
    circular["a"] = circular

    class Unprintable:
        def __repr__(self):
            raise ValueError("no")

    odd = (object(), circular, "\ud800", "\ud801", {1: object()}, 10**5000, float("nan"), Unprintable())
    assert all(mask.mask(value).startswith("***") for value in odd)
    assert mask.mask("\ud800") != mask.mask("\ud801")


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
    (masked,) = mask.mask_patch(fields_of(SECRET), [{"op": name, "path": path, "value": value}])

    assert CANARY not in json.dumps(masked)
    assert "***" in json.dumps(masked)
    assert masked["op"] == name
    assert masked["path"] == path


def test_a_patch_without_a_path_is_masked():
    assert CANARY not in json.dumps(mask.mask_patch(fields_of(SECRET), [{"op": "add", "value": CANARY}]))


def test_a_patch_elsewhere_is_shown():
    operations = [
        {"op": "add", "path": "/metadata/labels/data", "value": "shown"},
        {"op": "remove", "path": "/data/a"},
        {"op": "replace", "path": "/metadata/annotations", "value": {"b": "c"}},
    ]

    assert mask.mask_patch(fields_of(SECRET), operations) == operations
    assert mask.mask_patch(fields_of(OTHER), [{"op": "add", "path": "/data/a", "value": CANARY}])[0]["value"] == CANARY


def test_the_mask_of_a_value_is_the_same_in_objects_and_patches():
    shown = mask_object(secret(data={"a": CANARY}))["data"]["a"]

    for path, value in (("/data/a", CANARY), ("/data", {"a": CANARY}), ("", {"data": {"a": CANARY}})):
        (masked,) = mask.mask_patch(fields_of(SECRET), [{"op": "add", "path": path, "value": value}])
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
    text = mask.mask_text(
        fields_of(SECRET), f'Secret "a" is invalid: data[a]: Invalid value: {quoted}: bad', None, expected
    )

    assert quoted not in text
    assert CANARY not in text
    assert "***" in text
    assert text.startswith('Secret "a" is invalid: data[a]: Invalid value: ')
    assert text.endswith(": bad")


def test_a_secret_that_is_a_part_of_another_leaves_nothing_of_it():
    both = secret(data={"short": "abcd", "long": "abcdefgh", "later": "efghijkl"})

    assert mask.mask_text(fields_of(SECRET), "abcdefgh, efghijkl", both) == "***, ***"


def test_a_message_about_another_kind_stays():
    assert mask.mask_text(fields_of(OTHER), CANARY, {"data": {"a": CANARY}}) == CANARY
    assert (
        mask.mask_text(fields_of(SECRET), "quota exceeded", secret(data={"a": "", "b": None, "c": True}))
        == "quota exceeded"
    )


SECRET_TEXT = 's3cr3t/with+signs & "quotes" and \u00e4'


def spellings(text):
    data = text.encode()
    yield from (text, text.lower()[:7], json.dumps(text)[1:-1], json.dumps(json.dumps(text)), repr(text)[1:-1])
    yield from (data.hex(), data.hex().upper(), urllib.parse.quote(text), urllib.parse.quote_plus(text))
    for before in ("", "x", "xy", "xyz"):
        for after in ("", "x", "xy"):
            yield base64.b64encode(f"{before}{text}{after}".encode()).decode()
            yield base64.urlsafe_b64encode(f"{before}{text}{after}".encode()).decode()
    yield base64.b64encode(base64.b64encode(data)).decode()


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_no_usual_spelling_of_a_secret_gets_through(field):
    plain = SECRET_TEXT if field == "stringData" else base64.b64encode(SECRET_TEXT.encode()).decode()
    for spelling in spellings(SECRET_TEXT):
        text = mask.mask_text(fields_of(SECRET), f"denied: {spelling}", secret(**{field: {"k": plain}}))
        left = text.removeprefix("denied: ").replace("***", "")
        # Of what was encoded together with the secret, the ends may stay.
        assert len(left) <= 10, (spelling, text)
        assert "***" in text


def test_more_secrets_than_can_be_searched_for_hide_the_message():
    text = mask.mask_text(fields_of(SECRET), "denied: abc", secret(stringData={"k": "x" * 30_000}))

    assert text == "(not shown: it may quote secrets, and there are too many to look for)"


def test_a_part_of_a_secret_is_hidden_too():
    text = mask.mask_text(
        fields_of(SECRET), "got 'correct-horse-ba...'", secret(stringData={"k": "correct-horse-battery"})
    )

    assert text == "got '***...'"


def test_the_values_of_a_malformed_parent_are_hidden_too():
    for obj in (
        secret(metadata={"annotations": CANARY}),
        secret(metadata=[CANARY]),
        secret(data=[{"a": {"b": CANARY}}]),
    ):
        assert CANARY not in mask.mask_text(fields_of(SECRET), f"bad: {CANARY}", obj)
    assert CANARY not in mask.mask_text(DEEP, f"bad: {CANARY}", {"spec": {"users": [{"password": CANARY}]}})
