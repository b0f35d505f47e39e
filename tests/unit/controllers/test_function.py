"""What a function may do, and what it means for the children (docs/operators.md)."""

import itertools

import pytest

import genreconcile as gr
from unit.controllers import things
from unit.controllers.things import MAP, THING, condition, config, controller, edit, names, thing


@pytest.fixture
def fake():
    with things.cluster(thing(names=["a", "b"])) as fake:
        yield fake


def stated(parent, ctx):
    """As many ConfigMaps as the parent names."""
    for name in parent["spec"]["names"]:
        yield config(name)


def run(fake, function, **settings):
    return fake.run(controller(function, **settings))


def test_what_is_not_stated_any_more_is_deleted(fake):
    with run(fake, stated) as running:
        running.settle()
        assert names(fake) == ["a", "b"]
        edit(fake, names=["b"])
        running.advance(seconds=2)
        assert names(fake) == ["b"]
        edit(fake, names=[])
        running.advance(seconds=2)
        assert names(fake) == []


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda: None, id="nothing returned"),
        pytest.param(lambda: config("a"), id="one object"),
        pytest.param(lambda: "a", id="a text"),
        pytest.param(lambda: [config("a"), "b"], id="no object among them"),
        pytest.param(lambda: [config("a"), {"kind": "ConfigMap"}], id="an object without a name"),
        pytest.param(lambda: [config("a"), {**config("c"), "data": {"k": 1}}], id="an invalid child"),
        pytest.param(lambda: [config("a"), config("a")], id="one object twice"),
        pytest.param(lambda: 1 / 0, id="an exception"),
        pytest.param(lambda: [config("a"), {**config("c"), "kind": "Nothing"}], id="a kind that is not served"),
    ],
)
def test_a_run_that_did_not_state_its_set_writes_and_deletes_nothing(fake, end):
    def function(parent, ctx):
        return end() if parent["spec"].get("wrong") else [config("a"), config("b")]

    with run(fake, function) as running:
        running.settle()
        running.writes.clear()
        edit(fake, wrong=True)
        running.advance(seconds=10)
        assert names(fake) == ["a", "b"]
        assert {write.path.rpartition("/")[2] for write in running.writes} == {"status"}
        assert condition(fake, "Ready")[0] == "False"
        edit(fake, wrong=False)
        running.advance(seconds=2)
        assert condition(fake, "Ready") == ("True", "Reconciled")


@pytest.mark.parametrize("way", ["raised", "yielded", "returned"])
def test_retry_applies_what_was_stated_and_deletes_nothing(fake, way):
    def generated(parent, ctx):
        yield config("new")
        if parent["spec"].get("again"):
            if way == "raised":
                raise gr.Retry(30, "the database is not there")
            yield gr.Retry(30, "the database is not there")
        yield from (config(name) for name in ("a", "b"))

    def function(parent, ctx):
        return list(generated(parent, ctx)) if way == "returned" else generated(parent, ctx)

    with run(fake, function) as running:
        running.settle()
        assert names(fake) == ["a", "b", "new"]
        fake.delete(MAP, "new")
        edit(fake, again=True)
        running.advance(seconds=2)
        assert names(fake) == ["a", "b", "new"]
        assert condition(fake, "Reconciling") == ("True", "Retry")
        edit(fake, again=False)
        assert running.advance(seconds=29) > 0
        assert condition(fake, "Reconciling") is None


def test_retry_keeps_the_keys_of_the_status(fake):
    def function(parent, ctx):
        ctx.status["first"] = parent["spec"]["names"]
        if parent["spec"].get("again"):
            raise gr.Retry(30)
        ctx.status["second"] = 2
        return []

    with run(fake, function) as running:
        running.settle()
        edit(fake, again=True, names=["c"])
        running.advance(seconds=2)
        status = fake.get(THING, "one")["status"]
        assert (status["first"], status["second"]) == (["c"], 2)


