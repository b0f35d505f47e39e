"""Watches and lists that break, stay silent, repeat themselves or are refused (8 to 14)."""

import functools
import json
import random

import pytest

import genreconcile as gr
from faults.oracles import MAPS, QUICK, Monotonic, assert_no_gap, config_map, converge, engine, lists, path_of, watches
from genreconcile.cache import Cache, Pace
from genreconcile.cluster import DynamicCluster, credentials
from genreconcile.errors import Unauthorized, Unreachable
from genreconcile.testing.fake.wire import Dropped
from support.api.client import cluster_of
from support.api.effects import Call, Hold, Refuse, Shorten, Truncate
from support.api.proxy import ProxiedServer
from support.api.streams import Events, Lines, cut, duplicate, error_event, silence, without_bookmarks
from support.eventually import eventually


def make(ground, *names, **data):
    return [
        ground.admin.create(path_of(ground.namespace), config_map(name, ground.namespace, **data)) for name in names
    ]


def edit(ground, name, value):
    operation = {"op": "add", "path": "/data", "value": {"k": value}}
    return ground.admin.patch(path_of(ground.namespace, name), operation)


@pytest.fixture
def cache(ground):
    with Cache(ground.connect(timeout=5), [MAPS], namespaces=[ground.namespace], pace=QUICK) as opened:
        yield opened


def fault(ground, effect, *verbs, **settings):
    return ground.faults.add(effect, *verbs, resource="configmaps", **settings)


def known(cache, name, namespace):
    record = cache.record(MAPS, name, namespace=namespace)
    return record and record.decode().get("data")


def is_as_new(cache, edited):
    """Whether the cache has the object as it was edited, or newer: a controller repairs it at once."""
    record = cache.record(MAPS, edited["metadata"]["name"], namespace=edited["metadata"]["namespace"])
    return record.resource_version >= int(edited["metadata"]["resourceVersion"])


@pytest.mark.quick("scripted")
@pytest.mark.parametrize("how", ["none", "at the end", "empty kind"])
def test_s08_bookmarks_that_are_rare(ground, cache, how):
    """Watches end and begin again, and nothing is listed anew."""
    if how != "empty kind":
        make(ground, "a")
    if how == "none" or isinstance(ground, ProxiedServer):
        fault(ground, without_bookmarks(), "watch", times=None)
    elif how == "at the end":
        ground.api.bookmarks = 3600.0
    eventually(lambda: len(watches(ground)) >= 3)
    make(ground, "late")
    eventually(
        lambda: (
            known(cache, "late", ground.namespace) is not None or cache.record(MAPS, "late", namespace=ground.namespace)
        )
    )
    assert_no_gap(ground, cache)
    assert lists(ground) == 1


def test_s08_a_bookmark_moves_the_place_where_the_next_watch_begins(ground, cache):
    def bookmark(lines):
        first = json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(newest)}}})
        yield first.encode() + b"\n"

    newest = int(make(ground, "a")[0]["metadata"]["resourceVersion"])
    eventually(lambda: watches(ground))
    eventually(lambda: cache.has_synced(MAPS) and cache.record(MAPS, "a", namespace=ground.namespace))
    fault(ground, Lines(bookmark), "watch")
    ground.cut_connections()
    eventually(lambda: any(int(entry.query["resourceVersion"]) >= newest for entry in watches(ground)))
    assert_no_gap(ground, cache)
    assert lists(ground) == 1


def asks_for_a_stream(request):
    return request.query.get("sendInitialEvents") == "true"


def streaming(ground, **settings):
    return Cache(
        ground.connect(timeout=5), [MAPS], namespaces=[ground.namespace], pace=QUICK, watch_list=True, **settings
    )


def test_s09_streaming_lists_are_not_asked_for_unless_wanted(ground, cache):
    refused = fault(ground, Refuse(400), "watch", where=asks_for_a_stream, times=None)
    make(ground, "a")
    assert_no_gap(ground, cache)
    assert refused.fired == 0


def test_s09_a_streaming_list(ground):
    make(ground, "a", "b")
    with streaming(ground) as cache:
        assert_no_gap(ground, cache)
        make(ground, "late")
        edit(ground, "a", "changed")
        assert_no_gap(ground, cache)
    assert lists(ground) == 0


@pytest.mark.parametrize("code", [400, 422])
def test_s09_a_streaming_list_that_is_refused(ground, code):
    make(ground, "a")
    refused = fault(ground, Refuse(code), "watch", where=asks_for_a_stream, times=None)
    with streaming(ground) as cache:
        assert_no_gap(ground, cache)
        make(ground, "late")
        assert_no_gap(ground, cache)
    assert refused.fired == 1
    assert lists(ground) == 1


