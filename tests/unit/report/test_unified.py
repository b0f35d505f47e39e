"""Unified diffs of long texts, made without difflib."""

import difflib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.report import unified

texts = st.lists(st.sampled_from("abcdef"), max_size=40)


@pytest.fixture(autouse=True, scope="module")
def _everything_is_long():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unified, "_SHORT", 0)
        yield


def carried_out(before, lines):
    """What the diff makes of ``before``; its context and its counts are held against that."""
    after, at = [], 0
    hunks = "\n".join(lines[2:]).split("@@ -")[1:]
    for hunk in hunks:
        head, *body = hunk.rstrip("\n").split("\n")
        start, count, new_start, new_count = (
            int(number) for side in re.findall(r"(\d+)(?:,(\d+))?", head)[:2] for number in (side[0], side[1] or "1")
        )
        begin = start - (count > 0)
        after += before[at:begin]
        assert len(after) == new_start - (new_count > 0)
        at = begin
        old = [line[1:] for line in body if line[0] != "+"]
        new = [line[1:] for line in body if line[0] != "-"]
        assert (before[at : at + count], len(new)) == (old, new_count)
        after += new
        at += count
    return after + before[at:]


@given(texts, texts)
def test_r2_6_a_long_diff_can_be_carried_out(before, after):
    lines = list(unified.unified(before, after, "old", "new"))
    assert (lines == []) == (before == after)
    if lines:
        assert lines[:2] == ["--- old", "+++ new"]
        assert carried_out(before, lines) == after


def test_r2_6_a_simple_long_diff_is_as_difflib_writes_it():
    before = [str(number) for number in range(40)]
    after = [*before[:5], "x", *before[6:20], *before[22:39], "y", "39", "z"]
    assert list(unified.unified(before, after, "a", "b")) == list(
        difflib.unified_diff(before, after, "a", "b", lineterm="")
    )
