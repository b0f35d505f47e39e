"""The writer: what it sends, how often, and what it makes of answers."""

import datetime as dt
import json
from contextlib import contextmanager

import pytest

from genreconcile.cluster.refusal import ADMISSION, REFUSED_BY
from genreconcile.controllers.status import INTEREST, Restless, Run, Verdict
from genreconcile.errors import ClusterError, Conflict, Forbidden, NotLeading, Throttled, Unreachable
from genreconcile.sizes import TOO_LARGE
from genreconcile.testing.fake.fakecluster import FakeCluster
from support.eventually import eventually
from support.status_ground import MANAGER, StatusGround, conditions_of, memo, memo_kind, other_condition

GROUP = "memo.example.dev"
KIND = f"{GROUP}/v1/Memo"
READY = Verdict.reconciled()


class Watched:
    """A cluster that keeps what was written, and lets something happen before each PATCH."""

    def __init__(self, cluster):
        self._cluster = cluster
        self.sent = []
        self.before = lambda: None

    def __getattr__(self, name):
        return getattr(self._cluster, name)

    def request(self, method, path, *, query=None, body=None, **more):
        self.sent.append((method, path, dict(query or {}), json.loads(body) if body else None))
        if method == "PATCH" and query.get("fieldManager") == MANAGER:
            self.before()
        return self._cluster.request(method, path, query=query, body=body, **more)

    def patches(self):
        return [entry for entry in self.sent if entry[0] == "PATCH" and entry[2].get("fieldManager") == MANAGER]


@pytest.fixture
def open_ground():
    grounds = []

    def opened(**options):
        kind = memo_kind(GROUP, **options.pop("definition", {}))
        ground = StatusGround(Watched(FakeCluster([kind, memo(GROUP)])), KIND, **options)
        grounds.append(ground)
        ground.parent = ground.live(memo(GROUP))
        ground.writer.room()  # Reads the schemas.
        ground.cluster.sent.clear()
        return ground

    yield opened
    for ground in grounds:
        ground.stop()


@pytest.fixture
def ground(open_ground):
    return open_ground()


def status_of(ground):
    return ground.live(ground.parent).get("status", {})


def test_one_patch_to_the_status_subresource(ground):
    ground.write(ground.parent, READY, {"count": 1}, seen=ground.parent)
    ((method, path, query, operations),) = ground.cluster.sent
    assert (method, path) == ("PATCH", f"/apis/{GROUP}/v1/namespaces/default/memos/m/status")
    assert query == {"fieldManager": MANAGER, "fieldValidation": "Strict"}
    assert operations[0] == {"op": "test", "path": "/metadata/uid", "value": ground.parent["metadata"]["uid"]}


def test_the_answer_is_in_the_cache_at_once(ground):
    written = ground.write(ground.parent, READY, {"count": 1})
    assert ground.cache.get(KIND, "m", namespace="default") == written.answer


def test_what_is_as_it_should_be_costs_no_request(ground):
    ground.write(ground.parent, READY, {"count": 1})
    seen = ground.cache.get(KIND, "m", namespace="default")
    ground.cluster.sent.clear()
    assert ground.write(ground.parent, READY, {"count": 1}, seen=seen).status == "unchanged"
    assert ground.cluster.sent == []


def test_a_parent_from_a_cache_without_managers_is_read_first(open_ground):
    ground = open_ground(keep_managers=False)
    ground.write(ground.parent, READY, {"count": 1})
    seen = ground.cache.get(KIND, "m", namespace="default")
    assert "managedFields" not in seen["metadata"]
    ground.write(ground.parent, READY, {}, seen=seen)
    assert "count" not in status_of(ground)


def test_what_another_writer_does_meanwhile_is_respected(ground):
    ground.write(ground.parent, READY, {"note": "ours"})
    moves = [{"op": "add", "path": "/status/note", "value": "theirs"}]
    ground.cluster.before = lambda: moves and ground.patch(ground.parent, moves.pop())
    assert ground.write(ground.parent, READY, {}).status == "unchanged", "there was nothing more to be done"
    assert status_of(ground)["note"] == "theirs"


def test_the_tries_are_bounded(ground):
    ground.write(ground.parent, READY, {})
    numbers = iter(range(1000))

    def disturb():
        condition = {"op": "add", "path": "/status/conditions/0", "value": other_condition(f"T{next(numbers)}")}
        ground.patch(ground.parent, condition)

    ground.cluster.before = disturb
    ground.cluster.sent.clear()
    written = ground.write(ground.parent, Verdict.failed("x"), {})
    assert written.status == "failed"
    assert isinstance(written.error, Conflict)
    assert "the next run tries again" in str(written.error)
    assert len(ground.cluster.patches()) == 8


