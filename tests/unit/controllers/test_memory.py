"""What is remembered of a parent between its runs: no object that anybody could change, and the path that differs."""

import pytest

from genreconcile.controllers.context import Finding
from genreconcile.controllers.memory import Memory
from genreconcile.controllers.outcome import Stated
from genreconcile.controllers.reads import Read
from genreconcile.objects import GVK
from unit.controllers.things import config

PODS = Read(GVK("", "v1", "Pod"), "shop")
ONE = Read(GVK("", "v1", "Pod"), "shop", "a")


def found(*names, read=PODS, version="1"):
    return [Finding(read, {("shop", name): (f"uid-{name}", version) for name in names})]


def noted(*runs):
    memory = Memory("u")
    for seen, stated in runs:
        memory.note(seen, Stated(stated), left={}, is_same_parent=True)
    return memory


@pytest.mark.parametrize(
    ("stated", "path"),
    [
        ([config("a")], ""),
        ([dict(reversed(config("a").items()))], ""),
        ([config("a", k="w")], "/0/data/k"),
        ([config("a", l="v")], "/0/data/k"),
        ([], "/0"),
        ([config("a"), config("b")], "/1"),
    ],
)
def test_the_path_that_differs(stated, path):
    memory = noted((found("a"), [config("a")]), (found("a"), stated))
    assert (memory.has_equal_reads, memory.path, memory.differing) == (True, path, int(bool(path)))


def test_what_was_read_may_make_the_difference():
    memory = noted((found("a"), [config("a")]), (found("a", version="2"), [config("b")]))
    assert (memory.has_equal_reads, memory.path) == (False, "")


def test_an_object_that_the_function_changes_later_is_another_one():
    obj = config("a")
    memory = noted((found(), [obj]))
    obj["data"]["k"] = "w"
    memory.note(found(), Stated([obj]), left={}, is_same_parent=True)
    assert memory.path == "/0/data/k"


@pytest.mark.parametrize(
    ("before", "now", "is_shrunk"),
    [
        (found("a", "b"), found("a", "b", "c"), False),
        (found("a", "b"), found("a", "c"), True),
        (found(), found(), False),
        ([], found("a"), True),
        ([], found("a", read=ONE), False),
        ([], found(read=ONE), True),
        (found("a", read=ONE), found(read=ONE), True),
    ],
)
def test_the_reads_that_found_less(before, now, is_shrunk):
    assert noted((before, [])).shrunk(now) == (now if is_shrunk else [])
