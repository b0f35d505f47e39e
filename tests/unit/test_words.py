"""What a server's refusal may show: the reason, and no value; recorded from an API server of 1.37.2, and generated."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.cluster import status_error
from genreconcile.cluster.words import without_values

RECORDED = json.loads((Path(__file__).parent / "refusals.json").read_text("utf-8"))
HEADS = ("Invalid value", "Duplicate value", "Unsupported value", "Not found", "Too many", "Too few")


def causes_of(*messages, hide=lambda text: text):
    causes = [{"field": "spec.x", "reason": "FieldValueInvalid", "message": message} for message in messages]
    status = {"code": 422, "reason": "Invalid", "message": "", "details": {"causes": causes}}
    return [cause["message"] for cause in status_error("PATCH", status, hide=hide).details["causes"]]


def test_r4_6_of_a_recorded_refusal_the_reason_is_shown():
    """Every kind of words that the edits of the conformance suite met."""
    assert causes_of(*(row["said"] for row in RECORDED)) == [row["shown"] for row in RECORDED]


def test_r4_6_no_recorded_refusal_loses_its_reason():
    for row in RECORDED:
        head, _, rest = row["said"].partition(": ")
        assert ": " in row["shown"] or (row["shown"] == head and is_value(rest)), row


def is_value(text):
    try:
        json.loads(text or '""')
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('Invalid value: {"app":"x"}: `selector` does not match template `labels`',
         "Invalid value: `selector` does not match template `labels`"),
        ('Invalid value: [{"kind":"ConfigMap","name":"a: b","controller":true}]: Only one reference can have it',
         "Invalid value: Only one reference can have it"),
        ("Invalid value: null: must be set", "Invalid value: must be set"),
        ("Invalid value: 1e+06: must be less", "Invalid value: must be less"),
        ("Invalid value: NaN: must be a number", "Invalid value: must be a number"),
        (r'Invalid value: "a\"b\\: c\U0001f600\x00": must be short', "Invalid value: must be short"),
        ('Invalid value: core.ServiceSpec{Type:"a}: b", Ports:[]core.Port{core.Port{P:1}}}: no', "Invalid value: no"),
        ('Invalid value: &core.Pod{Name:"a"}: bad', "Invalid value: bad"),
        ("Invalid value: (*int32)(nil): bad", "Invalid value: bad"),
        ('Invalid value: map[string]string{"a":"b: c"}: bad', "Invalid value: bad"),
        ('Invalid value: []string{"a", "b"}: bad', "Invalid value: bad"),
        ("Invalid value: []string(nil): bad", "Invalid value: bad"),
        ("Invalid value: the words of a rule about an object", "Invalid value: the words of a rule about an object"),
        ("Invalid value: failed rule: self.a == oldSelf.a", "Invalid value: failed rule: self.a == oldSelf.a"),
        # What ends nobody knows where hides all that follows.
        ("Invalid value: &LabelSelector{MatchLabels:map[string]string{a: hunter2: x,},}: bad", "Invalid value"),
        ('Invalid value: {"a":"hunter2: bad', "Invalid value"),
        ('Invalid value: ["a", hunter2]: bad', "Invalid value"),
        ('Invalid value: core.X{A:"hunter2: bad', "Invalid value"),
        ("Invalid value: hunter2: bad", "Invalid value"),
        ("Too many: 5: must have at most 3 items", "Too many: must have at most 3 items"),
        ("Too short: must have at least 3 bytes", "Too short: must have at least 3 bytes"),
        ("Forbidden: pods may not change\n@@ -1 +1 @@\n-hunter2", "Forbidden: pods may not change"),
        ('[a: Invalid value: "hunter2": first, b: Invalid value: {"x":"hunter2"}: second]',
         "[a: Invalid value: first, b: Invalid value: second]"),
        ('Invalid value: "hunter2": hunter2 is bad', "Invalid value: *** is bad"),
        ('Invalid value: "integer": must be of type integer', "Invalid value: must be of type integer"),
    ],
)  # fmt: skip
def test_r4_11_a_value_of_any_spelling_is_left_out_and_the_reason_stays(said, shown):
    assert causes_of(said) == [shown]
    assert "hunter2" not in shown


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
REASONS = ["field is immutable", "must be one of `a`, `b`", "may not be set: see there", '(no "more")', "[a b]: {c}"]


@given(st.sampled_from(HEADS), VALUES, st.sampled_from(REASONS), st.booleans())
def test_r4_11_every_json_value_ends_where_its_reason_begins(head, value, reason, is_masked):
    """Go writes them without spaces; a text is never left out of its quotes."""
    said = f"{head}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}: {reason}"
    shown = without_values(said, is_masked=is_masked)
    kept = f"{head}: {reason}"
    # Where the reason repeats a part of the value, that part, or the reason, is hidden.
    assert shown in (kept, head) or "***" in shown
    if isinstance(value, list | dict) and is_masked:
        assert shown == kept


def go(value):
    """As ``%#v`` writes it."""
    if isinstance(value, dict):
        return "map[string]interface {}{" + ", ".join(f"{go(k)}:{go(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(map(go, value)) + "}"
    if value is None:
        return "interface {}(nil)"
    return json.dumps(value) if isinstance(value, str) else str(value).lower()


@given(st.lists(VALUES) | st.dictionaries(st.text(), VALUES), st.sampled_from(REASONS))
def test_r4_11_every_value_as_go_writes_it_ends_where_its_reason_begins(value, reason):
    said = f"Invalid value: core.Thing{{A:{go(value)}, B:(*core.Thing)(nil)}}: {reason}"
    assert without_values(said, is_masked=True) == f"Invalid value: {reason}"


@given(st.text(), st.booleans())
def test_r4_11_any_text_at_all_comes_to_an_end(text, is_masked):
    for head in ("", "Invalid value: ", "error found in #"):
        without_values(head + text, is_masked=is_masked)


@given(st.text(min_size=6).filter(lambda text: len(set(text)) > 3), st.sampled_from(HEADS))
def test_r4_11_a_cut_value_is_not_shown(secret, head):
    """A proxy, or the server, may cut an answer anywhere."""
    said = f"{head}: {json.dumps({'k': [secret]}, ensure_ascii=False)}"
    for end in range(len(head) + 3, len(said)):
        assert without_values(said[:end], is_masked=False) == head
