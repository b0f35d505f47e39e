"""How many objects the pages of a list have, and when each is asked for."""

import contextlib
import threading
from itertools import pairwise

import pytest

from genreconcile import gojson
from genreconcile.cache.pager import Pager, next_limit
from genreconcile.cluster import Interrupt, Preview
from genreconcile.errors import Gone
from support.api.scripted import ScriptedCluster, obj, page

PATH = "/apis/example.com/v1/widgets"
MIB = 1024 * 1024
FIT = "2627"
"""So many of 1 KiB and their metadata make 3 MiB."""


def pages(count, size):
    """``count`` pages of ten objects, together of ``size`` bytes each."""
    for number in range(count):
        objects = [obj(f"n{number}-{index}", index + 1, data="x" * (size // 10)) for index in range(10)]
        yield gojson.dumps(page(5, *objects, token=f"t{number}" if number + 1 < count else ""))


def asked(server, limit=500):
    pager = Pager(server, PATH, accept="application/json", timeout=65)
    found = sum(len(page.items) for page in pager.pages(limit, Interrupt()))
    return found, [request.query.get("limit") for request in server.requests]


@pytest.mark.parametrize(
    ("size", "limits"),
    [
        (1000, ["500", "1000", "2000", "4000", "8000"]),
        (MIB // 100, ["500", "1000", "2000", FIT, FIT]),
        (MIB, ["500", "50", "50", "50", "50"]),
    ],
    ids=["small", "medium", "large"],
)
def test_pages_grow_within_a_bound_of_bytes(size, limits):
    server = ScriptedCluster()
    server.answer(PATH, *pages(5, size))
    assert asked(server) == (50, limits)


@pytest.mark.parametrize(
    ("read", "limit"),
    [(3 * MIB, 1000), (96 * MIB, 1000), (192 * MIB, 2000), (512 * MIB, 5333), (2048 * MIB, 5333)],
)
def test_pages_of_a_long_list_are_a_part_of_what_came_before(read, limit):
    assert next_limit(3000, 1000, 3 * MIB, read) == limit


def test_a_page_may_be_empty():
    """As the server's answers are where all of its objects were deleted meanwhile."""
    server = ScriptedCluster()
    server.answer(PATH, page(5, token="t"), page(5, obj("a", 1)))
    assert asked(server) == (1, ["500", "500"])


def test_one_answer_with_all():
    server = ScriptedCluster()
    server.answer(PATH, page(5, obj("a", 1)))
    assert asked(server, limit=0) == (1, [None])


class Begun(ScriptedCluster):
    """Shows the first bytes of an answer, and waits with the rest until ``let(token)``; ``asked`` has the tokens."""

    def __init__(self, count):
        super().__init__()
        self.asked, self.changed = [], threading.Condition()
        self.allowed = set()
        self.tokens = ["", *(f"t{number}" for number in range(1, count))]
        self.refused = None

    def let(self, *tokens):
        with self.changed:
            self.allowed |= set(tokens)
            self.changed.notify_all()

    def await_asked(self, *tokens):
        with self.changed:
            assert self.changed.wait_for(lambda: self.asked == list(tokens), 45), self.asked

    def request(self, *_, query, **__):
        token = query.get("continue", "")
        following = dict(pairwise(self.tokens)).get(token, "")
        body = gojson.dumps(page(5, obj(token or "t0", 1), token=following))
        begun = Preview.current()
        with self.changed:
            self.asked.append(token)
            self.changed.notify_all()
        begun(body)
        with self.changed:
            assert self.changed.wait_for(lambda: token in self.allowed, 45), token
        if token == self.refused:
            raise Gone("expired", status=410)
        return body


@contextlib.contextmanager
def paged(server, **settings):
    pager = Pager(server, PATH, accept="application/json", timeout=65, **settings)
    with contextlib.closing(pager.pages(500, Interrupt())) as found:
        yield found
        server.let(*server.tokens)


def test_one_ahead_is_asked_for_when_the_page_before_is_taken():
    server = Begun(4)
    with paged(server, ahead=1) as found:
        server.let("", "t1")
        assert len(next(found).items) == 1
        server.await_asked("", "t1")
        server.let("t2", "t3")
        next(found)
        server.await_asked("", "t1", "t2")
        next(found)
        server.await_asked("", "t1", "t2", "t3")
        assert len(list(found)) == 1


def test_the_first_page_travels_alone_and_two_later_ones_at_a_time():
    server = Begun(6)
    with paged(server) as found:
        server.let("")
        assert len(next(found).items) == 1
        server.await_asked("", "t1", "t2")
        server.let("t1")
        next(found)
        server.await_asked("", "t1", "t2", "t3")
        server.let("t3")  # Whichever comes first, no more than two wait to be taken.
        server.let("t2")
        next(found)
        server.await_asked("", "t1", "t2", "t3", "t4")
        server.let(*server.tokens)
        assert len(list(found)) == 3
    server.await_asked(*server.tokens)


def test_pages_that_are_not_taken_hold_up_the_next():
    server = Begun(9)
    with paged(server) as found:
        server.let(*server.tokens)
        next(found)
        server.await_asked("", "t1", "t2")
    assert server.asked == ["", "t1", "t2"], "who ends early asks for nothing more"


def test_a_page_that_is_refused_ends_the_list_when_its_turn_comes():
    server = Begun(9)
    server.refused = "t2"
    with paged(server) as found:
        server.let(*server.tokens)
        next(found)
        next(found)
        with pytest.raises(Gone):
            next(found)
    assert server.asked[:3] == ["", "t1", "t2"]
    assert "t4" not in server.asked
