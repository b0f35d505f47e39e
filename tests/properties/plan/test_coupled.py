import copy
from collections import Counter

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile.plan.coupled import Held, left_over, together

WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", "namespace": "shop"}}
MEMBERS = st.lists(st.sampled_from("abcdefg"), max_size=7, unique=True)


@given(MEMBERS, MEMBERS, st.sets(st.sampled_from("abcdefg")))
def test_what_is_left_over_leads_to_expected_without_what_is_held(expected, live, dropped):
    one, other = {**WIDGET, "spec": {"steps": expected, "size": 1}}, {**WIDGET, "spec": {"steps": live, "size": 1}}
    found = gr.diff(one, other).differences
    held = [Held("insists") if d.op == "add" and d.expected in dropped else Held() for d in found]
    patch = [difference.to_json() for difference in left_over(found, held)]
    after = jsonpatch.apply_patch(copy.deepcopy(other), patch)["spec"].get("steps", [])
    if all(d.op in {"add", "remove"} for d in found):
        missing = Counter(d.expected for d, why in zip(found, held, strict=True) if why.why)
        assert Counter(after) + missing == Counter(expected)
        assert [member for member in expected if member in after] == after


@given(MEMBERS, MEMBERS, st.integers(0, 20))
def test_of_a_list_that_is_fought_for_all_or_nothing_is_repaired(expected, live, number):
    one, other = {**WIDGET, "spec": {"steps": expected, "size": 1}}, {**WIDGET, "spec": {"steps": live, "size": 2}}
    found = gr.diff(one, other).differences
    held = [Held("a fight", 9.0) if index == number else Held() for index in range(len(found))]
    left = left_over(found, together(found, held))
    in_list = [d for d in found if d.path[:-1] == ("spec", "steps")]
    kept = [d for d in left if d.path[:-1] == ("spec", "steps")]
    fought = number < len(found) and found[number] in in_list
    assert kept == ([] if fought else [d for d in in_list if not (number < len(found) and d is found[number])])