def test_a_namespace_that_is_being_deleted_is_awaited_quietly(fake, caplog):
    fake.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
    held = config("held", "other")
    fake.create({**held, "metadata": {**held["metadata"], "finalizers": ["example.com/theirs"]}})

    def function(parent, ctx):
        return [config("a", "other")]

    with run(fake, function, namespaces=["other"]) as running:
        fake.delete("v1/Namespace", "other", namespace="")
        running.advance(seconds=600)
        assert condition(fake, "Reconciling") == ("True", "Retry")
        assert [record for record in caplog.records if "controllers" in record.name] == []
        assert sum(write.method == "POST" for write in running.writes) == 0
        fake.patch(MAP, "held", {"op": "remove", "path": "/metadata/finalizers"}, namespace="other")
        fake.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
        running.advance(seconds=600)
        assert names(fake, namespace="other") == ["a"]


def test_retry_runs_again_when_its_time_has_come(fake):
    times = []

    def function(parent, ctx):
        times.append(fake.clock())
        raise gr.Retry(30)

    with run(fake, function) as running:
        running.advance(seconds=100)
    assert times == [0, 30, 60, 90]


def test_a_run_that_fails_backs_off(fake):
    times = []

    def function(parent, ctx):
        times.append(fake.clock())
        raise RuntimeError("secret")

    with run(fake, function) as running:
        running.advance(seconds=3600)
        assert condition(fake, "Ready") == ("False", "Failed")
        assert "secret" not in str(fake.get(THING, "one")["status"])
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert waits[0] <= 1.0
    assert 150 <= waits[-1] <= 300
    assert len(times) < 40


def test_a_guard_that_refuses_stalls(fake):
    with run(fake, stated, max_deletions=1) as running:
        running.settle()
        edit(fake, names=[])
        running.advance(seconds=2)
        assert names(fake) == ["a", "b"]
        assert condition(fake, "Stalled") == ("True", "GuardRefused")
        edit(fake, names=["a"])
        running.advance(seconds=2)
        assert names(fake) == ["a"]
        assert condition(fake, "Stalled") is None


async def nothing():
    """Stands for a call of another system."""


@pytest.mark.parametrize("way", ["generator", "coroutine"])
def test_a_function_may_be_async(fake, way):
    async def generator(parent, ctx):
        await nothing()
        for name in parent["spec"]["names"]:
            yield config(name)

    async def coroutine(parent, ctx):
        await nothing()
        return [config(name) for name in parent["spec"]["names"]]

    with run(fake, generator if way == "generator" else coroutine) as running:
        running.settle()
        assert names(fake) == ["a", "b"]


def test_a_function_that_states_something_else_each_time_stalls(fake, caplog):
    count = itertools.count()

    def function(parent, ctx):
        yield config("a", time=str(next(count)))

    with run(fake, function) as running:
        running.advance(seconds=10)
        assert "/0/data/time" in caplog.text
        assert condition(fake, "Stalled") == ("True", "NotDeterministic")
        before = next(count)
        running.advance(seconds=3600)
        assert 10 < next(count) - before < 60


def test_a_paused_parent_is_left_alone(fake):
    with run(fake, stated) as running:
        running.settle()
        path = "/metadata/annotations"
        fake.patch(THING, "one", {"op": "add", "path": path, "value": {"genreconcile.dev/reconcile": "disabled"}})
        edit(fake, names=["c"])
        running.advance(seconds=2)
        assert names(fake) == ["a", "b"]
        assert condition(fake, "Ready") == ("True", "Paused")
        fake.patch(THING, "one", {"op": "remove", "path": path})
        running.advance(seconds=2)
        assert names(fake) == ["c"]


def test_the_function_gets_a_copy(fake):
    def function(parent, ctx):
        parent["spec"]["names"].append("c")
        return [config(name) for name in parent["spec"]["names"]]

    with run(fake, function) as running:
        running.settle()
        edit(fake, other=1)
        running.advance(seconds=2)
        assert names(fake) == ["a", "b", "c"]


