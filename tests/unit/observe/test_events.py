"""Events: what is sent, what becomes a series, what is dropped, and that nobody who records notices."""

import datetime as dt
import json
import logging
import re
import socket
import threading

import pytest

from genreconcile.cluster import Interrupt
from genreconcile.errors import ClusterError, Conflict, Forbidden, Gone, Invalid, NotFound, Unreachable
from genreconcile.observe.events import Recorder
from support.eventually import LONG, eventually

EVENTS = "/apis/events.k8s.io/v1/namespaces/{}/events"
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
SAME_FOR, INTERVAL = 360.0, 300.0
BURST, QUEUED, KNOWN = 25, 1000, 1000


class Server:
    """Notes each request, and fails with what ``answers`` holds for it."""

    def __init__(self):
        self.requests, self.threads, self.answers = [], [], []

    def request(self, method, path, *, query=None, body=None, content_type="", timeout=None):
        self.threads.append(threading.current_thread())
        self.requests.append((method, path, json.loads(body), query, content_type, timeout))
        answer = self.answers.pop(0) if self.answers else None
        if callable(answer):
            answer = answer()
        if answer is not None:
            raise answer
        return b"{}"

    @property
    def methods(self):
        return [request[0] for request in self.requests]

    @property
    def bodies(self):
        return [request[2] for request in self.requests]


class Clock:
    """Seconds, and the same as the time of the day."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds

    def now(self):
        zone = dt.timezone(dt.timedelta(hours=2))
        return dt.datetime(2026, 1, 1, 2, tzinfo=zone) + dt.timedelta(seconds=self.seconds - 1000.0)


class Gate:
    """An answer that waits until it is opened, or until its request is interrupted."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()
        self.ended = None

    def __call__(self):
        Interrupt.current().register(self.end)
        self.reached.set()
        assert self.opened.wait(LONG)
        return self.ended

    def end(self):
        self.ended = Unreachable("interrupted")
        self.opened.set()


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(server, clock):
    opened = Recorder(server, "genreconcile-things", instance="host-1", clock=clock, now=clock.now)
    yield opened
    opened.close()


@pytest.fixture
def gate(server):
    """Holds the first request."""
    gate = Gate()
    server.answers.append(gate)
    yield gate
    gate.opened.set()


def thing(name="one", namespace="shop", uid="uid-1", **metadata):
    metadata = {"name": name, "namespace": namespace, "uid": uid, "resourceVersion": "7", **metadata}
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {k: v for k, v in metadata.items() if v}}


def record(recorder, regarding=None, **fields):
    fields = {"type": "Normal", "reason": "Created", "action": "Create", "note": "made a child", **fields}
    recorder.record(thing() if regarding is None else regarding, **fields)


def handled(recorder, *args, **fields):
    record(recorder, *args, **fields)
    assert recorder.flush(LONG)


def test_an_event_has_all_that_the_api_wants(server, recorder):
    child = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop", "uid": "uid-2"}}
    handled(recorder, {**thing(labels={"a": "b"}), "spec": {"password": "hunter2"}}, related=child)
    ((method, path, body, query, content_type, timeout),) = server.requests
    name = body["metadata"].pop("name")
    assert re.fullmatch(r"one\.[0-9a-f]{16}", name)
    assert (method, path, content_type, timeout) == ("POST", EVENTS.format("shop"), "application/json", 5.0)
    assert query == {"fieldManager": "genreconcile-things"}
    assert body == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": "shop"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "type": "Normal",
        "reason": "Created",
        "action": "Create",
        "note": "made a child",
        "regarding": {
            "apiVersion": "example.com/v1", "kind": "Thing", "namespace": "shop", "name": "one", "uid": "uid-1"
        },
        "related": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "p", "uid": "uid-2"},
        "reportingController": "genreconcile-things",
        "reportingInstance": "host-1",
    }  # fmt: skip
    assert recorder.counts == (1, 0, 0)


def test_without_an_instance_it_is_the_host(server, clock):
    recorder = Recorder(server, "genreconcile-things", clock=clock)
    handled(recorder)
    recorder.close()
    assert server.bodies[0]["reportingInstance"] == socket.gethostname()
    assert re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", server.bodies[0]["eventTime"])
    assert "related" not in server.bodies[0]