def test_s09_a_streaming_list_that_never_says_that_it_is_whole(ground):
    make(ground, "a")
    endless = fault(ground, without_bookmarks(), "watch", where=asks_for_a_stream, times=None)
    with streaming(ground) as cache:
        assert_no_gap(ground, cache)
    assert endless.fired == 1
    assert lists(ground) == 1


@pytest.mark.parametrize(
    "effect", [cut(2), cut(2, politely=True), error_event(410, "Expired", after=2)], ids=["cut", "politely", "410"]
)
def test_s09_a_streaming_list_that_breaks_off(ground, effect):
    """What has come by then is no list."""
    make(ground, *"abcdef")
    broken = fault(ground, effect, "watch", where=asks_for_a_stream)
    with streaming(ground) as cache:
        assert_no_gap(ground, cache)
    assert broken.fired == 1
    assert lists(ground) == 1


@pytest.mark.quick("scripted")
def test_s09_a_list_that_never_ends_is_given_up_and_asked_for_again(ground):
    hold = Hold()
    fault(ground, hold, "list", times=2)
    make(ground, "a")
    with Cache(ground.connect(), [MAPS], namespaces=[ground.namespace], pace=QUICK) as cache:
        eventually(lambda: isinstance(cache.error(MAPS), Unreachable))
        assert_no_gap(ground, cache)


def half_of_a_character(lines):
    """Cut within the two bytes of an ä."""
    for line in lines:
        place = line.find("ä".encode())
        if place >= 0:
            yield line[: place + 1]
            raise Dropped
        yield line


def noise(lines):
    """What a proxy may put between events."""
    yield b"\n"
    for line in lines:
        yield from (b"\n", line, b"\r\n")


CUTS = {
    "in a line": cut(1, line_share=0.5),
    "in a line, politely": cut(1, line_share=0.5, politely=True),
    "before the newline": Lines(lambda lines: (line[:-1] for line in lines)),
    "reset": cut(0, line_share=0.3, reset=True),
    "in a character": Lines(half_of_a_character),
    "empty lines": Lines(noise),
    "no JSON": Lines(lambda lines: (line[:20] + b"\n" for line in lines)),
    "an unknown type": Events(lambda event: [{**event, "type": "NEWS"}, event]),
}


@pytest.mark.parametrize("how", CUTS)
def test_s10_a_stream_that_is_cut(ground, cache, how):
    """What was complete counts, what was not comes again, and nothing is made of the rest."""
    monotonic = Monotonic(cache)
    eventually(lambda: watches(ground))
    happens = fault(ground, CUTS[how], "watch")
    ground.cut_connections()
    eventually(lambda: happens.fired)
    made = make(ground, "a", "b", "c", k="ä" * 50)
    eventually(lambda: cache.has_synced(MAPS) and known(cache, "c", ground.namespace))
    assert_no_gap(ground, cache)
    assert monotonic.back == []
    eventually(lambda: ("ADDED", "c") in monotonic.events)  # It is in the cache a moment before it is told.
    assert [name for kind, name in monotonic.events if kind == "ADDED" and name in {"a", "b", "c"}] == ["a", "b", "c"]
    assert known(cache, "a", ground.namespace) == made[0]["data"]


def test_s10_a_line_longer_than_a_megabyte(ground, cache):
    big = config_map("big", ground.namespace, metadata={"annotations": {"a": "x" * 200_000}}, k="ä" * 450_000)
    ground.admin.create(path_of(ground.namespace), big)
    eventually(lambda: cache.has_synced(MAPS) and known(cache, "big", ground.namespace) == big["data"])
    assert_no_gap(ground, cache)


@pytest.mark.parametrize(
    "effect", [Truncate(), Truncate(packed=True), Shorten(), Shorten(packed=True), Shorten(0.0)], ids=str
)
def test_s10_a_list_that_is_truncated(ground, effect):
    """Half a list is none: it would look as if the other half had been deleted."""
    make(ground, *(f"n{number}" for number in range(20)), k="v")
    happens = fault(ground, effect, "list", times=3)
    with Cache(ground.connect(), [MAPS], namespaces=[ground.namespace], pace=QUICK) as cache:
        deleted = Monotonic(cache)
        eventually(lambda: happens.fired == 3)
        assert_no_gap(ground, cache)
        happens = fault(ground, effect, "list", times=3)
        fault(ground, error_event(410), "watch", times=2)
        ground.cut_connections()
        eventually(lambda: happens.fired == 3)
        assert_no_gap(ground, cache)
        assert [event for event in deleted.events if event[0] == "DELETED"] == []


