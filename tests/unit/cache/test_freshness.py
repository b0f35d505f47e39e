"""A view that grows old: watches that are refused while lists work, and watches that are quiet and well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreconcile.cache import Pace
from genreconcile.errors import Unreachable
from genreconcile.testing.fake.views import event
from support.api.scripted import ScriptedCluster, bookmark, error_event, obj, page, status
from unit.scripted_reflector import PATH, Run

MOST = 0.22
REFUSALS = {
    "400": status(400),
    "403": status(403),
    "404": status(404),
    "410": status(410),
    "429": status(429),
    "429 with Retry-After": status(429, details={"retryAfterSeconds": 17}),
    "500": status(500),
    "refused": Unreachable("refused"),
    "500 as an event": [error_event(500, "InternalError")],
    "403 as an event": [error_event(403, "Forbidden")],
    "ends at once": [],
    "breaks off at once": [Unreachable("reset")],
    "no JSON": [b"<html>\n"],
    "opens and is silent": lambda run: [run.passes(70), Unreachable("silence")],
}


@pytest.fixture
def server():
    return ScriptedCluster()


def refusal(how, run):
    found = REFUSALS[how]
    return found(run) if callable(found) else found


def timed(run, server):
    """Notes when each request was sent."""
    times, request, stream = [], server.request, server.stream

    def noted(*arguments, **options):
        times.append(run.now)
        return request(*arguments, **options)

    def opened(*arguments, **options):
        times.append(run.now)
        return stream(*arguments, **options)

    server.request, server.stream = noted, opened
    return times


@pytest.mark.parametrize("how", REFUSALS)
def test_r3_2_while_a_watch_fails_the_kind_is_listed_anew(server, how):
    """Never for longer than 75 s an old view, and never more requests than client-go would send."""
    run = Run(server, most_sleeps=40)
    times, listed = timed(run, server), []
    server.answer(PATH, lambda: listed.append(run.now) or page(5 + len(listed), obj("a", 4 + len(listed))))
    server.watch(PATH, [run.passes(60)], *[refusal(how, run)] * 500)
    run.go()
    pauses = [later - earlier for earlier, later in zip([60.0, *listed[1:]], [*listed[1:], run.now], strict=True)]
    assert max(pauses) <= 75
    for start in times:
        assert sum(start <= sent < start + 120 for sent in times) / 120 <= MOST
    assert run.sink.calls[-1][0] == "LIST"


@pytest.mark.parametrize("how", sorted(set(REFUSALS) - {"opens and is silent", "410", "no JSON"}))
def test_r3_2_the_view_is_old_since_its_watch_was_well_last(server, how):
    run = Run(server, most_sleeps=8)
    server.answer(PATH, page(5))
    server.watch(PATH, [run.passes(50)], *[refusal(how, run)] * 20)
    run.go()
    assert run.sink.stale[1] is None, "while the first watch was open"
    assert run.sink.stale[-1] == 50.0
    assert all(synced for synced, _ in run.sink.states), "what lists show is known"


def test_r3_2_a_watch_that_gets_no_answer_fails_as_well(server):
    run = Run(server, most_sleeps=8)
    stream = server.stream

    def hangs(path, **options):
        if run.versions:
            run.now += 20
            raise Unreachable("silence")
        return stream(path, **options)

    server.stream = hangs
    server.answer(PATH, page(5), page(6, obj("a", 6)))
    server.watch(PATH, [run.passes(50)])
    assert run.go()[1] == ("LIST", ["a"], 6, 5)
    assert run.sink.stale[-1] == 50.0


def test_r3_2_a_watch_that_opens_again_ends_it(server):
    run = Run(server)
    server.answer(PATH, page(5))
    server.watch(PATH, [run.passes(50)], *[status(500)] * 5, [run.passes(50)], [event("ADDED", obj("b", 9))])
    run.go()
    assert run.sink.stale[-1] is None
    assert run.sink.states[-1] == (True, None)


def test_r3_2_lists_that_fail_as_well_do_not_keep_a_watch_from_being_tried(server):
    run = Run(server, most_sleeps=20)
    server.answer(PATH, page(5), status(500))
    server.watch(PATH, [run.passes(50)], *[status(500)] * 30)
    run.go()
    assert len(run.versions) == 21
    assert set(run.versions) == {"5"}


@pytest.mark.parametrize("code", [403, 404])
def test_r3_2_what_lists_do_not_show_any_more_is_unknown(server, code):
    run = Run(server, most_sleeps=12)
    server.answer(PATH, page(5), status(code))
    server.watch(PATH, [run.passes(50)], *[status(500)] * 20)
    run.go()
    assert run.sink.states[-1][0] is False


@given(st.integers(2, 60))
def test_r3_2_a_list_of_many_pages_counts_as_many_requests(pages):
    server = ScriptedCluster()
    run = Run(server, most_sleeps=60)
    times = timed(run, server)
    server.answer(PATH, *[*(page(5, token=f"t{number}") for number in range(pages - 1)), page(5)] * 20)
    server.watch(PATH, [run.passes(60)], *[status(500)] * 100)
    run.go()
    assert len(run.lists) > pages
    assert (len(times) - pages) / run.now <= MOST


def test_r3_2_a_stream_that_is_refused_again_and_again_gives_way_to_pages(server):
    run = Run(server, watch_list=True, most_sleeps=5)
    server.watch(PATH, *[status(403)] * 20)
    server.answer(PATH, page(5, obj("a", 3)))
    assert run.go()[0] == ("LIST", ["a"], 5, 0)


def test_r3_10_a_quiet_watch_is_never_cut(server):
    """One bookmark does not promise another: each watch ends when the server ends it, without a word."""
    run = Run(server)
    server.answer(PATH, page(5))
    server.watch(PATH, [run.passes(28), bookmark(6), run.passes(32)], *[[run.passes(60)]] * 20)
    run.go()
    waits = [(request.query["timeoutSeconds"], request.query["read_timeout"]) for request in server.requests[1:]]
    assert all(int(wait) >= int(asked) + 9 for asked, wait in waits)
    assert set(run.sink.states) == {(True, None)}
    assert set(run.sink.stale) == {None}
    assert run.sleeps == []


@pytest.mark.parametrize("cut", [Unreachable("reset"), Unreachable("closed")])
def test_r3_10_a_watch_that_is_cut_and_opens_again_is_no_trouble(server, cut):
    """A balancer that ends what has been idle for a while: no error, no pause, no list."""
    run = Run(server)
    server.answer(PATH, page(5))
    server.watch(PATH, *[[run.passes(30), cut]] * 20)
    run.go()
    assert set(run.sink.states) == {(True, None)}
    assert run.sleeps == []
    assert len(run.lists) == 1


def test_r3_10_a_watch_that_is_cut_and_does_not_open_again_is_told(server):
    run = Run(server)
    server.answer(PATH, page(5))
    server.watch(PATH, [run.passes(30), Unreachable("reset")], Unreachable("refused"), [run.passes(40)])
    run.go()
    assert (True, Unreachable) in run.sink.states


@pytest.mark.parametrize("error", [Unreachable("silence"), status(500), status(429), status(403)])
def test_r3_7_a_look_at_history_without_an_answer_leaves_the_watch_alone(server, error):
    """The watch is read on; the next one is doubted as well."""
    run = Run(server)
    server.answer(PATH, page(50), error, page(60))
    server.watch(PATH, [run.passes(30), Unreachable("reset")], [event("ADDED", obj("b", 51)), run.passes(40)], [])
    run.go()
    assert run.sink.calls[1] == ("ADDED", "b", 51)
    assert (True, type(error)) in run.sink.states
    assert run.gets == [{"limit": "500"}, {"limit": "1"}, {"limit": "1"}]


def test_r3_7_after_a_silence_the_kind_is_listed(server):
    """The watch may have been dead all the time, and the next one may be as well."""
    run = Run(server)
    server.answer(PATH, page(5), page(9, obj("a", 8)))
    server.watch(PATH, *[[run.passes(70), Unreachable("silence")]] * 3)
    assert run.go()[1] == ("LIST", ["a"], 9, 5)
    assert run.sleeps == []


def test_r3_7_silence_is_noticed_within_75_seconds():
    pace = Pace()
    assert max(pace.silence_of_watch(pace.seconds_of_watch()) for _ in range(1000)) + pace.first_backoff <= 75