@pytest.mark.parametrize("error", [Forbidden("no", status=403), Unreachable("no"), Throttled("no", retry_after=7.0)])
def test_errors_of_the_cluster_are_an_outcome(ground, error):
    def refuse():
        raise error

    ground.cluster.before = refuse
    written = ground.write(ground.parent, READY, {})
    assert (written.status, written.error) == ("failed", error)
    assert written.retry_after == getattr(error, "retry_after", None)


def test_who_does_not_lead_sends_nothing(open_ground):
    ground = open_ground(may_write=lambda: False)
    written = ground.write(ground.parent, READY, {}, seen=ground.parent)
    assert isinstance(written.error, NotLeading)
    assert ground.cluster.sent == []


def test_a_parent_that_is_gone_is_no_failure(ground):
    ground.cluster.request("DELETE", ground.path(ground.parent))
    assert ground.write(ground.parent, READY, {}, seen=ground.parent).status == "gone"


def test_a_parent_that_was_made_anew_is_another_one(ground):
    ground.cluster.request("DELETE", ground.path(ground.parent))
    new = ground.create(memo(GROUP))
    assert ground.write(ground.parent, READY, {"count": 1}, seen=ground.parent).status == "gone"
    assert ground.live(new)["metadata"]["resourceVersion"] == new["metadata"]["resourceVersion"]


def test_values_that_the_server_refuses_are_a_condition(ground):
    written = ground.write(ground.parent, READY, {"small": 10})
    assert written.status == "written"
    ready = conditions_of(ground.live(ground.parent))["Ready"]
    assert (ready["status"], ready["reason"], ready["message"]) == ("False", "Failed", str(written.error))
    assert "small" not in status_of(ground)
    assert ground.write(ground.parent, READY, {"small": 10}).status == "unchanged"


def test_a_restless_status_is_held_and_not_lost(open_ground):
    seconds = [0.0]
    ground = open_ground(restless=Restless(clock=lambda: seconds[0]))
    outcomes = []
    for number in range(7):
        outcomes.append(ground.write(ground.parent, READY, {"count": number}, equal_reads=number > 0))
        seconds[0] += 1
    assert [written.status for written in outcomes] == ["written"] * 5 + ["held"] * 2
    assert [bool(written.warnings) for written in outcomes] == [False] * 5 + [True, False]
    assert "at /status/count:" in outcomes[5].warnings[0]
    assert (seconds[0], outcomes[6].retry_after) == (7.0, 58.0)
    seconds[0] = 6 + outcomes[6].retry_after
    assert ground.write(ground.parent, READY, {"count": 99}, equal_reads=True).status == "written"
    assert status_of(ground)["count"] == 99


@contextmanager
def news_of(ground):
    """The changes of the parent that are news, by their versions."""
    news = []

    def note(event):
        if ground.writer.news.has_news(event.record.decode()):
            news.append(event.resource_version)

    end = ground.cache.subscribe(note)
    yield news
    end()


def seen_now(ground):
    """A run begins."""
    seen = ground.cache.get(KIND, "m", namespace="default")
    ground.writer.news.saw(seen)
    return seen


def test_our_own_write_does_not_wake_us_and_others_edits_do(ground):
    edits = []
    with news_of(ground) as news:
        for number in range(3):
            ground.write(ground.parent, READY, {"count": number}, seen=seen_now(ground))
        for path, value, subresource in (
            ("/spec/size", 5, ""), ("/metadata/labels", {"a": "b"}, ""), ("/status/count", 77, "/status"),
        ):  # fmt: skip
            edited = ground.patch(ground.parent, {"op": "add", "path": path, "value": value}, subresource=subresource)
            edits.append(edited["metadata"]["resourceVersion"])
            assert eventually(lambda: edits[-1] in news)
            seen_now(ground)
        assert news == edits, "events come in order: those of our writes have come"


@pytest.mark.parametrize("path", ["/spec/size", "/status/note"])
def test_an_edit_that_comes_with_our_own_answer_is_news(ground, path):
    """The cache never sees the version between: the answer to our patch is newer, and holds both."""
    seen = seen_now(ground)
    edits = [{"op": "add", "path": path, "value": 5 if path == "/spec/size" else "theirs"}]
    if path == "/status/note":
        ground.write(ground.parent, READY, {}, seen=seen)
        seen = seen_now(ground)
    subresource = "" if path == "/spec/size" else "/status"
    ground.cluster.before = lambda: edits and ground.patch(ground.parent, edits.pop(), subresource=subresource)
    with news_of(ground) as news:
        written = ground.write(ground.parent, READY, {"count": 1}, seen=seen)
        assert eventually(lambda: written.answer["metadata"]["resourceVersion"] in news)


