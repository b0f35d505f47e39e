import logging

import pytest

from genreconcile.cache.store import WentBack
from genreconcile.cluster import Interrupt
from genreconcile.errors import ClusterError, Forbidden, NotFound, Throttled, Unreachable
from genreconcile.testing.fake.views import event
from support.api.scripted import ScriptedCluster, bookmark, error_event, obj, page, status
from unit.scripted_reflector import PATH, Run, Sink


@pytest.fixture
def server():
    return ScriptedCluster()


@pytest.fixture
def run(server):
    return Run(server)


def test_lists_and_watches_from_there(server, run):
    server.answer(PATH, page(5, obj("a", 3)))
    server.watch(PATH, [event("ADDED", obj("b", 6)), event("MODIFIED", obj("a", 7)), event("DELETED", obj("b", 8))])
    assert run.go() == [("LIST", ["a"], 5, 0), ("ADDED", "b", 6), ("MODIFIED", "a", 7), ("DELETED", "b", 8)]
    assert run.lists == [{"limit": "500"}]
    first, second = (request.query for request in server.requests if request.method == "WATCH")
    assert (first["resourceVersion"], second["resourceVersion"]) == ("5", "8")
    assert (first["watch"], first["allowWatchBookmarks"]) == ("true", "true")
    assert run.sink.states[:2] == [(True, None), (True, None)]


def test_follows_the_pages(server, run):
    server.answer(PATH, page(5, obj("a", 3), token="t1"), page(5, obj("b", 4), token="t2"), page(5, obj("c", 2)))
    assert run.go() == [("LIST", ["a", "b", "c"], 5, 0)]
    assert run.lists == [{"limit": "500"}, {"limit": "1000", "continue": "t1"}, {"limit": "2000", "continue": "t2"}]


def test_a_token_that_expires_while_paging_restarts_the_list_in_one_answer(server, run):
    server.answer(PATH, page(5, obj("a", 3), token="t1"), status(410), page(9, obj("a", 3), obj("b", 8)))
    assert run.go() == [("LIST", ["a", "b"], 9, 0)]
    assert run.lists == [{"limit": "500"}, {"limit": "1000", "continue": "t1"}, {}]
    assert run.sleeps == []


def test_a_bookmark_moves_the_version_on(server, run):
    server.answer(PATH, page(5))
    server.watch(PATH, [bookmark(50)])
    assert run.go()[1:] == [("BOOKMARK", 50)]
    assert run.versions == ["5", "50"]


@pytest.mark.parametrize("gone", [status(410), [error_event(410)]], ids=["as status", "as event"])
def test_410_lists_again_once(server, run, gone):
    server.answer(PATH, page(5, obj("a", 3)), page(90, obj("b", 80)))
    server.watch(PATH, gone)
    assert run.go() == [("LIST", ["a"], 5, 0), ("LIST", ["b"], 90, 5)]
    assert run.versions == ["5", "90"]
    assert len(run.sleeps) == 1
    assert all(error is None for _, error in run.sink.states)


def test_410_for_ever_is_asked_ever_more_slowly(server):
    run = Run(server, most_sleeps=9)
    server.answer(PATH, page(5))
    server.watch(PATH, *[status(410)] * 20)
    run.go()
    assert sum(run.sleeps) > 60


def test_a_cut_in_the_middle_of_a_line_resumes_from_the_last_complete_event(server, run):
    server.answer(PATH, page(5), page(7))
    lost = event("ADDED", obj("b", 7))
    server.watch(PATH, [event("ADDED", obj("a", 6)) + lost[:30], Unreachable("cut")], [lost])
    assert run.go() == [("LIST", [], 5, 0), ("ADDED", "a", 6), ("ADDED", "b", 7)]
    assert run.versions == ["5", "6", "7"]
    assert len(run.lists) == 1


@pytest.mark.parametrize("error", [Unreachable("refused"), status(500), [error_event(500, "InternalError")]])
def test_other_errors_resume_and_back_off(server, error):
    """The first of them without a list: they are over in a moment, as a rule."""
    run = Run(server, most_sleeps=12)
    server.answer(PATH, page(5))
    server.watch(PATH, *[error] * 20)
    run.go()
    assert len(run.versions[: run.versions_before_the_second_list]) > 3
    assert set(run.versions) == {"5"}
    for nth, slept in enumerate(run.sleeps):
        longest = min(2.0**nth, 30.0)
        assert longest / 4 <= slept <= longest
    assert all(15.0 <= slept <= 30.0 for slept in run.sleeps[-3:])
    assert run.sink.states[-1][0] is True


def test_the_server_is_not_asked_often_while_it_is_ill(server):
    """Invariant I10: at most 0.22 requests a second."""
    run = Run(server, most_sleeps=10)
    server.answer(PATH, status(500))
    run.go()
    assert len(server.requests) / run.now <= 0.22


