"""What each condition of a step asks."""

import datetime as dt

import pytest

from genreconcile.data import steps, told
from genreconcile.readiness.compiled import decider
from genreconcile.readiness.scene import Clock, Scene, type_of
from genreconcile.readiness.template import faults_of, filled

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
CONDITIONS = [
    {"type": "Ready", "status": "False", "reason": "Down"},
    {"type": "Ready", "status": "True", "reason": "Up"},
    "nothing",
    {"type": "Available", "status": None},
]
LIVE = {
    "spec": {"three": 3, "four": 4, "text": "a", "same": "a", "yes": True, "one": 1, "big": 2**63, "part": 0.5},
    "status": {"conditions": CONDITIONS, "empty": [], "null": None, "least": -(2**63), "most": 2**63 - 1},
}


def scene(live=LIVE, **more):
    return Scene(live, Clock(NOW), lambda: False, here=live, **more)


def holds(test, where=None):
    step = told({"when": test, "state": "Current"}, steps.Step)
    return decider([step], "wait")(where or scene()) is not None


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"at": "/spec/three", "in": [3, 4]}, True),
        ({"at": "/spec/nothing", "in": [None]}, True),
        ({"at": "/spec/nothing", "notIn": [None]}, False),
        ({"at": "/status/null", "present": True}, False),
        ({"at": "spec/three", "present": True}, True),
        ({"at": "/spec/text/deeper", "present": False}, True),
        ({"at": "/status/empty", "in": [None, []]}, True),
        ({"at": "/spec/four", "above": "/spec/three"}, True),
        ({"at": "/spec/three", "above": "/spec/three"}, False),
        ({"at": "/spec/three", "below": 4}, True),
        ({"at": "/spec/text", "above": "/spec/three"}, False),
        ({"at": "/spec/big", "above": "/spec/three"}, False),
        ({"at": "/spec/part", "below": "/spec/three"}, False),
        ({"at": "/spec/nothing", "below": "/spec/three"}, False),
        ({"at": "/spec/text", "equals": "/spec/same"}, True),
        ({"at": "/spec/text", "differs": "/spec/same"}, False),
        ({"at": "/spec/yes", "equals": "/spec/one"}, False),
        ({"at": "/spec/yes", "differs": "/spec/one"}, True),
        ({"at": "/spec/nothing", "equals": "/spec/nobody"}, True),
        ({"at": "/spec/one", "equals": {"at": "/spec/four", "minus": "/spec/three"}}, True),
        ({"at": "/spec/one", "equals": {"at": "/spec/four", "minus": "/spec/text"}}, False),
        ({"at": "/status/most", "equals": {"at": "/status/least", "minus": "/spec/one"}}, True),
        ({"condition": "Ready", "in": ["True"]}, True),
        ({"condition": "Ready", "in": ["Unknown"]}, False),
        ({"condition": "Ready", "in": ["True"], "reason": ["Down"]}, False),
        ({"condition": "Ready", "in": ["True"], "reason": ["Up"]}, True),
        ({"condition": "Ready", "notIn": ["True"]}, False),
        ({"condition": "Ready", "notIn": ["Unknown"]}, True),
        ({"condition": "Ready", "present": True}, True),
        ({"condition": "Stalled", "present": False}, True),
        ({"condition": "Stalled", "notIn": ["True"]}, True),
        ({"condition": "Available", "in": [None]}, True),
        ({"silent": True}, False),
    ],
    ids=str,
)
def test_a_condition(test, expected):
    assert holds(test) is expected


def test_conditions_that_are_no_list():
    live = {"status": {"conditions": {"type": "Ready", "status": "True"}}}
    assert not holds({"condition": "Ready", "present": True}, scene(live))


def test_each_goes_through_a_list_in_its_order():
    inner = {"when": {"at": "status", "present": True}, "state": "Failed", "reason": "{reason}"}
    step = {"each": "/status/conditions", "steps": [inner]}
    assert decider([told(step, steps.Step)], "wait")(scene()).reason == "Down"
    assert decider([told({**step, "each": "/spec/text"}, steps.Step)], "wait")(scene()) is None


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("a", "text"),
        (1, "whole"),
        (-(2**63), "whole"),
        (2**63, "number"),
        (1.0, "number"),
        (True, "flag"),
        ({}, "map"),
        ([], "list"),
        (None, "null"),
    ],
)
def test_the_types_of_json(value, name):
    assert type_of(value) == name
    assert holds({"at": "/a", "type": [name]}, scene({"a": value}))
    assert not holds({"at": "/a", "notType": [name]}, scene({"a": value}))
    assert holds({"at": "/b", "type": ["missing"]}, scene({"a": value}))


def test_a_default_stands_for_what_is_missing_or_of_another_type():
    defaults = {"/spec/text": 1, "/spec/three": 7, "/spec/nothing": "b"}
    where = scene(defaults=defaults)
    assert [where.at(path) for path in defaults] == [1, 3, "b"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-06-01T11:59:31Z", True),
        ("2026-06-01T11:59:30Z", False),
        ("2026-06-01T13:59:31+02:00", True),
        ("2026-06-01T11:59:31", False),
        ("2026-06-01", False),
        ("2026-13-01T11:59:31Z", False),
        ("", False),
        (5, False),
    ],
)
def test_younger(moment, expected):
    assert holds({"at": "/a", "younger": 30}, scene({"a": moment})) is expected


def test_the_soonest_change_counts():
    clock = Clock(NOW)
    assert clock.is_younger("2026-06-01T11:59:50Z", 30)
    assert clock.is_younger("2026-06-01T11:59:55Z", 8)
    assert clock.is_younger("2026-06-01T11:59:55Z", 60)
    assert clock.soonest == 3


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("as it is", "as it is"),
        ("{/spec/three} of {spec/four}", "3 of 4"),
        ("{/spec/nothing}, {/status/null}, {/spec/yes}, {/spec/part}", "none, none, true, 0.5"),
        ("{/spec} and {/status/empty}", "a map and a list"),
    ],
)
def test_texts(template, text):
    assert filled(template, scene()) == text
    assert faults_of(template) == ""


@pytest.mark.parametrize("template", ["{a", "a}", "{{a}}", "{}"])
def test_texts_that_cannot_be_meant(template):
    assert faults_of(template)
