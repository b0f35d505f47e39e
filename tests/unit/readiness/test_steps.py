"""Steps that cannot be meant are refused, with the key."""

import copy

import pytest

from genreconcile.data import steps, told

CURRENT = {"state": "Current"}


def refusal(content, shape=steps.Step):
    with pytest.raises(ValueError, match=r"\S") as caught:
        told(content, shape)
    return str(caught.value)


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ({}, "give state or steps"),
        ({**CURRENT, "steps": [CURRENT]}, "give state or steps"),
        ({"steps": [CURRENT], "message": "so"}, "reason, message and warning go with state"),
        ({**CURRENT, "each": "/status/conditions"}, "each goes with steps"),
        ({**CURRENT, "profile": "wait"}, "profile, id and why go together"),
        ({**CURRENT, "why": "so"}, "profile, id and why go together"),
        ({"state": "Ready"}, "state: Invalid enum value 'Ready'"),
        ({"state": "NotFound"}, "state: Invalid enum value 'NotFound'"),
        ({**CURRENT, "colour": 1}, "colour: is no key here"),
        ({**CURRENT, "reason": ""}, "reason: Expected `str` of length >= 1"),
        ({"steps": [{**CURRENT, "when": 5}]}, "steps[0].when: Expected `object | array`, got `int`"),
    ],
    ids=str,
)
def test_a_step(step, fault):
    assert fault in refusal(step)


@pytest.mark.parametrize(
    ("test", "fault"),
    [
        ({}, "give exactly one of at, condition, silent or cel"),
        ({"at": "/a", "condition": "Ready", "in": []}, "give exactly one of at, condition, silent or cel"),
        ({"at": "/a"}, "at goes with one of in, notIn, present, type, notType, equals"),
        ({"at": "/a", "in": [], "present": True}, "at goes with one of"),
        ({"condition": "Ready", "younger": 5}, "condition goes with one of in, notIn, present"),
        ({"silent": True, "present": True}, "silent goes with nothing else"),
        ({"cel": "true", "in": [True]}, "cel goes with nothing else"),
        ({"silent": False}, "silent can only be true"),
        ({"condition": "Ready", "notIn": ["True"], "reason": ["So"]}, "reason goes with condition and in"),
        ({"at": "/a", "in": ["a"], "reason": ["So"]}, "reason goes with condition and in"),
        ({"at": "/a", "type": ["words"]}, "type[0]: Invalid enum value 'words'"),
        ({"at": "/a", "younger": 0}, "younger: Expected `float` > 0"),
        ({"at": "/a", "above": True}, "above: Expected"),
        ({"at": "/a", "above": {"at": "/b"}}, "above.minus: is missing"),
        ({"at": "", "present": True}, "at: Expected `str` of length >= 1"),
    ],
    ids=str,
)
def test_a_condition(test, fault):
    assert fault in refusal(test, steps.Test)


def test_an_object_without_a_state():
    assert "end with a step that has no when" in refusal(
        {"id": "a", "kinds": ["A"], "steps": [{**CURRENT, "when": {"at": "/a", "present": True}}]}, steps.OfKinds
    )
    each = {"each": "/a", "steps": [CURRENT]}
    assert "end with a step that has no when" in refusal({"id": "a", "kinds": ["A"], "steps": [each]}, steps.OfKinds)


def test_a_step_of_one_profile_decides_for_that_one_alone():
    step = {**CURRENT, "profile": "wait", "id": "a", "why": "so"}
    entry = {"id": "a", "kinds": ["A"], "steps": [step]}
    assert "end with a step" in refusal(entry, steps.OfKinds)
    entry = {**copy.deepcopy(entry), "steps": [step, CURRENT]}
    assert told(entry, steps.OfKinds).steps[1].decides
