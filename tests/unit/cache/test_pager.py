"""How many objects the pages of a list have."""

import pytest

from genreconcile import gojson
from genreconcile.cache.pager import Pager, next_limit
from genreconcile.cluster import Interrupt
from unit.scripted_server import ScriptedCluster, obj, page

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
