"""What is counted and told of runs, on a cluster in memory: of drift, with who caused it, and of what fails."""

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

import genreconcile as gr
from genreconcile.controllers.program import program_of
from genreconcile.controllers.telling import Telling
from genreconcile.data import Managers, Own, shipped
from genreconcile.errors import InputError
from genreconcile.observe import Figures, Listener, Observer, parse_address
from genreconcile.observe.figures import BUCKETS, Histogram
from support.eventually import eventually
from unit.controllers import things
from unit.controllers.things import MAP, config, controller, edit, names, thing

OF_MAPS = {"controller": "things", "kind": "ConfigMap"}
LEASE = gr.Lease("things", duration=60, renew_deadline=45.0, retry_period=0.05)
SHARDED = gr.Lease(
    "things", duration=60, renew_deadline=45.0, retry_period=0.05, shards=2, shard_identity=0, takeover_after=0
)


@pytest.fixture
def fake():
    with things.cluster(thing("one", names=["a"])) as fake:
        yield fake


def stated(parent, ctx):
    for name in parent["spec"]["names"]:
        yield config(name)


class Scraped:
    """A program and its endpoints."""

    def __init__(self, fake, function=stated, *, events=True, sources=None, **settings):
        self.telling = Telling(fake, events=events)
        sources = sources or [controller(function, min_interval=0)]
        self.program = program_of(*sources, cluster=fake, observing=self.telling.observer, **settings)
        self.endpoints = Listener("127.0.0.1:0", lambda: self.telling.state(self.program))

    def __enter__(self):
        self.endpoints.__enter__()
        return self

    def __exit__(self, *_):
        self.program.stop()
        self.telling.close()
        self.endpoints.__exit__()

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.endpoints.port}{path}") as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def samples(self):
        """By name and labels."""
        found = {}
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for one in family.samples:
                found[one.name, tuple(sorted(one.labels.items()))] = one.value
        return found

    def sample(self, metric, /, **labels):
        return self.samples().get((metric, tuple(sorted(labels.items()))))


def events_of(fake):
    return json.loads(fake.request("GET", shipped(Own).event.path("shop")))["items"]


def meddle(fake, name, manager):
    body = json.dumps([{"op": "replace", "path": "/data/k", "value": "theirs"}]).encode()
    path, query = f"/api/v1/namespaces/shop/configmaps/{name}", {"fieldManager": manager}
    fake.request("PATCH", path, query=query, body=body, content_type="application/json-patch+json")


def told(fake, reason):
    return [(event["type"], event["note"]) for event in events_of(fake) if event["reason"] == reason]


def test_drift_is_counted_and_told_with_who_caused_it(fake):
    with Scraped(fake) as scraped, scraped.program:
        eventually(lambda: names(fake) == ["a"])
        eventually(lambda: scraped.sample("workqueue_depth", name="things") == 0)
        meddle(fake, "a", "kubectl-edit")
        eventually(lambda: fake.get(MAP, "a")["data"] == {"k": "v"})
        eventually(lambda: told(fake, "DriftRepaired"))
        fake.delete(MAP, "a")
        eventually(lambda: names(fake) == ["a"])
        eventually(lambda: len(told(fake, "DriftRepaired")) == 2)
        edit(fake, names=["b"])
        eventually(lambda: told(fake, "Deleted"))
        assert sorted(told(fake, "DriftRepaired")) == [
            ("Normal", "Created ConfigMap shop/a again: it was gone"),
            ("Normal", "Repaired ConfigMap shop/a: /data/k (set by kubectl-edit)"),
        ]
        assert sorted(told(fake, "Created")) == [
            ("Normal", "Created ConfigMap shop/a"),
            ("Normal", "Created ConfigMap shop/b"),
        ]
        assert told(fake, "Deleted") == [("Normal", "Deleted ConfigMap shop/a")]
        assert {event["regarding"]["name"] for event in events_of(fake)} == {"one"}
        assert {event["related"]["kind"] for event in events_of(fake)} == {"ConfigMap"}
        assert scraped.sample("genreconcile_repairs_total", **OF_MAPS) == 2
        assert scraped.sample("genreconcile_drift_fields_total", kind="ConfigMap", manager="kubectl-edit") == 1
        assert scraped.sample("genreconcile_writes_total", operation="created", **OF_MAPS) == 3
        assert scraped.sample("genreconcile_writes_total", operation="deleted", **OF_MAPS) == 1
        eventually(lambda: scraped.sample("genreconcile_events_total", result="sent") == len(events_of(fake)))


