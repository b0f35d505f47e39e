from hypothesis import given
from hypothesis import strategies as st

from genreconcile.compare.lists import Equality, by_key, by_position, by_value
from genreconcile.compare.steps import Alignment, Insert, Move, Remove, steps


def carry_out(live, expected, alignment):
    working = list(live)
    for step in steps(alignment):
        if isinstance(step, Insert):
            working.insert(step.index, expected[step.source])
        elif isinstance(step, Move):
            working.insert(step.index, working.pop(step.start))
        else:
            working.pop(step.index)
    return working


def no_keeps(_):
    return set()


@given(st.lists(st.integers(), unique=True), st.lists(st.integers(), unique=True))
def test_ordered_lists_become_expected(expected, live):
    alignment = Alignment(by_key(expected, live), len(expected), len(live), ordered=True)
    assert carry_out(live, expected, alignment) == expected


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
def test_positions_become_expected(expected, live):
    equality = Equality(lambda e, there: expected[e] == live[there])
    pairs, kept = by_position(len(expected), len(live), equality, no_keeps)
    assert kept == set()
    for here, there in pairs:
        live[there] = expected[here]  # What is paired is then patched in place.
    assert carry_out(live, expected, Alignment(pairs, len(expected), len(live), ordered=True)) == expected


@given(st.lists(st.integers(), unique=True), st.lists(st.integers(), unique=True))
def test_unordered_lists_get_the_members_and_keep_the_order_of_live(expected, live):
    result = carry_out(live, expected, Alignment(by_key(expected, live), len(expected), len(live), ordered=False))
    assert sorted(result) == sorted(expected)
    survivors = [member for member in live if member in expected]
    assert [member for member in result if member in survivors] == survivors


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
def test_kept_members_stay(live, keep):
    expected = [member for member in range(6) if member not in keep]
    alignment = Alignment(by_key(expected, live), len(expected), len(live), ordered=True)
    alignment.kept = set(alignment.live_only)
    result = carry_out(live, expected, alignment)
    assert sorted(result) == list(range(6))
    assert [member for member in result if member not in keep] == expected


def test_a_member_that_is_put_back_goes_after_its_predecessor():
    alignment = Alignment(by_key("abc", "zac"), 3, 3, ordered=False)
    assert carry_out("zac", "abc", alignment) == ["a", "b", "c"]


def test_the_first_member_goes_to_the_front():
    assert carry_out("bc", "abc", Alignment(by_key("abc", "bc"), 3, 2, ordered=False)) == ["a", "b", "c"]


def test_one_move_where_one_member_stands_wrong():
    assert steps(Alignment(by_key("bcda", "abcd"), 4, 4, ordered=True)) == [Move(0, 3)]
    assert steps(Alignment(by_key("dabc", "abcd"), 4, 4, ordered=True)) == [Move(3, 0)]


def test_removals_come_from_the_back():
    assert steps(Alignment(by_key("b", "abc"), 1, 3, ordered=True)) == [Remove(2), Remove(0)]


def test_a_kept_member_in_front_stays_there():
    alignment = Alignment([(0, 1)], 1, 2, ordered=True, kept={0})
    assert steps(alignment) == []


def test_repeated_keys_do_not_name_members():
    assert by_key("aa", "ab") is None
    assert by_key("ab", "bb") is None


def test_equal_values_are_paired_once_each():
    assert by_value("aab", "baa") == [(0, 1), (1, 2), (2, 0)]
    assert by_value("aa", "a") == [(0, 0)]


def test_a_kept_member_is_never_paired_with_another():
    pairs, kept = by_position(1, 2, Equality(lambda _, __: False), lambda candidates: {candidates[0]})
    assert (pairs, kept) == ([(0, 1)], {0})


def test_a_member_in_the_middle_leaves_its_neighbours_alone():
    expected, live = ["a", "c", "d", "e"], ["a", "b", "c", "x", "d", "e"]
    pairs, _ = by_position(4, 6, Equality(lambda e, there: expected[e] == live[there]), no_keeps)
    assert pairs == [(0, 0), (1, 2), (2, 4), (3, 5)]


def test_the_longest_common_order_decides_from_either_side():
    expected, live = list("xabcy"), list("pbcaq")
    pairs, _ = by_position(5, 5, Equality(lambda e, there: expected[e] == live[there]), no_keeps)
    assert {(2, 1), (3, 2)} <= set(pairs)


def test_a_member_that_is_put_back_stands_before_those_that_others_added():
    alignment = Alignment([(0, 0)], 2, 2, ordered=True, kept={1})
    assert carry_out(["ours", "theirs"], ["ours", "back"], alignment) == ["ours", "back", "theirs"]