def test_a_selector_chooses_among_the_parents(fake):
    with run(fake, stated, selector="app=web") as running:
        running.settle()
        assert names(fake) == []
        fake.patch(THING, "one", {"op": "add", "path": "/metadata/labels", "value": {"app": "web"}})
        running.advance(seconds=2)
        assert names(fake) == ["a", "b"]


@pytest.mark.parametrize("runs_meanwhile", [False, True])
def test_a_parent_that_is_selected_again_is_run_for_what_happened_meanwhile(fake, runs_meanwhile):
    """It is as its last run left it, and its child is not."""

    def label(value):
        fake.patch(THING, "one", {"op": "add", "path": "/metadata/labels/app", "value": value})

    fake.patch(THING, "one", {"op": "add", "path": "/metadata/labels", "value": {"app": "web"}})
    with run(fake, stated, selector="app=web") as running:
        running.advance(seconds=2)
        assert names(fake) == ["a", "b"]
        label("other")
        if runs_meanwhile:
            running.advance(seconds=2)
        fake.delete(MAP, "a")
        running.advance(seconds=2)
        assert names(fake) == ["b"]
        label("web")
        running.advance(seconds=2)
        assert names(fake) == ["a", "b"]


def test_what_somebody_has_to_see_to_is_logged_with_its_code(fake, caplog):
    """Only the status and an Event told it."""

    def function(parent, ctx):
        metadata = {"name": "web"}
        selector = {"matchLabels": {"app": "two" if parent["spec"].get("other") else "one"}}
        pod = {"metadata": {"labels": selector["matchLabels"]}, "spec": {"containers": [{"name": "m", "image": "m:1"}]}}
        spec = {"selector": selector, "template": pod}
        yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}

    with run(fake, function) as running:
        running.settle()
        edit(fake, other=1)
        running.advance(seconds=1)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told
    assert told[0].startswith("things: Thing.example.com shop/one: Deployment.apps shop/web failed: ")
    assert "field is immutable" in told[0]
    assert told[0].endswith("[GR435]")


def test_what_passes_by_itself_is_not_logged_as_a_warning(caplog):
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "going"}}
    held = config("held", namespace="going")
    held["metadata"]["finalizers"] = ["x.dev/hold"]
    with things.cluster(thing("one", names=["a"]), space, held) as fake:

        def function(parent, ctx):
            yield config("a", namespace="going")

        fake.delete("v1/Namespace", "going")
        with run(fake, function, namespaces=["going"]) as running:
            running.advance(seconds=5)
        reason = next(one["reason"] for one in fake.get(THING, "one")["status"]["conditions"] if one["type"] == "Ready")
        assert reason == "Retry"
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


def test_several_controllers_share_a_cluster(fake):
    def other(parent, ctx):
        yield config("other")

    one = controller(stated)
    two = gr.controller("v1/ConfigMap", name="other", selector="app=web")(other)
    with fake.run(one, two) as running:
        fake.create({**config("theirs"), "metadata": {"name": "theirs", "labels": {"app": "web"}}})
        running.settle()
        assert names(fake) == ["a", "b", "other", "theirs"]


def test_a_child_that_left_the_set_is_not_waited_for():
    """It is gone: its parent was called not ready for a moment."""

    with things.cluster(thing("one", names=["a", "b"])) as fake, fake.run(controller(stated)) as run:
        run.advance(seconds=5)
        assert condition(fake, "Ready") == ("True", "Reconciled")
        since = fake.get(things.THING, "one")["status"]["conditions"][0]["lastTransitionTime"]
        edit(fake, names=["b"])
        run.settle()
        assert condition(fake, "Ready") == ("True", "Reconciled")
        run.advance(seconds=5)
        assert fake.get(things.THING, "one")["status"]["conditions"][0]["lastTransitionTime"] == since