def test_s11_the_longest_silence_is_75_seconds():
    """What production waits before it takes a peer for dead, whatever that peer did before."""
    pace = Pace()
    assert pace.list_timeout <= 75
    longest = max(pace.seconds_of_watch() for _ in range(1000))
    assert longest + 5 <= pace.silence_of_watch(longest) <= 75
    assert DynamicCluster.__init__.__kwdefaults__["timeout"] <= 75


@pytest.mark.quick("scripted")
def test_s11_a_network_that_swallows_everything(ground, cache):
    """Half-open: the connections stay, no byte comes. Noticed, told, and made up for."""
    make(ground, "a")
    assert_no_gap(ground, cache)
    ground.freeze()
    eventually(lambda: isinstance(cache.error(MAPS), Unreachable))
    assert cache.has_synced(MAPS), "what was known stays readable"
    edit(ground, "a", "meanwhile")
    ground.thaw()
    eventually(lambda: known(cache, "a", ground.namespace) == {"k": "meanwhile"})
    assert_no_gap(ground, cache)
    assert lists(ground) == 1, "the history was still there"


def test_s11_a_watch_that_is_silent_while_all_else_works(ground, cache):
    make(ground, "a")
    eventually(lambda: watches(ground))
    happens = fault(ground, silence(0), "watch", times=2)
    ground.cut_connections()
    eventually(lambda: happens.fired)
    edit(ground, "a", "unseen")
    eventually(lambda: known(cache, "a", ground.namespace) == {"k": "unseen"})
    assert_no_gap(ground, cache)


def test_s11_writes_into_a_network_that_swallows_everything(ground):
    """The outcome is unknown, and told so in time; then it is as expected."""
    with engine(ground, timeout=0.5) as reconciler:
        converge(ground, reconciler, [config_map("a", ground.namespace, k="1")])
        ground.freeze()
        result = reconciler.reconcile([config_map("a", ground.namespace, k="2")])
        assert isinstance(result.failures[0].error, Unreachable)
        ground.thaw()
        converge(ground, reconciler, [config_map("a", ground.namespace, k="2")])


def test_s12_watches_that_end_at_once(ground, cache):
    """No busy loop (the rate is in s13), no list, and nothing is missed."""
    happens = fault(ground, Lines(lambda _: ()), "watch", times=8)
    eventually(lambda: happens.fired == 8)
    make(ground, "a")
    assert_no_gap(ground, cache)
    assert lists(ground) == 1


def test_s13_429_with_retry_after(ground, cache):
    """Asked to wait is no reason to list again."""
    make(ground, "a")
    eventually(lambda: watches(ground))
    happens = fault(ground, Refuse(429, retry_after=1), "watch", times=2)
    ground.cut_connections()
    eventually(lambda: happens.fired == 2)
    make(ground, "b")
    assert_no_gap(ground, cache)
    assert lists(ground) == 1
    refused = [entry for entry in watches(ground) if entry.status == 429]
    following = next(entry for entry in watches(ground) if entry.number > refused[-1].number)
    assert following.at - refused[-1].at >= 1


@pytest.mark.parametrize("code", [500, 503, 504])
def test_s13_a_server_that_is_not_well(ground, subject, code):
    make(ground, "a")
    happens = ground.faults.add(Refuse(code), times=6, where=lambda request: request.target.resource == "configmaps")
    with subject(ground) as reconciler:
        converge(ground, reconciler, [config_map("a", ground.namespace, k="1"), config_map("b", ground.namespace)])
    assert happens.fired == 6
    found = {name: counts for (plural, _, name), counts in ground.log.tally().items() if plural == "configmaps"}
    assert found == {"b": (1, 0)}


def test_s13_a_proxys_page_instead_of_a_status(ground, cache):
    happens = fault(ground, Refuse(502, body=b"<html>Bad Gateway</html>"), "list", "watch", times=4)
    eventually(lambda: happens.fired == 4)
    make(ground, "a")
    assert_no_gap(ground, cache)


def test_s13_connections_are_refused(ground, subject):
    expected = [config_map("a", ground.namespace, k="1")]
    with subject(ground) as reconciler:
        converge(ground, reconciler, expected)
        ground.refuse_connections()
        assert reconciler.reconcile(expected).counts["unchanged"] == 1
        eventually(lambda: isinstance(reconciler.cache.error(MAPS), Unreachable))
        edited = edit(ground, "a", "meanwhile")
        ground.listen()
        eventually(lambda: is_as_new(reconciler.cache, edited))
        converge(ground, reconciler, expected)