@pytest.mark.parametrize(
    ("manager", "controller"),
    [
        ("a" * 128, "a" * 63),
        ("Argo CD/é", "Argo-CD"),
        ("é", "genreconcile"),
        ("my_program.v2", "my_program.v2"),
    ],
)
def test_the_controller_is_a_qualified_name(server, manager, controller):
    recorder = Recorder(server, manager, instance="h" * 200)
    handled(recorder)
    recorder.close()
    body = server.bodies[0]
    assert (body["reportingController"], server.requests[0][3]) == (controller, {"fieldManager": manager})
    assert len(body["reportingInstance"].encode()) == 128


def test_it_is_sent_by_a_thread_of_its_own_which_the_first_record_starts(server, recorder):
    names = [thread.name for thread in threading.enumerate()]
    assert "genreconcile-events" not in names
    handled(recorder)
    (thread,) = server.threads
    assert (thread.name, thread.daemon) == ("genreconcile-events", True)


def test_an_object_without_a_namespace(server, recorder):
    handled(recorder, thing(namespace=""))
    assert server.requests[0][1] == EVENTS.format("default")
    assert server.bodies[0]["metadata"]["namespace"] == "default"
    assert "namespace" not in server.bodies[0]["regarding"]


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("system:node-Proxier", "system-node-proxier."),
        ("::a..b-.-c:", "a.b.c."),
        ("x" * 253, "x" * 236 + "."),
        ("x" * 235 + ".yyy", "x" * 235 + "."),
        (":", ""),
        ("Ünï", "n."),
        ("", ""),
    ],
)
def test_the_name_is_that_of_a_subdomain(server, recorder, name, begin):
    handled(recorder, thing(name=name))
    event = server.bodies[0]["metadata"]["name"]
    assert SUBDOMAIN.fullmatch(event)
    assert len(event) <= 253
    assert re.fullmatch(re.escape(begin) + "[0-9a-f]{16}", event)
    assert server.bodies[0]["regarding"].get("name", "") == name