def test_watches_that_end_at_once_back_off(server):
    run = Run(server, most_sleeps=8)
    server.answer(PATH, page(5))
    server.watch(PATH, *[[]] * 20)
    run.go()
    assert sum(run.sleeps) > 30


def test_short_watches_with_events_wait_a_little(server):
    run = Run(server, most_sleeps=6)
    server.answer(PATH, page(5), page(20))
    server.watch(PATH, *[[event("MODIFIED", obj("a", version))] for version in range(6, 20)])
    run.go()
    assert all(0.25 <= slept <= 0.5 for slept in run.sleeps)


def test_a_watch_that_ends_in_its_time_is_opened_again_at_once(server, run):
    server.answer(PATH, page(5))
    server.watch(PATH, status(500), [run.passes(300)], [run.passes(300)])
    run.go()
    assert len(run.sleeps) == 1


def test_429_waits_as_asked_without_a_list(server, run):
    server.answer(PATH, page(5))
    server.watch(PATH, status(429, details={"retryAfterSeconds": 17}), [event("ADDED", obj("a", 6))])
    run.go()
    assert len(run.lists) == 1
    assert run.sleeps[0] == 17.0
    assert (True, Throttled) in run.sink.states


def test_429_on_the_list(server, run):
    server.answer(PATH, status(429, details={"retryAfterSeconds": 4}), page(5))
    run.go()
    assert run.sleeps[0] == 4.0
    assert run.sink.states[:2] == [(False, Throttled), (True, None)]


@pytest.mark.parametrize(("code", "error"), [(403, Forbidden), (404, NotFound)])
def test_what_may_not_be_listed_is_unknown(server, code, error):
    run = Run(server, most_sleeps=3)
    server.answer(PATH, status(code))
    assert run.go() == []
    assert set(run.sink.states) == {(False, error)}
    assert len(run.sleeps) == 3


@pytest.mark.parametrize(("code", "error"), [(403, Forbidden), (404, NotFound)])
def test_what_may_no_longer_be_watched_becomes_unknown(server, run, code, error):
    server.answer(PATH, page(5, obj("a", 1)), page(9, obj("a", 1)))
    server.watch(PATH, status(code), status(code))
    server.answers[PATH].insert(1, status(code))
    assert [call[0] for call in run.go()] == ["LIST", "LIST"]
    assert (False, error) in run.sink.states
    assert run.sink.states[-1] == (True, None) or run.sink.states[-2] == (True, None)


def test_watches_are_short_so_that_a_dead_one_is_noticed(server, run):
    server.answer(PATH, page(5))
    server.watch(PATH, [run.passes(30)], [run.passes(28), bookmark(6), run.passes(2)], [run.passes(300)])
    run.go()
    for query in (request.query for request in server.requests if request.method == "WATCH"):
        assert 75 >= int(query["read_timeout"]) > int(query["timeoutSeconds"]) >= 30


def test_a_line_that_is_no_event_leads_to_a_list(server, run):
    server.answer(PATH, page(5), page(9))
    server.watch(PATH, [b"nonsense\n"])
    assert run.go() == [("LIST", [], 5, 0), ("LIST", [], 9, 5)]
    assert (True, ClusterError) in run.sink.states


def test_an_answer_that_is_no_list_is_an_error(server):
    run = Run(server, most_sleeps=2)
    server.answer(PATH, b"<html>")
    assert run.go() == []
    assert set(run.sink.states) == {(False, ClusterError)}


def test_an_object_that_is_not_readable_spares_the_others(server, run, caplog):
    server.answer(PATH, page(5, {"metadata": {"name": 7}}, obj("a", 3)))
    server.watch(PATH, [event("ADDED", {"metadata": []}), event("ADDED", obj("b", 6))])
    assert run.go() == [("LIST", ["a"], 5, 0), ("ADDED", "b", 6)]
    assert caplog.text.count("an object without a name: not readable") == 2


def test_events_of_a_kind_that_we_do_not_know_are_passed_over(server, run, caplog):
    server.answer(PATH, page(5))
    server.watch(PATH, [event("FUTURE", obj("a", 6)), event("ADDED", obj("b", 7))])
    assert run.go() == [("LIST", [], 5, 0), ("ADDED", "b", 7)]
    assert "FUTURE" in caplog.text


def test_a_fault_in_the_sink_does_not_end_the_reader(server, run, caplog):
    faults = [RuntimeError("boom")]

    def event_once(event_type, record):
        if faults:
            raise faults.pop()
        Sink.event(run.sink, event_type, record)

    run.sink.event = event_once
    server.answer(PATH, page(5), page(9))
    server.watch(PATH, [event("ADDED", obj("a", 6))], [event("ADDED", obj("b", 10))])
    assert run.go() == [("LIST", [], 5, 0), ("LIST", [], 9, 5), ("ADDED", "b", 10)]
    assert "RuntimeError" in caplog.text
    assert "boom" not in caplog.text, "the text of an error that is not our own may hold anything"


