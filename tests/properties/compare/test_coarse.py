"""More differences than a patch can hold: said as fewer, or written in parts where that is not allowed."""

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile.compare import Comparison, Policy, coarse
from genreconcile.gojson import dumps
from genreconcile.objects import GVK
from genreconcile.plan import change_for
from genreconcile.pointer import split_pointer
from support.objects import rule_set

HEAD = {"apiVersion": "example.com/v1", "kind": "Holder"}
LEAVES = st.sampled_from(["a", "b", "c", 1, 2, True])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("pqrst"), inner, max_size=4),
    max_leaves=12,
)
SPECS = st.dictionaries(st.sampled_from("uvw"), VALUES, max_size=3)
TEXTS = st.dictionaries(st.sampled_from(["e/a", "e/b", "e/c", "e/d"]), st.sampled_from("xy"), max_size=4)


def holder(spec, annotations=None, **metadata):
    noted = {"annotations": annotations} if annotations else {}
    return {**HEAD, "metadata": {"name": "a", "namespace": "d", **noted, **metadata}, "spec": spec}


def terms(expected, *rules):
    registry = gr.Registry.builtin().extend(rule_set(*rules))
    return Comparison(registry.compile(GVK.of(expected), None, expected, has_status=True), typed=False)


@pytest.fixture(scope="module")
def bounds():
    """Sets how many operations and bytes a patch may have."""
    with pytest.MonkeyPatch.context() as patched:

        def bound(operations, size=1 << 20):
            patched.setattr(coarse, "MOST_OPERATIONS", operations)
            patched.setattr(coarse, "MOST_BYTES", size)

        yield bound


def converged(expected, live, wanted, rounds):
    """The live object after as many patches as it takes, at most so many."""
    for _ in range(rounds):
        change = change_for(expected, live, wanted)
        assert change.error is None
        if change.operation == "none":
            return live
        replaced = {operation["path"] for operation in change.writes if operation["op"] == "replace"}
        assert not {"", "/metadata", "/metadata/annotations"} & replaced
        live = jsonpatch.apply_patch(live, change.patch.patch)
    raise AssertionError("it does not converge")


@given(SPECS, SPECS, st.tuples(TEXTS, TEXTS), st.integers(4, 8))
def test_r2_5_any_difference_converges_within_the_bound(bounds, ours, theirs, annotations, most):
    bounds(most)
    mine, yours = annotations
    expected = holder(ours, mine)
    live = holder(theirs, yours, uid="u", resourceVersion="1")
    after = converged(expected, live, terms(expected), rounds=12)
    assert after["spec"] == ours
    assert after["metadata"].get("annotations") or mine == {}


@given(SPECS, SPECS, st.integers(4, 8))
def test_r2_5_what_is_adopted_is_never_written(bounds, ours, theirs, most):
    bounds(most)
    expected, live = holder(ours), holder(theirs, uid="u", resourceVersion="1")
    adopt = {"id": "r", "object": {}, "path": "spec/u/p", "adopt": True}
    kept = theirs.get("u", {}).get("p") if isinstance(theirs.get("u"), dict) else None
    change = change_for(expected, live, terms(expected, adopt))
    assert change.error is None
    if kept is None or not isinstance(ours.get("u"), dict):
        return
    for operation in change.writes:
        assert split_pointer(operation["path"]) not in {("spec",), ("spec", "u"), ("spec", "u", "p")} | {
            ("spec", "u", "p", key) for key in "pqrst"
        }


@given(SPECS, SPECS, st.integers(200, 400))
def test_r2_5_a_patch_of_too_many_bytes_becomes_a_smaller_one(bounds, ours, theirs, size):
    bounds(10_000, 1 << 20)
    expected, live = holder(ours), holder(theirs, uid="u", resourceVersion="1")
    whole = change_for(expected, live, terms(expected))
    bounds(10_000, size)
    change = change_for(expected, live, terms(expected))
    assert change.error is None
    assert len(dumps(change.patch.patch)) <= max(size, len(dumps(whole.patch.patch)))


def test_r2_5_the_deepest_parent_that_is_enough_is_replaced(bounds):
    bounds(10)
    expected = holder({"a": {"b": dict.fromkeys("pqrstuvwxyz", 1), "c": 1}, "d": 1})
    live = holder({"a": {"b": dict.fromkeys("pqrstuvwxyz", 2), "c": 2}, "d": 2}, uid="u", resourceVersion="1")
    change = change_for(expected, live, terms(expected))
    assert {operation["path"] for operation in change.writes} == {"/spec/a/b", "/spec/a/c", "/spec/d"}
    assert {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"} in change.patch.patch


def test_r2_5_what_somebody_else_has_there_stays_in_the_replacement(bounds):
    bounds(6)
    keys = "pqrstuvwxyz"
    expected = holder({"a": dict.fromkeys(keys, 1)})
    live = holder({"a": {**dict.fromkeys(keys, 2), "theirs": 3}}, uid="u", resourceVersion="1")
    under = Comparison(terms(expected).node, typed=False, policy=Policy("subset"))
    change = change_for(expected, live, under)
    assert change.writes == [{"op": "replace", "path": "/spec/a", "value": {**dict.fromkeys(keys, 1), "theirs": 3}}]


def test_r2_5_the_guards_of_members_on_the_way_stay(bounds):
    bounds(7)
    keys = "pqrstuvwxyz"
    expected = holder({"a": [{"m": dict.fromkeys(keys, 1), "n": 1}, {"o": 1}]})
    live = holder({"a": [{"m": dict.fromkeys(keys, 2), "n": 1}, {"o": 1}]}, uid="u", resourceVersion="1")
    change = change_for(expected, live, terms(expected))
    assert [operation["path"] for operation in change.writes] == ["/spec/a/0/m"]
    tests = {operation["path"]: operation["value"] for operation in change.patch.patch if operation["op"] == "test"}
    assert tests["/spec/a/0"] == live["spec"]["a"][0]


def test_r2_5_a_part_says_that_there_is_more(bounds):
    bounds(5)
    names = [f"e/{index}" for index in range(40)]
    expected = holder({}, dict.fromkeys(names, "x"))
    live = holder({}, dict.fromkeys(names, "y"), uid="u", resourceVersion="1")
    change = change_for(expected, live, terms(expected))
    assert change.is_part
    assert "of 40 differences" in change.reason
    assert len(change.patch.patch) <= 5
    assert len(change.keys) == len(change.writes)
