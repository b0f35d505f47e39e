"""Long lists: few edits give few operations, and no list, however it was edited, takes more than bounded work."""

import copy
import random
import tracemalloc

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

import genreconcile as gr
from genreconcile.compare import Comparison, likeness
from genreconcile.compare.common import Budget, Classes, common, patience
from genreconcile.compare.lists import Equality, by_position
from genreconcile.compare.steps import Alignment, Insert, Move, steps
from genreconcile.compare.walk import Walk
from genreconcile.objects import GVK
from genreconcile.plan import Plan, change_for
from genreconcile.report.diff import render_diff
from properties.compare import table_of_lists
from support import strategies
from support.objects import rule_set

TEXTS = {"type": "array", "items": {"type": "string"}}
DEFAULTED = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"n": {"type": "string"}, "p": {"type": "string", "default": "TCP"}, "q": {"type": "string"}},
    },
}
KEYED = {**DEFAULTED, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"]}
SHAPES = {
    "reversed": lambda members, _: members[::-1],
    "shuffled": lambda members, chance: chance.sample(members, len(members)),
    "rotated": lambda members, _: members[len(members) // 2 :] + members[: len(members) // 2],
    "all different": lambda members, _: [f"{member}-other" for member in members],
    "every other one": lambda members, _: [f"{m}-other" if i % 2 else m for i, m in enumerate(members)],
    "of few values": lambda members, chance: [chance.choice("ab") for _ in members],
    "two thirds": lambda members, _: [member for index, member in enumerate(members) if index % 3],
    "twice": lambda members, chance: chance.sample([*members, *members], 2 * len(members)),
    "nothing in common with few values": lambda members, chance: [chance.choice("cd") for _ in members],
    "empty": lambda _members, _: [],
}


def chance_of(seed):
    return random.Random(seed)  # noqa: S311 - the same in each run


def pair(schema, expected, live, *rules):
    """Two objects that hold a list under this schema, and the terms to compare them under."""
    world = strategies.world({"type": "object", "properties": {"l": schema}})
    head = {"apiVersion": f"{strategies.GROUP}/{strategies.VERSION}", "kind": strategies.KIND}
    mine = {**head, "metadata": {"name": "a", "namespace": "d"}, "spec": {"l": expected}}
    theirs = {**head, "metadata": {**mine["metadata"], "uid": "u", "resourceVersion": "1"}, "spec": {"l": live}}
    registry = gr.Registry.builtin()
    if rules:
        registry = registry.extend(rule_set(*rules))
    node = registry.compile(GVK.of(mine), world.graph.root(GVK.of(mine)), mine, has_status=True)
    return mine, theirs, Comparison(node)


def rule(**action):
    return {"id": "r", "object": {}, "path": "spec/l", **action}


def patched(schema, expected, live, *rules):
    """The patch between two lists; it is held against both of them."""
    mine, theirs, terms = pair(schema, expected, live, *rules)
    before = copy.deepcopy((mine, theirs))
    change = change_for(mine, theirs, terms)
    assert change.error is None
    assert (mine, theirs) == before
    after = jsonpatch.apply_patch(theirs, change.patch.patch)
    assert not terms.compare(mine, after)
    return change.patch.patch, after["spec"]["l"]


def writes(patch):
    return [operation for operation in patch if operation["op"] != "test" and "metadata" not in operation["path"]]


small = st.lists(st.integers(0, 4), max_size=12)


@given(small, small)
def test_r2_6_pairs_are_those_of_the_table(expected, live):
    same = lambda here, there: expected[here] == live[there]  # noqa: E731 - two words
    found = common(range(len(expected)), range(len(live)), same, Budget(), pytest.fail)
    assert found == table_of_lists.common(len(expected), len(live), same)


@given(small, small, st.integers(0, 30))
def test_r2_6_a_spent_budget_gives_a_common_order(expected, live, budget):
    same = lambda here, there: expected[here] == live[there]  # noqa: E731
    ranges = range(len(expected)), range(len(live))
    found = common(*ranges, same, Budget(budget), lambda: Classes(expected, live))
    assert all(same(*pair) for pair in found)
    assert found == sorted(found)
    assert [live for _, live in found] == sorted({live for _, live in found})


@given(st.lists(st.integers(0, 30), unique=True), st.lists(st.integers(0, 30), unique=True))
def test_r2_6_anchors_alone_are_as_long_where_nothing_repeats(expected, live):
    same = lambda here, there: expected[here] == live[there]  # noqa: E731
    found = patience(range(len(expected)), range(len(live)), Classes(expected, live))
    assert len(found) == len(table_of_lists.common(len(expected), len(live), same))


@st.composite
def alignments(draw):
    """Any pairs, some of the others kept."""
    expected, live = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    size = draw(st.integers(0, min(expected, live)))
    here, there = (draw(st.permutations(range(count)))[:size] for count in (expected, live))
    kept = {index for index in range(live) if index not in there and draw(st.booleans())}
    return Alignment(sorted(zip(here, there, strict=True)), expected, live, draw(st.booleans()), kept)


@given(alignments())
def test_r2_6_steps_are_those_of_the_table(alignment):
    found = [
        ("insert", step.index, step.source)
        if isinstance(step, Insert)
        else ("move", step.start, step.index)
        if isinstance(step, Move)
        else ("remove", step.index)
        for step in steps(alignment)
    ]
    assert found == table_of_lists.steps(alignment)


def looks(expected, live, classes=True):
    """How often two members are compared."""
    count = 0

    def same(here, there):
        nonlocal count
        count += 1
        return expected[here] == live[there]

    known = (lambda: Classes(expected, live)) if classes else None
    by_position(len(expected), len(live), Equality(same, known), lambda _: set())
    return count


@pytest.mark.parametrize("size", [1000, 10_000, 30_000])
def test_r2_6_edits_at_both_ends_take_a_look_at_each_member(size):
    members = [f"m{index}" for index in range(size)]
    assert looks(members, ["x", *members[1:-1], "y"]) < 4 * size
    assert looks(members, ["x", *members[:-1]]) < 4 * size
    assert looks(members, [*members[1:], "x"]) < 4 * size


@pytest.mark.parametrize("shape", SHAPES)
def test_r2_6_the_looks_at_any_list_are_bounded(shape):
    members = [f"m{index}" for index in range(5000)]
    edited = SHAPES[shape](members, chance_of(1))
    bound = 1_000_000 + 10 * len(members)
    assert looks(members, edited) < bound
    assert looks(edited, members) < bound
    assert looks(edited, SHAPES[shape](members, chance_of(2)), classes=False) < bound


@pytest.mark.parametrize("schema", [TEXTS, {**TEXTS, "x-kubernetes-list-type": "set"}])
@pytest.mark.parametrize("shape", SHAPES)
def test_r2_6_any_long_list_becomes_expected(shape, schema):
    members = [f"m{index}" for index in range(600)]
    edited = SHAPES[shape](members, chance_of(1))
    if schema is not TEXTS:
        edited = list(dict.fromkeys(edited))
    for expected, live in ((members, edited), (edited, members)):
        patch, after = patched(schema, expected, live)
        assert sorted(after) == sorted(expected)
        assert schema is not TEXTS or after == expected
        assert len(writes(patch)) <= max(100, len(live) // 2 + 1, len(expected) // 2 + 1)


def named(count):
    return [{"n": f"n{index}"} for index in range(count)]


def filled(members):
    return [{**member, "p": "TCP"} for member in members]


@pytest.mark.parametrize("rules", [(), (rule(list="ordered"),), (rule(list="unordered"),), (rule(keep="all"),)])
@pytest.mark.parametrize("schema", [DEFAULTED, KEYED])
@pytest.mark.parametrize("shape", ["reversed", "shuffled", "rotated", "two thirds"])
def test_r2_6_members_with_defaults_become_expected(shape, schema, rules):
    members = named(300)
    live = filled(SHAPES[shape](members, chance_of(1)))
    patch, _ = patched(schema, members, live, *rules)
    is_ordered = schema is DEFAULTED and rules != (rule(list="unordered"),)
    if shape != "two thirds" and not is_ordered and rules != (rule(list="ordered"),):
        assert patch == []


@given(st.lists(st.tuples(st.sampled_from("ird"), st.integers(0, 400)), max_size=8))
def test_r2_6_few_edits_give_few_operations(edits):
    members = [f"m{index}" for index in range(400)]
    live = list(members)
    for number, (edit, place) in enumerate(edits):
        at = min(place, len(live) - 1)
        live[at : at + (edit != "i")] = [] if edit == "d" else [f"x{number}"]
    for expected, other in ((members, live), (live, members)):
        patch, after = patched(TEXTS, expected, other)
        assert after == expected
        assert len(writes(patch)) <= len(edits)
        assert len(patch) <= 2 * len(edits) + 2


@given(st.data())
def test_r2_6_a_few_members_of_many_that_repeat(data):
    members = data.draw(st.lists(st.sampled_from("abc"), max_size=30))
    live = data.draw(st.lists(st.sampled_from("abc"), max_size=30))
    patch, after = patched(TEXTS, members, live)
    assert after == members
    assert len(writes(patch)) <= len(members) + len(live)


def test_r2_6_most_of_a_long_list_is_one_replacement_for_one_version():
    members = [f"m{index}" for index in range(300)]
    patch, after = patched(TEXTS, members, members[::-1])
    assert after == members
    assert [operation["op"] for operation in patch] == ["test", "replace", "replace"]
    assert [operation["path"] for operation in patch[1:]] == ["/metadata/resourceVersion", "/spec/l"]


def test_r2_6_a_list_in_which_something_is_adopted_is_never_replaced():
    members = [{"n": f"n{index}", "q": "mine"} for index in range(200)]
    live = [{**member, "q": "theirs"} for member in filled(members[::-1])]
    adopt = {"id": "r", "object": {}, "path": "spec/l/*/q", "adopt": True}
    patch, after = patched(DEFAULTED, members, live, adopt)
    assert not any("q" in operation["path"].split("/") for operation in writes(patch))
    assert not any(operation["path"] == "/spec/l" for operation in patch)
    assert [member["n"] for member in after] == [member["n"] for member in members]


def test_r2_6_members_that_others_added_stay_when_the_list_is_replaced():
    members = [f"m{index}" for index in range(300)]
    keep = rule(keep=[{"glob": "theirs-*"}])
    live = ["theirs-1", *[f"x{index}" for index in range(300)], "theirs-2"]
    patch, after = patched(TEXTS, members, live, keep)
    assert sorted(after) == sorted([*members, "theirs-1"])
    assert len(writes(patch)) == 1


@pytest.fixture
def walks(monkeypatch):
    """A list that grows by one with each comparison of two members."""
    noted, real = [], Walk.is_same
    monkeypatch.setattr(Walk, "is_same", lambda *arguments: noted.append(1) or real(*arguments))
    return noted


def test_r2_6_an_unordered_list_with_defaults_is_walked_about_once(walks):
    members = named(2000)
    patch, _ = patched(DEFAULTED, members, filled(members[::-1]), rule(list="unordered"))
    assert patch == []
    assert len(walks) < 3 * 2 * len(members)


@pytest.mark.parametrize("rules", [(), (rule(list="unordered"),)])
def test_r2_6_walks_are_bounded_where_no_digest_helps(monkeypatch, walks, rules):
    monkeypatch.setattr(likeness, "digests", lambda members, *_: [object() for _ in members])
    members = named(1000)
    mine, theirs, terms = pair(DEFAULTED, members, [{**m, "q": "x"} for m in filled(members[::-1])], *rules)
    terms.compare(mine, theirs)
    assert len(walks) < 25_000


def test_r2_6_long_lists_within_long_lists():
    members = [[f"{row}-{column}" for column in range(40)] for row in range(40)]
    schema = {"type": "array", "items": TEXTS}
    chance = chance_of(1)
    patched(schema, members, [[*row[1:], "x"] for row in members])
    patch, after = patched(schema, members, [chance.sample(row, 40) for row in chance.sample(members, 40)])
    assert after == members
    assert len(patch) < 10_000


@pytest.mark.parametrize("shape", ["reversed", "of few values"])
def test_r2_6_the_memory_is_bounded(shape):
    members = [f"m{index}" for index in range(1000)]
    edited = SHAPES[shape](members, chance_of(1))
    mine, theirs, terms = pair(TEXTS, SHAPES[shape](members, chance_of(2)), edited)
    tracemalloc.start()
    try:
        terms.compare(mine, theirs)
        assert tracemalloc.get_traced_memory()[1] < 5 << 20, "a table of all pairs takes 8 MB"
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", SHAPES)
def test_r2_6_reports_of_long_lists(shape):
    members = [f"m{index}" for index in range(1500)]
    edited = SHAPES[shape](members, chance_of(1))
    mine, theirs, terms = pair(TEXTS, members, edited)
    report = render_diff(Plan((change_for(mine, theirs, terms),))).splitlines()
    lines = [(line[0], line[1:].strip()[2:]) for line in report if line[1:].strip().startswith("- ")]
    signs = [sign for sign, _ in lines]
    assert signs.count("-") - signs.count("+") == len(edited) - len(members)
    shown = [text for sign, text in lines if sign != "-"]
    assert [member for member in members if member in set(shown)] == shown
    assert (signs == []) == (members == edited)