@pytest.mark.parametrize(("field", "most"), [("note", 1024), ("reason", 128), ("action", 128)])
def test_texts_are_cut_between_characters(server, recorder, field, most):
    for text, cut in [
        ("x" * most, "x" * most),
        ("x" * (most + 1), "x" * (most - 3) + "…"),
        ("é" * most, "é" * ((most - 3) // 2) + "…"),
        ("😀" * most, "😀" * ((most - 3) // 4) + "…"),
    ]:
        handled(recorder, **{field: text})
        assert server.bodies[-1][field] == cut
        assert len(cut.encode()) <= most


def test_half_a_pair_of_surrogates_is_told_otherwise(server, recorder):
    handled(recorder, note="a\ud800b")
    assert server.bodies[0]["note"] == "a?b"


def test_equal_events_become_a_series(server, clock, recorder):
    for seconds in (1000.0, 1001.5, 1002.0):
        clock.seconds = seconds
        handled(recorder, {**thing(resourceVersion=str(seconds)), "status": {"now": seconds}})
    first, *others = server.requests
    path = f"{EVENTS.format('shop')}/{first[2]['metadata']['name']}"
    assert "series" not in first[2]
    times = [(2, "2026-01-01T00:00:01.500000Z"), (3, "2026-01-01T00:00:02.000000Z")]
    assert others == [
        (
            "PATCH",
            path,
            {"series": {"count": count, "lastObservedTime": time}},
            {"fieldManager": "genreconcile-things"},
            "application/merge-patch+json",
            5.0,
        )
        for count, time in times
    ]
    assert recorder.counts == (3, 0, 0)


@pytest.mark.parametrize(
    "other",
    [
        {"type": "Warning"},
        {"reason": "Deleted"},
        {"action": "Delete"},
        {"note": "made another child"},
        {"related": thing("two", uid="uid-2")},
        {"regarding": thing(uid="uid-anew")},
        {"regarding": thing("two")},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_events_are_others(server, recorder, other):
    handled(recorder)
    handled(recorder, **other)
    handled(recorder, **other)
    assert server.methods == ["POST", "POST", "PATCH"]


def test_six_minutes_after_the_last_occurrence_a_series_is_over(server, clock, recorder):
    for pause in (0, SAME_FOR - 1, SAME_FOR - 1, SAME_FOR):
        clock.seconds += pause
        handled(recorder)
    assert server.methods == ["POST", "PATCH", "PATCH", "POST"]
    assert server.bodies[0]["metadata"]["name"] != server.bodies[3]["metadata"]["name"]
    handled(recorder)
    assert (server.methods[-1], server.bodies[-1]["series"]["count"]) == ("PATCH", 2)


def test_the_time_of_a_record_counts_and_not_that_of_its_request(server, clock, recorder, gate):
    record(recorder)
    assert gate.reached.wait(LONG)
    record(recorder)
    clock.seconds += SAME_FOR
    gate.opened.set()
    assert recorder.flush(LONG)
    assert server.methods == ["POST", "PATCH"]
    assert server.bodies[1]["series"]["lastObservedTime"] == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("error", [NotFound, Gone])
def test_an_event_that_is_gone_is_made_anew(server, recorder, error):
    handled(recorder)
    server.answers.append(error("gone"))
    handled(recorder)
    handled(recorder)
    assert server.methods == ["POST", "PATCH", "POST", "PATCH"]
    first, _, anew, then = server.requests
    assert first[2]["metadata"]["name"] != anew[2]["metadata"]["name"]
    assert "series" not in anew[2]
    assert then[1].endswith(f"/{anew[2]['metadata']['name']}")
    assert then[2]["series"]["count"] == 2
    assert recorder.counts == (3, 0, 0)


def test_known_events_are_bounded(server, clock, recorder):
    handled(recorder)
    for number in range(KNOWN):
        handled(recorder, thing(uid=f"other-{number}"))
    handled(recorder)
    assert server.methods == ["POST"] * (KNOWN + 2)
    handled(recorder, thing(uid=f"other-{KNOWN - 1}"))
    assert server.methods[-1] == "PATCH"


def test_the_rate_of_an_object_is_limited(server, clock, recorder):
    for number in range(BURST + 5):
        record(recorder, note=str(number))
    assert recorder.flush(LONG)
    assert recorder.counts == (BURST, 5, 0)
    handled(recorder, thing("two", uid="uid-2"))
    assert recorder.counts == (BURST + 1, 5, 0)
    for seconds, sent in [(INTERVAL - 1, 0), (1, 1), (0, 0), (INTERVAL, 1), (10 * BURST * INTERVAL, 1)]:
        clock.seconds += seconds
        before = recorder.counts.sent
        handled(recorder, note=f"after {seconds}")
        assert recorder.counts.sent - before == sent
    for number in range(BURST):
        handled(recorder, note=f"then {number}")
    assert recorder.counts.sent == 2 * BURST + 3  # All tokens were there again.


def test_the_queue_is_bounded_and_nobody_waits(server, recorder, gate):
    record(recorder, thing(uid="first"))
    assert gate.reached.wait(LONG)
    for number in range(QUEUED + 3):
        record(recorder, thing(uid=str(number)))
    assert recorder.counts == (0, 3, 0)
    assert not recorder.flush(0)
    gate.opened.set()
    assert recorder.flush(LONG)
    assert recorder.counts == (QUEUED + 1, 3, 0)
    assert server.bodies[-1]["regarding"]["uid"] == str(QUEUED - 1)


def test_flush_waits_for_the_request_on_its_way(recorder, gate):
    record(recorder)
    assert gate.reached.wait(LONG)
    assert not recorder.flush(0)


def test_without_the_right_it_is_off_after_one_warning(server, recorder, gate, caplog):
    """In that namespace alone: an account may have the right in some."""
    record(recorder, thing(namespace=""))
    assert gate.reached.wait(LONG)
    record(recorder, thing(namespace="", uid="another"))
    gate.ended = Forbidden("hunter2", status=403)
    gate.opened.set()
    assert recorder.flush(LONG)
    handled(recorder, thing(namespace=""))
    assert (server.methods, recorder.counts) == (["POST"], (0, 2, 1))
    handled(recorder)
    assert (server.methods, recorder.counts) == (["POST"] * 2, (1, 2, 1))
    (entry,) = caplog.records
    assert (entry.levelno, entry.name) == (logging.WARNING, "genreconcile.observe")
    assert entry.getMessage() == (
        "no Event is written there any more: not allowed: "
        "allow create and patch of events.events.k8s.io in the namespace default [GR403]"
    )


def test_a_patch_that_is_not_allowed_turns_it_off_too(server, recorder, caplog):
    handled(recorder)
    server.answers.append(Forbidden("no", status=403))
    for _ in range(3):
        handled(recorder)
    assert (server.methods, recorder.counts) == (["POST", "PATCH"], (1, 2, 1))
    assert len(caplog.records) == 1


@pytest.mark.parametrize("by", ["plugin", "admission"])
def test_a_refusal_for_another_reason_than_a_right_does_not(server, recorder, caplog, by):
    """A quota, a policy, a namespace that is being deleted: see ``cluster/refusal.py``."""
    server.answers.append(Forbidden("no", status=403, details={"refusedBy": by}))
    handled(recorder)
    handled(recorder)
    assert (server.methods, recorder.counts) == (["POST", "POST"], (1, 0, 1))
    assert caplog.records == []


@pytest.mark.parametrize(
    "error",
    [
        Conflict("hunter2", status=409),
        Invalid("hunter2", status=422),
        NotFound("hunter2", status=404),
        Unreachable("hunter2"),
        ClusterError("hunter2", status=500),
        ValueError("hunter2"),
        RecursionError("hunter2"),
    ],
    ids=lambda error: error.__class__.__name__,
)
def test_an_error_costs_one_event_and_is_told_without_values(server, recorder, caplog, error):
    caplog.set_level(logging.DEBUG)
    server.answers.append(error)
    handled(recorder, note="hunter2")
    assert (server.methods, recorder.counts) == (["POST"], (0, 0, 1))
    assert [entry.levelno for entry in caplog.records] == [logging.DEBUG]
    assert error.__class__.__name__ in caplog.text
    assert "hunter2" not in caplog.text
    handled(recorder, note="hunter2")
    assert (server.methods, recorder.counts) == (["POST", "POST"], (1, 0, 1))


def test_one_that_is_gone_and_cannot_be_made_anew_is_made_with_the_next(server, recorder):
    handled(recorder)
    server.answers += [NotFound("gone"), Unreachable("u"), NotFound("gone")]
    handled(recorder)
    handled(recorder)
    handled(recorder)
    assert server.methods == ["POST", "PATCH", "POST", "PATCH", "POST", "PATCH"]
    assert recorder.counts == (3, 0, 1)
    assert server.bodies[-1]["series"]["count"] == 2


@pytest.mark.parametrize("error", [Conflict("c", status=409), Unreachable("u")])
def test_an_occurrence_that_was_not_told_is_part_of_the_next_count(server, recorder, error):
    handled(recorder)
    server.answers.append(error)
    handled(recorder)
    handled(recorder)
    assert server.methods == ["POST", "PATCH", "PATCH"]
    assert server.bodies[-1]["series"]["count"] == 3
    assert recorder.counts == (2, 0, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "warning"},
        {"type": None},
        {"reason": ""},
        {"action": ""},
        {"action": "a\nb"},
        {"note": None},
        {"regarding": 7},
        {"related": 7},
    ],
    ids=str,
)
def test_what_is_not_usable_is_dropped(server, recorder, caplog, wrong):
    caplog.set_level(logging.DEBUG)
    handled(recorder, **wrong)
    assert (server.requests, recorder.counts) == ([], (0, 1, 0))
    assert [entry.levelno for entry in caplog.records] == [logging.DEBUG]


def test_strange_metadata_is_nothing_to_fail_at(server, recorder):
    for obj in ({}, {"metadata": None}, {"metadata": 7, "kind": None}):
        handled(recorder, obj)
    assert recorder.counts == (3, 0, 0)


def test_a_thread_that_cannot_be_started_costs_one_event(server, recorder, monkeypatch):
    with monkeypatch.context() as patched:

        def refuse(_self):
            raise RuntimeError("can't start new thread")

        patched.setattr(threading.Thread, "start", refuse)
        record(recorder)
    assert recorder.counts == (0, 1, 0)
    handled(recorder)
    assert recorder.counts == (1, 1, 0)


def test_close_sends_what_waits(server, recorder, gate):
    for number in range(10):
        record(recorder, note=str(number))
    assert gate.reached.wait(LONG)
    closing = threading.Thread(target=recorder.close, args=(LONG,))
    closing.start()
    eventually(lambda: recorder._is_over)
    record(recorder, note="too late")
    gate.opened.set()
    closing.join(LONG)
    assert recorder.counts == (10, 1, 0)
    assert not server.threads[0].is_alive()
    recorder.close()
    assert recorder.counts == (10, 1, 0)


def test_close_ends_what_hangs(server, recorder, gate):
    for number in range(10):
        record(recorder, note=str(number))
    assert gate.reached.wait(LONG)
    recorder.close(0.01)
    eventually(lambda: not server.threads[0].is_alive())
    assert isinstance(gate.ended, Unreachable)
    assert (server.methods, recorder.counts) == (["POST"], (0, 9, 1))


def test_a_recorder_without_records_has_nothing_to_close(server, recorder):
    assert recorder.flush(0)
    recorder.close()
    handled(recorder)
    assert (server.requests, recorder.counts) == ([], (0, 1, 0))