def test_what_one_run_does_to_several_children_is_one_event(fake):
    edit(fake, names=["a", "b"])
    with Scraped(fake) as scraped, scraped.program:
        eventually(lambda: names(fake) == ["a", "b"])
        eventually(lambda: told(fake, "Created"))
        edit(fake, names=[])
        eventually(lambda: told(fake, "Deleted"))
        assert told(fake, "Created") == [("Normal", "Created ConfigMap shop/a, ConfigMap shop/b")]
        assert told(fake, "Deleted") == [("Normal", "Deleted ConfigMap shop/a, ConfigMap shop/b")]
        assert [event for event in events_of(fake) if "related" in event] == []
        edit(fake, names=[f"c{number}" for number in range(12)])
        eventually(lambda: len(told(fake, "Created")) == 2)
        assert any(note.endswith(", ConfigMap shop/c9 and 2 more") for _, note in told(fake, "Created"))


def test_an_edit_of_the_parent_is_no_drift(fake):
    def sized(parent, ctx):
        yield config("a", k=parent["spec"]["names"][0])

    with Scraped(fake, sized) as scraped, scraped.program:
        eventually(lambda: names(fake) == ["a"])
        edit(fake, names=["other"])
        eventually(lambda: told(fake, "Updated") == [("Normal", "Updated ConfigMap shop/a")])
        assert told(fake, "DriftRepaired") == []
        assert scraped.sample("genreconcile_repairs_total", controller="things", kind="ConfigMap") == 0


def test_what_fails_is_told_and_no_value_of_it(fake):
    def failing(parent, ctx):
        raise ValueError("hunter2")
        yield

    with Scraped(fake, failing) as scraped, scraped.program:
        eventually(lambda: told(fake, "Failed"))
        ((kind, note),) = set(told(fake, "Failed"))
        assert kind == "Warning"
        assert "ValueError" in note
        assert "hunter2" not in note
        eventually(lambda: scraped.sample("genreconcile_reconcile_total", controller="things", result="error"))


def test_a_guard_that_refuses_is_told(fake):
    limited = controller(stated, min_interval=0, max_deletions=0)
    with Scraped(fake, sources=[limited]) as scraped, scraped.program:
        eventually(lambda: names(fake) == ["a"])
        edit(fake, names=[])
        eventually(lambda: told(fake, "GuardRefused"))
        assert names(fake) == ["a"]


def test_another_build_that_would_change_too_much_is_told(fake):
    names_ = [f"c{number}" for number in range(20)]
    edit(fake, names=names_)
    with Scraped(fake) as scraped, scraped.program:
        eventually(lambda: len(names(fake)) == 20)
    found = {}
    exec(  # noqa: S102 - a function of another file is another build
        "def other(parent, ctx):\n    for name in parent['spec']['names']:\n        yield config(name, k='other')\n",
        {"config": config},
        found,
    )
    with Scraped(fake, found["other"]) as scraped, scraped.program:
        eventually(lambda: scraped.program.refused)
        eventually(lambda: told(fake, "GuardRefused"))
        assert "--accept-changes" in told(fake, "GuardRefused")[0][1]


def test_without_events_nothing_is_written(fake):
    with Scraped(fake, events=False) as scraped, scraped.program:
        eventually(lambda: names(fake) == ["a"])
        eventually(
            lambda: scraped.sample(
                "genreconcile_writes_total", controller="things", kind="ConfigMap", operation="created"
            )
        )
        assert events_of(fake) == []


def test_a_set_tells_of_its_objects(fake):
    kept = gr.callable(lambda: [config("kept")], name="kept", namespace="shop")
    with Scraped(fake, sources=[kept]) as scraped, scraped.program:
        eventually(lambda: names(fake) == ["kept"])
        eventually(lambda: scraped.sample("genreconcile_reconcile_total", controller="kept", result="success"))
        meddle(fake, "kept", "helm")
        eventually(lambda: told(fake, "DriftRepaired"))
        assert told(fake, "DriftRepaired") == [("Normal", "Repaired ConfigMap shop/kept: /data/k (set by helm)")]
        (event,) = (event for event in events_of(fake) if event["reason"] == "DriftRepaired")
        assert (event["regarding"]["kind"], event["regarding"]["name"]) == ("ConfigMap", "kept")
        assert scraped.sample("genreconcile_drift_fields_total", kind="ConfigMap", manager="helm") == 1


