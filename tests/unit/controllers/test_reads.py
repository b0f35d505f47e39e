"""What a function reads is what runs it again."""

import pytest

import genreconcile as gr
from unit.controllers import things
from unit.controllers.things import MAP, THING, condition, config, controller, names, thing


@pytest.fixture
def fake():
    with things.cluster(thing()) as fake:
        yield fake


def test_an_object_that_comes_changes_and_goes(fake):
    def function(parent, ctx):
        found = ctx.get(MAP, "input")
        return [config("output", text=found["data"]["k"] if found else "none")]

    def output():
        return fake.get(MAP, "output")["data"]["text"]

    with fake.run(controller(function)) as run:
        run.settle()
        assert output() == "none"
        fake.create(config("input", k="one"))
        run.advance(seconds=2)
        assert output() == "one"
        fake.patch(MAP, "input", {"op": "replace", "path": "/data/k", "value": "two"})
        run.advance(seconds=2)
        assert output() == "two"
        fake.delete(MAP, "input")
        run.advance(seconds=2)
        assert output() == "none"


def test_a_list_that_objects_enter_and_leave(fake):
    def function(parent, ctx):
        ctx.status["members"] = [obj["metadata"]["name"] for obj in ctx.list("v1/Service", selector="app=web")]
        return []

    def members():
        return fake.get(THING, "one")["status"]["members"]

    def service(name, **labels):
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "labels": labels},
            "spec": {"ports": [{"port": 80}]},
        }

    with fake.run(controller(function)) as run:
        run.settle()
        assert members() == []
        fake.create(service("a", app="web"))
        fake.create(service("b", app="other"))
        run.advance(seconds=2)
        assert members() == ["a"]
        fake.patch("v1/Service", "b", {"op": "replace", "path": "/metadata/labels/app", "value": "web"})
        fake.patch("v1/Service", "a", {"op": "replace", "path": "/metadata/labels/app", "value": "other"})
        run.advance(seconds=2)
        assert members() == ["b"]


def test_what_is_not_read_does_not_wake(fake):
    runs = []

    def function(parent, ctx):
        runs.append(1)
        ctx.get(MAP, "input")
        return []

    with fake.run(controller(function)) as run:
        run.settle()
        runs.clear()
        fake.create(config("unrelated"))
        run.advance(seconds=5)
        assert runs == []
        fake.create(config("input"))
        run.advance(seconds=5)
        assert runs == [1]


def test_of_what_metadata_were_read_nothing_else_wakes(fake):
    runs = []

    def function(parent, ctx):
        found = ctx.get(MAP, "input", metadata_only=True)
        runs.append(sorted(found) if found else None)
        return []

    fake.create(config("input", k="one"))
    with fake.run(controller(function)) as run:
        run.settle()
        assert runs == [["apiVersion", "kind", "metadata"]]
        fake.patch(MAP, "input", {"op": "replace", "path": "/data/k", "value": "two"})
        run.advance(seconds=5)
        assert len(runs) == 1
        fake.patch(MAP, "input", {"op": "add", "path": "/metadata/labels", "value": {"a": "b"}})
        run.advance(seconds=5)
        assert len(runs) == 2


def test_fields_alone_wake(fake):
    runs = []

    def function(parent, ctx):
        ctx.get(MAP, "input", fields=["/data/k"])
        runs.append(1)
        return []

    fake.create(config("input", k="one", other="one"))
    with fake.run(controller(function)) as run:
        run.settle()
        fake.patch(MAP, "input", {"op": "replace", "path": "/data/other", "value": "two"})
        run.advance(seconds=5)
        assert len(runs) == 1
        fake.patch(MAP, "input", {"op": "replace", "path": "/data/k", "value": "two"})
        run.advance(seconds=5)
        assert len(runs) == 2


def test_a_kind_that_is_not_served_is_no_absent_object(fake):
    def function(parent, ctx):
        ctx.get("example.com/v1/Nothing", "a")
        return []

    with fake.run(controller(function)) as run:
        fake.create(config("mine"))
        run.settle()
        assert condition(fake, "Reconciling") == ("True", "NotReadable")
        assert names(fake) == ["mine"]


def test_reads_of_another_namespace_are_said(fake):
    fake.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
    fake.create(config("input", "other", k="theirs"))

    def function(parent, ctx):
        here, there = ctx.get(MAP, "input"), ctx.get(MAP, "input", namespace="other")
        everywhere = ctx.list(MAP, namespace="*")
        ctx.status["found"] = [here is None, there["data"]["k"], len(everywhere)]
        return []

    with fake.run(controller(function)) as run:
        run.settle()
        assert fake.get(THING, "one")["status"]["found"] == [True, "theirs", 1]


def test_after_its_run_a_context_answers_nothing(fake):
    kept = []

    def function(parent, ctx):
        kept.append(ctx)
        return []

    with fake.run(controller(function)) as run:
        run.settle()
        with pytest.raises(gr.CacheError, match="its run has ended"):
            kept[0].get(MAP, "a")


def test_is_ready_orders_children(fake):
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "migrate"},
        "spec": {
            "template": {
                "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "migrate:1"}]},
            }
        },
    }

    def function(parent, ctx):
        yield job
        if not ctx.is_ready(job):
            raise gr.Retry(5)
        yield config("after")

    with fake.run(controller(function)) as run:
        run.settle()
        assert names(fake) == []
        fake.set_status("batch/v1/Job", "migrate", {"conditions": [{"type": "Complete", "status": "True"}]})
        run.advance(seconds=10)
        assert names(fake) == ["after"]
        fake.set_status("batch/v1/Job", "migrate", {"conditions": [{"type": "Complete", "status": "False"}]})
        run.advance(seconds=10)
        assert names(fake) == ["after"], "what stands behind it survives the Job's renewal"
