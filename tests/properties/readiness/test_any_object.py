"""Whatever an object holds, it has a state; whatever a file holds, it is read or refused."""

import datetime as dt
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile.data.steps import Profile, State
from genreconcile.readiness import differences, status_of
from support.objects import rule_set
from support.statuses import KINDS, TIMES

TIME = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
TEXTS = st.sampled_from(["True", "False", "Ready", "Stalled", "Running", "LoadBalancer", *TIMES]) | st.text(max_size=5)
SCALARS = st.none() | st.booleans() | st.integers(-3, 2**64) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
KEYS = st.sampled_from(["type", "status", "reason", "phase", "conditions", "replicas", "state", "name", "metadata"])
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
OBJECTS = st.builds(
    lambda kind, parts: {"apiVersion": kind[0], "kind": kind[1], **parts},
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), JSON),
)
ENTRIES = st.dictionaries(
    st.sampled_from(["id", "object", "steps", "tests", "defaults", "why"]),
    JSON | st.just({"kind": "Thing"}) | st.lists(st.just({"state": "Current"}), max_size=2),
)


@pytest.mark.parametrize("profile", get_args(Profile))
@given(obj=OBJECTS | st.dictionaries(KEYS, JSON))
def test_it_has_a_state(profile, obj):
    found = gr.status(obj, profile=profile)
    assert found.state in get_args(State)
    assert found.reason
    assert found.rule


@given(obj=OBJECTS)
def test_the_profiles_differ_in_what_is_listed_alone(obj):
    one, other = (gr.status(obj, profile=profile) for profile in ("wait", "kstatus"))
    assert one.state == other.state or one.rule in {difference.id for difference in differences()}


@given(entries=st.lists(ENTRIES, max_size=2) | JSON)
def test_a_file_is_read_or_refused(entries):
    try:
        registry = gr.Registry.empty().extend({**rule_set(), "readiness": entries})
    except gr.RuleError:
        return
    assert status_of({"kind": "Thing"}, TIME, rules=registry.readiness).state