def test_errors_after_the_stop_are_not_told(server, run, caplog):
    server.answer(PATH, page(5))
    caplog.set_level(logging.INFO)
    run.go()
    assert run.sink.states[-1] == (True, None)


def test_a_list_without_a_version_is_watched_and_then_listed_again(server, run):
    server.answer(PATH, page("", obj("a", 0)), page("", obj("b", 0)))
    server.watch(PATH, [run.passes(30)])
    assert [call[1] for call in run.go()] == [["a"], ["b"]]


def test_an_older_list_is_not_believed_the_first_time(server, run):
    server.answer(PATH, page(90, obj("a", 80)), page(40), page(95, obj("a", 80)))
    server.watch(PATH, [error_event(410)], [])
    run.go()
    assert run.versions[:2] == ["90", "95"]
    assert [call[2] for call in run.sink.calls] == [90, 95]


def test_the_server_cannot_ask_for_a_pause_without_end(server, run):
    server.answer(PATH, status(429, details={"retryAfterSeconds": 86400}), page(5))
    run.go()
    assert run.sleeps[0] == 60


def test_after_a_watch_that_was_cut_the_server_is_asked_whether_it_has_gone_back(server, run):
    """A watch that begins in the server's future is silent: the cache would be wrong without knowing it."""
    server.answer(PATH, page(50, obj("a", 40)), page(30, obj("a", 20)), page(30, obj("a", 20)), page(31, obj("a", 20)))
    server.watch(PATH, [run.passes(5), Unreachable("cut")], [event("ADDED", obj("b", 60))], [])
    assert run.go() == [("LIST", ["a"], 50, 0), ("RESTORED", ["a"], 31, 50)]
    assert run.gets == [{"limit": "500"}, {"limit": "1"}, {"limit": "500"}, {"limit": "500"}]
    assert (True, ClusterError) in run.sink.states
    assert run.versions[:3] == ["50", "50", "31"]


def test_a_server_that_was_out_of_reach_for_long_is_listed_anew(server, run):
    """Restored meanwhile, it may have overtaken us: no answer but a list would tell."""
    server.answer(PATH, page(50, obj("a", 40)), page(90, obj("b", 60)))
    refused = Unreachable("refused")
    server.watch(PATH, [run.passes(5), Unreachable("cut")], refused, refused, refused, [event("ADDED", obj("c", 95))])
    assert run.go() == [("LIST", ["a"], 50, 0), ("LIST", ["b"], 90, 50)]
    assert run.gets == [{"limit": "500"}, {"limit": "500"}]
    assert run.sleeps[-1] <= 0.5


@pytest.mark.parametrize(("seconds", "lists"), [(0.1, 1), (2.0, 2)], ids=["at once", "after a while"])
def test_a_server_that_lets_a_new_watch_wait_may_have_been_restored(server, run, seconds, lists):
    """It listened already, and was not ready: no attempt failed, and by now it is where we were."""
    stream = server.stream

    def slowly(path, **options):
        if len(run.versions) == 1:
            run.now += seconds
        return stream(path, **options)

    server.stream = slowly
    server.answer(PATH, page(50, obj("a", 40)))
    server.watch(PATH, [run.passes(5), Unreachable("cut")], [event("ADDED", obj("b", 60))])
    run.go()
    assert [query for query in run.gets if query.get("limit") == "500"] == [{"limit": "500"}] * lists


def test_throttling_is_no_reason_for_a_list(server, run):
    slow_down = status(429, details={"retryAfterSeconds": 5})
    server.answer(PATH, page(50, obj("a", 40)))
    server.watch(PATH, [run.passes(600)], slow_down, slow_down, [run.passes(600)])
    run.go()
    assert run.gets == [{"limit": "500"}]


def test_a_server_that_has_not_gone_back_is_watched_on(server, run):
    server.answer(PATH, page(50, obj("a", 40)), page(50, obj("a", 40)))
    server.watch(PATH, [run.passes(5)], [event("ADDED", obj("b", 60)), run.passes(600)], [run.passes(600)])
    assert run.go() == [("LIST", ["a"], 50, 0), ("ADDED", "b", 60)]
    assert run.gets == [{"limit": "500"}, {"limit": "1"}]


def test_a_list_that_contradicts_what_was_known_is_taken_again_as_a_whole(server, run):
    replace, faults = run.sink.replace, [WentBack("one"), WentBack("two")]

    def once(*arguments, restored):
        if faults:
            raise faults.pop()
        replace(*arguments, restored=restored)

    run.sink.replace = once
    server.answer(PATH, page(90, obj("a", 20)))
    assert run.go() == [("RESTORED", ["a"], 90, 0)]


def test_a_check_that_waits_for_its_answer_is_ended_by_the_stop(server, run):
    stopped = []

    def check():
        run.reflector.stop()
        stopped.append(Interrupt.current()._set)
        return page(50)

    server.answer(PATH, page(50), check)
    server.watch(PATH, [], [])
    run.go()
    assert stopped == [True]
