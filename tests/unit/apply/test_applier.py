"""Errors of writes, and turns: one write at a time for each object."""

import threading
import time

from genreconcile.apply.applier import _told
from genreconcile.apply.turns import _turns, turn
from genreconcile.errors import Conflict, Invalid, NotFound, Throttled
from genreconcile.objects import GVK, ObjectKey
from genreconcile.plan import Change

KEY = ObjectKey("example.com", "Widget", "shop", "a")
CHANGE = Change("update", GVK("example.com", "v1", "Widget"), KEY)


def test_an_error_keeps_all_that_it_says():
    error = Throttled("slow down", reason="TooManyRequests", details={"a": 1}, retry_after=7.0)
    told = _told(error, CHANGE)
    assert (type(told), told.retry_after, told.status, told.reason, told.details) == (
        Throttled, 7.0, 429, "TooManyRequests", {"a": 1}
    )  # fmt: skip
    assert str(told) == "Widget.example.com shop/a: not patched: slow down"
    assert str(error) == "slow down"


def test_a_missing_namespace_is_explained():
    told = _told(NotFound("gone", status=404, details={"kind": "namespaces"}), CHANGE)
    assert str(told).endswith("create the namespace shop first, or add it to the expected set")
    assert not isinstance(told, Conflict)


def test_what_admission_says_of_a_deletion_may_quote_what_is_not_known():
    said = 'admission webhook "x" denied the request: it holds hunter2'
    secret = (("spec", "password"),)
    for operation, sensitive, is_shown in (("delete", secret, False), ("delete", (), True), ("update", secret, True)):
        change = Change(operation, CHANGE.gvk, KEY, live={"metadata": {"name": "a"}}, sensitive=sensitive)
        error = Invalid(said, status=422, details={"causes": [{"message": said}]})
        told = _told(error, change)
        assert ("hunter2" in str(told)) is is_shown
        assert ("hunter2" in str(told.details)) is is_shown
        assert "denied the request" in str(told)


def test_one_turn_at_a_time_for_a_place_and_none_is_kept():
    inside, most = [0, 0], [0, 0]

    def work(place):
        for _ in range(50):
            with turn(("server", place)):
                inside[place] += 1
                most[place] = max(most[place], inside[place])
                time.sleep(0.0001)
                inside[place] -= 1

    threads = [threading.Thread(target=work, args=(number % 2,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(45)
    assert most == [1, 1]
    assert len(_turns) == 0
    with turn("one"), turn("another"), turn("one"):
        assert len(_turns) == 2
