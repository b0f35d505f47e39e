"""Messages and reasons as the server takes them, and without values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.controllers.status.verdict import LONGEST_MESSAGE, LONGEST_REASON, Cause, Verdict, cut, message_of
from genreconcile.errors import ClusterError, InputError, LoadError, TooLarge


def hide(text):
    return text.replace("hunter2", "***")


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


@given(st.text(alphabet=st.characters(codec="utf-8")).map(lambda text: text * 3000) | st.text())
def test_a_message_is_cut_at_a_character(text):
    found = cut(text)
    assert len(found.encode()) <= LONGEST_MESSAGE
    whole = text.encode(errors="replace").decode()
    assert found == whole or (found.endswith("…") and whole.startswith(found[:-1]))
    assert len(found.encode()) > LONGEST_MESSAGE - 7 or found == whole, "no more is cut than has to be"


@pytest.mark.parametrize("text", ["x" * 32768, "é" * 16384])
def test_what_just_fits_is_not_cut(text):
    assert cut(text) == text
    assert cut(text + "x").endswith("…")


@given(st.text(max_size=3000) | st.text("aZ0 -_:,é", max_size=3000))
def test_a_reason_is_camel_case_and_short(text):
    found = Cause(text).reason
    assert 0 < len(found) <= LONGEST_REASON
    assert found[0].isalpha()
    assert all(letter.isascii() and (letter.isalnum() or letter in "_,:") for letter in found)
    assert found[-1] not in ",:"
    assert Cause(found).reason == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [("GuardRefused", "GuardRefused"), ("guard refused", "GuardRefused"), ("4th try", "ThTry"), ("", "Unspecified")],
)
def test_a_text_becomes_a_reason(text, reason):
    assert Cause(text).reason == reason


def test_the_text_of_a_foreign_error_is_not_shown():
    found = message_of(raised(KeyError("hunter2")), hide)
    assert found.startswith("KeyError at test_status_verdict.py:")
    assert "hunter2" not in found
    assert message_of(KeyError("hunter2"), hide) == "KeyError; the log has more"


@pytest.mark.parametrize("error", [InputError("bad hunter2"), LoadError("bad hunter2")])
def test_errors_that_may_hold_values_go_through_the_mask(error):
    assert message_of(error, hide) == "bad ***"


@pytest.mark.parametrize("error", [InputError("bad", is_free_of_values=True), ClusterError("bad"), TooLarge("bad")])
def test_errors_without_values_are_shown_as_they_are(error):
    assert message_of(error, lambda _: "hidden") == "bad"


def test_reconciling_and_stalled_are_there_only_while_true():
    assert (Verdict.reconciled().reconciling, Verdict.reconciled().stalled) == (None, None)
    assert Verdict.progressing("x").reconciling == Cause("Progressing", "x")
    assert Verdict.progressing("x").stalled is None
    assert Verdict.stuck("x", "ChildConflict").stalled == Cause("ChildConflict", "x")
    assert (Verdict.failed("x").ready, Verdict.failed("x").stalled) == ("False", None)
