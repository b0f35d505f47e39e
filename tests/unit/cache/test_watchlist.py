"""A first list that comes as a stream, and servers that cannot send one."""

import pytest

from genreconcile.errors import Forbidden, Throttled, Unreachable
from genreconcile.testing.fake.views import event
from support.api.scripted import ScriptedCluster, bookmark, error_event, obj, page, status
from unit.scripted_reflector import PATH, Run


@pytest.fixture
def server():
    return ScriptedCluster()


@pytest.fixture
def run(server):
    return Run(server, watch_list=True)


def end(version):
    return bookmark(version, **{"k8s.io/initial-events-end": "true"})


def streams(server):
    return [request.query for request in server.requests if "sendInitialEvents" in request.query]


def parts(run):
    """The list as the sink is handed it."""
    taken = []

    def replace(pages, *_, **__):
        taken.extend(pages)

    run.sink.replace = replace
    run.go()
    return taken


def test_the_first_list_is_a_stream_and_a_watch_follows_from_its_end(server, run):
    server.watch(
        PATH, [event("ADDED", obj("a", 3)), event("ADDED", obj("b", 4)), end(9)], [event("ADDED", obj("c", 10))]
    )
    assert run.go() == [("LIST", ["a", "b"], 9, 0), ("ADDED", "c", 10)]
    assert run.gets == []
    (asked,) = streams(server)
    assert (asked["sendInitialEvents"], asked["resourceVersionMatch"]) == ("true", "NotOlderThan")
    assert asked["allowWatchBookmarks"] == "true"
    assert "resourceVersion" not in asked
    assert asked["read_timeout"] == "65"
    assert run.versions == ["9", "10"]
    assert run.sink.states[0] == (True, None)


def test_what_comes_after_the_end_is_left_to_the_watch(server, run):
    """Or it would be taken twice, and an old state after a new one."""
    late = event("ADDED", obj("late", 10))
    server.watch(PATH, [end(9), late], [late])
    assert run.go() == [("LIST", [], 9, 0), ("ADDED", "late", 10)]


def test_changes_while_it_streams(server, run):
    server.watch(
        PATH,
        [
            event("ADDED", obj("a", 3)),
            event("ADDED", obj("b", 4)),
            bookmark(5),
            event("MODIFIED", obj("a", 6)),
            event("DELETED", obj("b", 7)),
            event("ADDED", obj("b", 8, uid="another")),
            event("DELETED", obj("never seen", 8)),
            end(8),
        ],
    )
    (part,) = parts(run)
    assert [(record.name, record.uid, record.resource_version) for record in part] == [
        ("a", "uid-a", 6),
        ("b", "another", 8),
    ]


def test_many_are_handed_on_in_parts(server, run):
    server.watch(PATH, [*(event("ADDED", obj(f"n{number}", number + 1)) for number in range(1001)), end(2000)])
    assert list(map(len, parts(run))) == [250, 250, 250, 250, 1]


@pytest.mark.parametrize("code", [400, 422])
def test_a_server_that_refuses_is_asked_in_pages_at_once(server, run, code):
    server.watch(PATH, status(code))
    server.answer(PATH, page(5, obj("a", 3)))
    assert run.go() == [("LIST", ["a"], 5, 0)]
    assert run.sleeps == []
    assert run.sink.states[0] == (True, None)
    assert len(streams(server)) == 1


@pytest.mark.parametrize("last", [event("ADDED", obj("b", 4)), bookmark(9)], ids=["no bookmark", "one of another kind"])
def test_a_stream_that_ends_before_it_is_whole_is_no_list(server, run, last):
    server.watch(PATH, [event("ADDED", obj("a", 3)), last])
    server.answer(PATH, page(5, obj("a", 3), obj("b", 4)))
    assert run.go() == [("LIST", ["a", "b"], 5, 0)]
    assert len(streams(server)) == 1


def test_a_stream_that_falls_silent_or_is_cut_is_followed_by_pages(server, run):
    server.watch(PATH, [event("ADDED", obj("a", 3)), Unreachable("silent for 65 s")])
    server.answer(PATH, page(5, obj("a", 3)))
    assert run.go() == [("LIST", ["a"], 5, 0)]
    assert run.sink.states[:2] == [(False, Unreachable), (True, None)]
    assert len(streams(server)) == 1


def test_a_stream_without_end_is_given_up(server, run):
    """The server does not know sendInitialEvents, and what happens keeps the stream alive."""
    ticks = [part for number in range(20) for part in (run.passes(60), event("MODIFIED", obj("a", number + 1)))]
    server.watch(PATH, [*ticks, end(99)])
    server.answer(PATH, page(50, obj("a", 40)))
    assert run.go() == [("LIST", ["a"], 50, 0)]
    assert run.now <= 400


@pytest.mark.parametrize("error", [error_event(410), error_event(500, "InternalError")])
def test_an_error_in_the_stream_is_followed_by_pages(server, run, error):
    server.watch(PATH, [event("ADDED", obj("a", 3)), error])
    server.answer(PATH, page(5, obj("a", 3)))
    assert run.go() == [("LIST", ["a"], 5, 0)]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(429, details={"retryAfterSeconds": 4}), Throttled),
        (status(403), Forbidden),
        (Unreachable("refused"), Unreachable),
    ],
    ids=["throttled", "forbidden", "refused"],
)
def test_a_stream_that_did_not_begin_is_asked_for_again(server, run, answer, error):
    server.watch(PATH, answer, [event("ADDED", obj("a", 3)), end(9)])
    assert run.go() == [("LIST", ["a"], 9, 0)]
    assert run.gets == []
    assert run.sink.states[:2] == [(False, error), (True, None)]


def test_who_knows_something_is_answered_in_pages(server, run):
    """A stream tells its resourceVersion at its end: too late to see that the server has gone back."""
    server.watch(PATH, [end(50)], [error_event(410)], [])
    server.answer(PATH, page(90, obj("a", 80)))
    assert run.go() == [("LIST", [], 50, 0), ("LIST", ["a"], 90, 50)]
    assert len(streams(server)) == 1


def test_an_unreadable_object_spares_the_others(server, run, caplog):
    server.watch(PATH, [event("ADDED", {"metadata": []}), event("ADDED", obj("a", 3)), end(9)])
    assert run.go() == [("LIST", ["a"], 9, 0)]
    assert "not readable" in caplog.text


def test_it_is_not_asked_for_unless_wanted(server):
    run = Run(server)
    server.answer(PATH, page(5))
    run.go()
    assert streams(server) == []
