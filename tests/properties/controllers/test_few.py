"""Sets that most often have one member, beside Python's own."""

from hypothesis import given
from hypothesis import strategies as st

from genreconcile.controllers.few import members, put, without

MEMBERS = st.tuples(st.just("n"), st.integers(0, 3))


@given(st.lists(st.tuples(st.booleans(), MEMBERS)))
def test_they_are_sets(steps):
    few, expected = None, set()
    for is_put, member in steps:
        few = (put if is_put else without)(few, member)
        (expected.add if is_put else expected.discard)(member)
        assert set(members(few)) == expected
        assert len(members(few)) == len(expected)
        assert isinstance(few, set) is (len(expected) > 1)