@pytest.mark.only("real", "the certificates are the front's, and the ground behind it makes no difference")
def test_s13_a_new_server_certificate(ground, subject, control_plane):
    with ProxiedServer(control_plane.kubeconfig, tls=True) as server:
        server.namespace = ground.namespace
        with engine(server) as reconciler:
            converge(server, reconciler, [config_map("a", ground.namespace, k="1")])
            server.renew_certificate()
            edit(ground, "a", "meanwhile")
            converge(server, reconciler, [config_map("a", ground.namespace, k="1")])
        with ProxiedServer(control_plane.kubeconfig, tls=True) as other:
            stranger = cluster_of(other.url, authority=server.authority)
            with pytest.raises(Unreachable, match=r"(?i)certificate"):
                stranger.request("GET", "/version")
            assert len(other.log) == 0, "nothing was said to a stranger"


def test_s13_a_token_that_is_rotated_while_a_watch_is_open(ground, subject, tmp_path, monkeypatch):
    """401: the token is read again from where it came from, and the reader goes on where it was."""
    monkeypatch.setattr(credentials, "_NOT_AGAIN_WITHIN", 0.5)
    token = tmp_path / "token"
    token.write_text("first")
    ground.token = "first"
    cluster = gr.connect(kubeconfig=str(ground.kubeconfig(tmp_path, tokenFile=str(token))))
    expected = [config_map("a", ground.namespace, k="1")]
    with subject(ground, cluster=cluster) as reconciler:
        converge(ground, reconciler, expected)
        ground.token = "second"
        ground.cut_connections()
        eventually(lambda: isinstance(reconciler.cache.error(MAPS), Unauthorized))
        edited = edit(ground, "a", "meanwhile")
        token.write_text("second")
        eventually(lambda: is_as_new(reconciler.cache, edited))
        converge(ground, reconciler, expected)
        assert lists(ground) == 1


def test_s14_events_that_come_twice(ground, cache):
    monotonic = Monotonic(cache)
    eventually(lambda: watches(ground))
    happens = fault(ground, duplicate(3), "watch", times=None)
    ground.cut_connections()
    eventually(lambda: happens.fired)
    make(ground, "a", k="1")
    edit(ground, "a", "2")
    ground.admin.delete(path_of(ground.namespace, "a"))
    make(ground, "a", k="3")
    eventually(lambda: known(cache, "a", ground.namespace) == {"k": "3"})
    assert_no_gap(ground, cache)
    assert monotonic.back == []
    ours = [kind for kind, name in monotonic.events if name == "a"]
    assert ours == ["ADDED", "MODIFIED", "DELETED", "ADDED"]


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_s14_events_out_of_order(ground, cache, seed, order):
    """Older news after newer: no object goes back, and a deleted one does not return."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    done = []

    def mixed(lines):
        kept = []
        for line in lines:
            if json.loads(line)["type"] == "BOOKMARK":
                continue
            kept.append(line)
            if len(kept) == 8:
                yield from reversed(kept) if order == "reversed" else dice.sample(kept, len(kept))
                done.append(True)
                kept.clear()

    monotonic = Monotonic(cache)
    eventually(lambda: watches(ground))
    # A watch that is quiet until all eight have come is not to be given up before.
    happens = fault(ground, Lines(mixed), "watch", times=None)
    ground.cut_connections()
    eventually(lambda: happens.fired)
    make(ground, "a", "b", k="0")
    for number in range(1, 6):
        edit(ground, "a", str(number))
    ground.admin.delete(path_of(ground.namespace, "b"))
    eventually(lambda: done)
    eventually(lambda: known(cache, "a", ground.namespace) == {"k": "5"})
    eventually(lambda: cache.record(MAPS, "b", namespace=ground.namespace) is None)
    assert monotonic.back == []
    deleted = [number for number, event in enumerate(monotonic.events) if event == ("DELETED", "b")]
    assert ("ADDED", "b") not in monotonic.events[deleted[0] :] if deleted else True


def test_s14_an_answer_that_arrives_after_newer_news(ground):
    """Our patch is answered late; meanwhile the watch has brought a later state of the object."""
    with engine(ground) as reconciler:
        converge(ground, reconciler, [config_map("a", ground.namespace, k="1")])
        monotonic = Monotonic(reconciler.cache)

        def overtaken(*_):
            version = int(edit(ground, "a", "theirs")["metadata"]["resourceVersion"])
            record = functools.partial(reconciler.cache.record, MAPS, "a", namespace=ground.namespace)
            eventually(lambda: record().resource_version >= version)

        fault(ground, Call(then=overtaken), "patch")
        reconciler.reconcile([config_map("a", ground.namespace, k="2")])
        assert known(reconciler.cache, "a", ground.namespace) == {"k": "theirs"}
        assert monotonic.back == []
        converge(ground, reconciler, [config_map("a", ground.namespace, k="2")])