def test_a_set_tells_of_each_of_its_objects(fake):
    made = gr.callable(lambda: [config("kept"), config("other")], name="kept", namespace="shop")
    with Scraped(fake, sources=[made]) as scraped, scraped.program:
        eventually(lambda: len(told(fake, "Created")) == 2)
        assert sorted(event["regarding"]["name"] for event in events_of(fake)) == ["kept", "other"]


def test_a_set_that_is_only_looked_at_tells_what_has_drifted_and_who_did_it(fake, caplog):
    caplog.set_level("INFO", "genreconcile.controllers")
    wanted = [config("kept"), config("gone")]
    made = gr.callable(lambda: wanted, name="made", namespace="shop", owner="configmaps/set")
    with Scraped(fake, sources=[made]) as scraped, scraped.program:
        eventually(lambda: set(names(fake)) >= {"kept", "gone"})
    wanted[1] = config("missing")
    seen = gr.callable(lambda: wanted, name="made", namespace="shop", owner="configmaps/set", mode="detect")
    with Scraped(fake, sources=[seen]) as scraped, scraped.program:
        eventually(lambda: scraped.sample("genreconcile_reconcile_total", controller="made", result="success"))
        meddle(fake, "kept", "helm")
        eventually(lambda: len(told(fake, "DriftFound")) == 3)
    assert sorted(told(fake, "DriftFound")) == [
        ("Warning", "ConfigMap shop/gone is not in the set any more"),
        ("Warning", "ConfigMap shop/kept has drifted: /data/k (set by helm)"),
        ("Warning", "ConfigMap shop/missing is not there"),
    ]
    events = [event for event in events_of(fake) if event["reason"] == "DriftFound"]
    assert {event["regarding"]["name"] for event in events} == {"kept", "gone", "missing"}
    assert fake.get(MAP, "kept")["data"] == {"k": "theirs"}
    assert "would update ConfigMap shop/kept: /data/k; set before: /data/k by helm" in caplog.text


def test_probes_follow_the_program(fake):
    with Scraped(fake) as scraped:
        assert scraped.get("/readyz")[0] == 503
        assert scraped.get("/healthz") == (200, "ok\n")
        assert scraped.get("/other")[0] == 404
        with scraped.program:
            eventually(lambda: scraped.get("/readyz") == (200, "ok\n"))
        assert scraped.get("/readyz")[0] == 503


def test_who_stands_by_is_ready_and_does_not_lead(fake):
    with Scraped(fake, lease=LEASE) as first, first.program:
        eventually(lambda: first.sample("genreconcile_leading") == 1)
        with Scraped(fake, lease=LEASE) as second, second.program:
            eventually(lambda: second.get("/readyz")[0] == 200)
            assert second.sample("genreconcile_leading") == 0


def test_shards_share_their_figures(fake):
    lease = gr.Lease(
        "things", duration=60, renew_deadline=45.0, retry_period=0.05, shards=2, shard_identity=0, takeover_after=0
    )
    with Scraped(fake, lease=lease) as scraped, scraped.program:
        eventually(lambda: names(fake) == ["a"])
        eventually(lambda: scraped.sample("genreconcile_shard_held", shard="1") == 1)
        assert (
            scraped.sample("genreconcile_writes_total", controller="things", kind="ConfigMap", operation="created") == 1
        )
        assert scraped.sample("workqueue_depth", name="things") == 0


def test_a_process_tells_of_the_shards_too_that_it_does_not_hold(fake):
    of_replica = {"duration": 60, "renew_deadline": 45.0, "retry_period": 0.05, "shards": 2, "takeover_after": 3600}
    with Scraped(fake, lease=gr.Lease("things", shard_identity=1, **of_replica)) as scraped, scraped.program:
        eventually(lambda: scraped.sample("genreconcile_shard_held", shard="1") == 1)
        assert scraped.sample("genreconcile_shard_held", shard="0") == 0


