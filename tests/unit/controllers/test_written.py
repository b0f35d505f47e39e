"""What is drift: that an object differs although the same was stated, and was so, before."""

import pytest

from genreconcile.apply.result import Outcome, Result
from genreconcile.controllers.written import Written
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change

MAP = GVK("", "v1", "ConfigMap")
KEY = ObjectKey("", "ConfigMap", "shop", "a")


def result(status, retry_after=None):
    operation = {"created": "create", "configured": "update"}.get(status, "none")
    change = Change(operation, MAP, KEY, expected={}, retry_after=retry_after)
    return Result((Outcome(change, status),))


@pytest.fixture
def written():
    return Written()


@pytest.fixture
def note(written):
    """The statuses of what had drifted."""

    def note(value, status, **more):
        return [one.status for one in written.note("p", [(KEY, {"data": value})], result(status, **more))]

    return note


def test_the_same_that_was_written_before_is_drift(note):
    assert note(1, "created") == []
    assert note(1, "unchanged") == []
    assert note(1, "configured") == ["configured"]
    assert note(1, "created") == ["created"]


def test_another_value_is_an_update(note):
    assert note(1, "created") == []
    assert note(2, "configured") == []
    assert note(2, "configured") == ["configured"]


def test_what_never_was_as_stated_is_no_drift(note):
    assert note(1, "failed") == []
    assert note(1, "created") == []


@pytest.mark.parametrize("between", [("failed", None), ("skipped", 30.0)])
def test_a_repair_that_comes_late_is_drift_still(note, written, between):
    status, retry_after = between
    note(1, "created")
    assert written.has("p", KEY, {"data": 1})
    assert note(1, status, retry_after=retry_after) == []
    assert not written.has("p", KEY, {"data": 1}), "it is not so now"
    assert note(1, "configured") == ["configured"]
    assert written.has("p", KEY, {"data": 1})


def test_what_is_not_stated_any_more_and_owners_that_are_gone_are_forgotten(note, written):
    note(1, "created")
    assert written.note("p", [], Result(())) == []
    assert note(1, "created") == []
    written.forget("p")
    assert note(1, "created") == []
    assert written.note("other", [(KEY, {"data": 1})], result("configured")) == []
