"""What the tests wait with fails where nothing comes, and says so."""

import pytest

from support.eventually import eventually, last_answer


def test_the_first_true_answer():
    answers = iter([0, "", "here", "late"])
    assert eventually(lambda: next(answers), pause=0) == "here"


def test_what_never_comes_fails_with_its_source_and_the_last_answer():
    with pytest.raises(AssertionError, match=r"never came in 0 seconds: .*number for number.*; the last answer: \[\]"):
        eventually(lambda: [number for number in "" if number], timeout=0)


def test_what_was_awaited_is_said():
    with pytest.raises(AssertionError, match="never came in 0 seconds: a new list; the last answer: False"):
        eventually(lambda: False, "a new list", timeout=0)


def test_it_may_be_told_when_the_time_is_over():
    seen = []

    def check():
        seen.append("asked")

    with pytest.raises(AssertionError, match=r"\['asked'\]; the last answer: None"):
        eventually(check, lambda: seen, timeout=0)


def test_what_has_no_source_is_shown_as_it_is():
    with pytest.raises(AssertionError, match="built-in"):
        eventually([].copy, timeout=0)


def test_an_error_ends_the_wait():
    with pytest.raises(ZeroDivisionError):
        eventually(lambda: 1 / 0)


def test_an_error_that_means_not_yet_does_not():
    numbers = iter([0, 0, 2])
    assert eventually(lambda: 1 / next(numbers), pause=0, despite=(ZeroDivisionError,)) == 0.5


def test_the_last_error_is_told():
    with pytest.raises(AssertionError, match="the last answer: ZeroDivisionError") as caught:
        eventually(lambda: 1 / 0, timeout=0, despite=(ZeroDivisionError,))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_who_judges_by_itself_gets_the_last_answer():
    answers = iter([0, 7])
    assert last_answer(lambda: next(answers), pause=0) == 7
    assert last_answer(lambda: "", timeout=0) == ""