def test_an_observer_that_may_not_tell_counts_alone():
    noted = []

    class Records:
        def record(self, _, **fields):
            noted.append(fields["reason"])

    may_tell = [True]
    observer = Observer("things", Figures(), Records()).asking(lambda: may_tell[0])
    observer.judged({}, "Failed", "text")
    may_tell.clear()
    may_tell.append(False)
    observer.judged({}, "Failed", "text")
    observer.ran("success", 0.1)
    assert noted == ["Failed"]
    assert observer.figures.now().runs["things", "success"] == 1


def test_a_kind_is_there_before_its_first_repair(fake):
    """A counter that appears with its first count tells of no increase."""
    with Scraped(fake) as scraped, scraped.program:
        eventually(lambda: scraped.sample("genreconcile_repairs_total", **OF_MAPS) == 0)
        assert scraped.sample("genreconcile_writes_total", operation="configured", **OF_MAPS) == 0
        for manager in (*shipped(Managers).listed, "other", "unknown"):
            assert scraped.sample("genreconcile_drift_fields_total", kind="ConfigMap", manager=manager) == 0


def test_what_the_selector_leaves_out_and_what_is_gone_are_no_runs():
    """Else runs that fail would be a small part of many that were none."""
    calls = []

    def counted(parent, ctx):
        calls.append(parent["metadata"]["name"])
        yield from ()

    chosen = thing("chosen")
    chosen["metadata"]["labels"] = {"app": "shop"}
    with (
        things.cluster(chosen, *(thing(f"other-{number}") for number in range(5))) as fake,
        Scraped(fake, sources=[controller(counted, selector="app=shop", min_interval=0)]) as scraped,
        scraped.program,
    ):
        eventually(lambda: calls)
        edit(fake, "other-1", names=["a"])
        edit(fake, "chosen", names=["a"])
        eventually(lambda: len(calls) == 2)
        fake.delete(things.THING, "other-2")
        fake.delete(things.THING, "chosen")
        eventually(lambda: scraped.sample("genreconcile_cache_objects", kind=things.THING) == 4)
        eventually(lambda: scraped.sample("workqueue_depth", name="things") == 0)
        eventually(lambda: scraped.sample("workqueue_unfinished_work_seconds", name="things") == 0)
        assert calls == ["chosen"] * 2
        assert scraped.sample("genreconcile_reconcile_total", controller="things", result="success") == 2
        assert scraped.sample("genreconcile_reconcile_seconds_count", controller="things") == 2
        assert scraped.sample("workqueue_adds_total", name="things") <= 4  # The one that is gone is forgotten.


def test_managers_that_are_not_listed_count_as_others():
    assert len(shipped(Managers).listed) <= 20
    figures = Figures()

    class Outcome:
        key = gr.ObjectKey("apps", "Widget", "shop", "a")
        authors = ()

    for managers in (("helm",), ("x" * 100,), ()):
        Outcome.authors = [type("Author", (), {"managers": managers})()]
        figures.repaired("things", [Outcome])
    assert figures.now().drift == {
        ("Widget.apps", "helm"): 1, ("Widget.apps", "other"): 1, ("Widget.apps", "unknown"): 1
    }  # fmt: skip


def test_a_histogram_counts_each_once():
    histogram = Histogram()
    for seconds in (0.001, 0.005, 0.0051, 59.0, 61.0):
        histogram.note(seconds)
    assert sum(histogram.counts) == 5
    assert histogram.counts[0] == 2
    assert histogram.counts[-1] == 1
    assert histogram.sum == pytest.approx(120.0111)
    assert sorted(BUCKETS) == list(BUCKETS)


def test_counts_of_many_threads_are_all_there():
    figures = Figures()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: figures.ran("things", "success", number / 1000), range(4000)))
    assert figures.now().runs["things", "success"] == 4000
    assert sum(figures.now().seconds["things"].counts) == 4000


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (":8080", ("", 8080)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:80", ("::1", 80)),
        ("host:65535", ("host", 65535)),
    ],
)
def test_addresses(text, found):
    assert parse_address(text) == found


@pytest.mark.parametrize("text", ["8080", "", ":", "host", ":80a", ":65536", "::1:80", None, 80])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InputError, match=r"^listen: not usable"):
        parse_address(text)


def test_a_port_that_somebody_has_is_an_error_that_names_it(fake):
    with (
        Scraped(fake) as scraped,
        pytest.raises(InputError, match=f"^listen: not usable: 127.0.0.1:{scraped.endpoints.port}"),
    ):
        Listener(f"127.0.0.1:{scraped.endpoints.port}", lambda: None)