def test_an_edit_during_a_run_is_news(ground):
    ground.write(ground.parent, READY, {"count": 1}, seen=seen_now(ground))
    other = ground.patch(ground.parent, {"op": "add", "path": "/spec/size", "value": 5}, subresource="")
    ground.writer.news.saw(other)  # A run begins, and sees 5.
    back = ground.patch(ground.parent, {"op": "add", "path": "/spec/size", "value": 1}, subresource="")
    assert ground.writer.news.has_news(back), "although an earlier run left it so"


def test_a_restart_takes_everything_for_news(ground):
    assert ground.writer.news.has_news(ground.parent)
    ground.writer.news.saw(ground.parent)
    assert not ground.writer.news.has_news(ground.parent)
    ground.writer.forget(ground.parent["metadata"]["uid"])
    assert ground.writer.news.has_news(ground.parent)


def test_last_transition_time_is_the_time_of_the_write(open_ground):
    ground = open_ground(now=lambda: dt.datetime(2026, 5, 4, 3, 2, 1, 999, tzinfo=dt.UTC))
    ground.write(ground.parent, READY, {})
    assert conditions_of(ground.live(ground.parent))["Ready"]["lastTransitionTime"] == "2026-05-04T03:02:01Z"


def test_what_is_left_out_is_told_once(ground):
    ground.patch(ground.parent, {"op": "add", "path": "/status", "value": {"observedGeneration": 7}})
    first = ground.write(ground.parent, READY, {"unknown": 1})
    assert first.warnings == (
        f"{KIND}: /status/unknown: left out: the schema has no such field; declare it there",
        f"{KIND}: /status/observedGeneration: stays as it is: another field manager wrote it",
    )
    assert [warning.code for warning in first.warnings] == ["GR912", "GR913"]
    assert ground.write(ground.parent, READY, {"unknown": 1}).warnings == ()


def test_with_the_interest_a_parent_from_the_cache_is_enough(open_ground):
    ground = open_ground(keep_managers=False, interest=INTEREST)
    ground.write(ground.parent, READY, {"count": 1})
    ground.cluster.sent.clear()
    seen = ground.cache.record(KIND, "m", namespace="default").decode_with_managers()
    assert ground.write(ground.parent, READY, {}, seen=seen).status == "written"
    assert [method for method, *_ in ground.cluster.sent] == ["PATCH"]
    assert "count" not in status_of(ground)


def test_a_status_that_is_too_large_is_a_condition(ground):
    refusal = ClusterError("too large", status=500, details={TOO_LARGE: "etcdserver: request is too large"})
    large = [refusal, refusal]

    def refuse():
        if large:
            raise large.pop()

    ground.cluster.before = refuse
    written = ground.write(ground.parent, READY, {"note": "x"})
    assert (written.status, written.error) == ("written", refusal)
    assert conditions_of(ground.live(ground.parent))["Ready"]["message"] == "too large"


def test_conditions_that_are_refused_as_well_are_a_failure(ground):
    def refuse():
        raise Forbidden("no", status=403, details={REFUSED_BY: ADMISSION})

    ground.cluster.before = refuse
    assert ground.write(ground.parent, READY, {"note": "x"}).status == "failed"


def test_values_do_not_show_in_representations(ground):
    written = ground.write(ground.parent, READY, {"note": "hunter2"})
    assert "hunter2" not in repr(written) + repr(Run(verdict=READY, keys={"note": "hunter2"}))
    assert "hunter2" in str(written.draft.operations)


def test_a_definition_that_gets_a_status_is_known_at_the_next_run(open_ground):
    ground = open_ground(definition={"subresource": False})
    assert ground.write(ground.parent, READY, {"count": 1}).status == "unchanged"
    admin = ground.cluster._cluster
    kind = "apiextensions.k8s.io/v1/CustomResourceDefinition"
    path = "/spec/versions/0/subresources"
    admin.patch(kind, f"memos.{GROUP}", {"op": "add", "path": path, "value": {"status": {}}}, namespace="")
    ground.catalog.discovery.invalidate()
    assert ground.write(ground.parent, READY, {"count": 1}).status == "written"
