"""What an author of an operator is likely to write, and what becomes of it."""

import itertools

import pytest

import genreconcile as gr
from genreconcile.controllers.entry import Priority
from genreconcile.controllers.queue import Queue
from unit.controllers import things
from unit.controllers.things import MAP, THING, condition, config, controller, edit, names, thing

DEPLOYMENT, JOB = "apps/v1/Deployment", "batch/v1/Job"


@pytest.fixture
def fake():
    with things.cluster(thing(v=1)) as fake:
        yield fake


def image(obj):
    return obj["spec"]["template"]["spec"]["containers"][0]["image"]


def nothing(parent, ctx):
    return []


def pod(labels, image, **more):
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}], **more}}


def deployment(version, name="web"):
    labels = {"app": name}
    spec = {"selector": {"matchLabels": labels}, "template": pod(labels, f"w:{version}")}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def job(version):
    spec = {"template": pod({"app": "migrate"}, f"m:{version}", restartPolicy="Never")}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"}, "spec": spec}


def make_ready(fake, kind, name):
    generation = fake.get(kind, name)["metadata"]["generation"]
    status = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1}
    rolled_out = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
    conditions = [rolled_out, {"type": "Available", "status": "True"}]
    fake.set_status(kind, name, {**status, "observedGeneration": generation, "conditions": conditions})


# Order, by ctx.is_ready


@pytest.mark.parametrize("on_immutable", ["fail", "recreate"])
def test_an_old_job_that_is_complete_is_not_the_new_one(fake, on_immutable):
    def migrated(parent, ctx):
        migration = job(parent["spec"]["v"])
        yield migration
        if not ctx.is_ready(migration):
            raise gr.Retry(5)
        yield deployment(parent["spec"]["v"])

    complete = {"conditions": [{"type": "Complete", "status": "True"}]}
    with fake.run(controller(migrated, on_immutable=on_immutable)) as run:
        run.settle()
        fake.set_status(JOB, "migrate", complete)
        run.advance(seconds=10)
        assert image(fake.get(DEPLOYMENT, "web")) == "w:1"
        edit(fake, v=2)
        run.advance(seconds=10)
        assert image(fake.get(DEPLOYMENT, "web")) == "w:1", "not before its migration"
        if on_immutable == "recreate":
            assert image(fake.get(JOB, "migrate")) == "m:2"
            fake.set_status(JOB, "migrate", complete)
            run.advance(seconds=10)
            assert image(fake.get(DEPLOYMENT, "web")) == "w:2"


def test_what_comes_first_is_updated_first(fake):
    def ordered(parent, ctx):
        first = deployment(parent["spec"]["v"], "db")
        yield first
        if not ctx.is_ready(first):
            raise gr.Retry(5)
        yield deployment(parent["spec"]["v"])

    with fake.run(controller(ordered)) as run:
        run.settle()
        make_ready(fake, DEPLOYMENT, "db")
        run.advance(seconds=10)
        assert image(fake.get(DEPLOYMENT, "web")) == "w:1"
        edit(fake, v=2)
        run.advance(seconds=10)
        assert [image(fake.get(DEPLOYMENT, name)) for name in ("db", "web")] == ["w:2", "w:1"]
        make_ready(fake, DEPLOYMENT, "db")
        run.advance(seconds=10)
        assert image(fake.get(DEPLOYMENT, "web")) == "w:2"


def test_after_a_restart_what_is_there_is_ready(fake):
    """Nobody remembers then what was written: the live object is compared with what is stated."""
    answers = []

    def asks(parent, ctx):
        child = config("a")
        answers.append(ctx.is_ready(child))
        yield child

    for expected in (False, True):
        answers.clear()
        with fake.run(controller(asks)) as run:
            run.settle()
        assert answers[0] is expected


@pytest.mark.parametrize("child", [{"kind": "Job"}, {"kind": "Job", "metadata": {}}, None])
def test_is_ready_of_what_is_no_object(fake, child):
    def asks(parent, ctx):
        ctx.is_ready(child)
        return []

    with fake.run(controller(asks)) as run:
        run.settle()
        assert condition(fake, "Ready")[1] == "InvalidChildren"


# Before a parent goes


def test_on_delete_that_yields_is_refused():
    one = controller(nothing)

    def yields(parent, ctx):
        yield gr.Retry(10)

    async def yields_later(parent, ctx):
        yield gr.Retry(10)

    for function in (yields, yields_later):
        with pytest.raises(gr.InputError, match=r"on_delete: not usable: .* yields"):
            one.on_delete(function)


@pytest.mark.parametrize("answer", [gr.Retry(10), [], True])
def test_on_delete_that_returns_something_holds_the_parent(fake, answer):
    one = controller(nothing)
    one.on_delete(lambda *_: answer)
    with fake.run(one) as run:
        run.settle()
        fake.delete(THING, "one")
        run.advance(seconds=5)
        assert names(fake, THING) == ["one"]
        assert "on_delete returned a" in fake.get(THING, "one")["status"]["conditions"][0]["message"]


@pytest.mark.parametrize("end", ["raises", "is invalid", "deletes the parent"])
def test_on_delete_runs_for_a_parent_whose_function_failed(fake, end):
    opened, closed = [], []

    def opens(parent, ctx):
        opened.append(parent["metadata"]["name"])
        if end == "raises":
            raise RuntimeError("no")
        if end == "deletes the parent":
            fake.delete(THING, "one")
        return [config("Bad Name")] if end == "is invalid" else []

    one = controller(opens)
    one.on_delete(lambda parent, _: closed.append(parent["metadata"]["name"]))
    with fake.run(one) as run:
        run.settle()
        if end != "deletes the parent":
            fake.delete(THING, "one")
        run.advance(seconds=5)
        assert opened
        assert closed == ["one"]
        assert names(fake, THING) == []


def test_a_status_of_on_delete_is_written_while_it_waits(fake):
    waits = [True]
    one = controller(nothing)

    @one.on_delete
    def goodbye(parent, ctx):
        ctx.status["phase"] = "draining"
        if waits[0]:
            raise gr.Retry(5)

    with fake.run(one) as run:
        run.settle()
        fake.delete(THING, "one")
        run.advance(seconds=2)
        assert fake.get(THING, "one")["status"]["phase"] == "draining"
        waits.clear()
        waits.append(False)
        run.advance(seconds=10)
        assert names(fake, THING) == []


def test_a_finalizer_that_was_given_a_name_later(fake):
    one = controller(nothing)
    one.on_delete(lambda *_: None)
    with fake.run(one) as run:
        run.settle()
    other = controller(nothing, finalizer="example.com/x")
    other.on_delete(lambda *_: None)
    with fake.run(other) as run:
        run.settle()
        fake.delete(THING, "one")
        run.advance(seconds=5)
        assert names(fake, THING) == []


def test_the_guarded_children_that_stay_are_told(fake, caplog):
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    caplog.set_level("INFO", "genreconcile.controllers")
    with fake.run(controller(lambda *_: [claim])) as run:
        run.settle()
        fake.delete(THING, "one")
        run.advance(seconds=5)
        assert names(fake, "v1/PersistentVolumeClaim") == ["data"]
    assert "stays: PersistentVolumeClaim shop/data skipped (not deleted: others go with it" in caplog.text


# Reads


@pytest.mark.parametrize("kind", ["example.com/v1/Part", "v1/ConfigMap"])
def test_a_read_that_nobody_could_answer_wakes_all_the_same(fake, kind):
    """Whether the kind was not served yet, or its watch failed."""
    seen = []

    def reads(parent, ctx):
        try:
            found = ctx.get(kind, "conf")
        except gr.NotReadable:
            found = "unknown"
        seen.append(found if not isinstance(found, dict) else "there")
        return []

    with fake.run(controller(reads)) as run:
        run.settle()
        if kind == "v1/ConfigMap":
            assert seen[-1] is None
            fake.create(config("conf"))
        else:
            assert seen[-1] == "unknown"
            fake.create(things.definition("Part"))
            fake.create(thing("conf", "Part"))
        run.advance(seconds=30)
        assert seen[-1] == "there"


def test_an_empty_namespace_is_not_all(fake):
    told = []

    def reads(parent, ctx):
        for call in (lambda: ctx.list(MAP, namespace=""), lambda: ctx.get(MAP, "a", namespace="*")):
            try:
                call()
            except gr.InputError as error:
                told.append(str(error))
        assert ctx.get("v1/Namespace", "shop", namespace="") is not None
        assert ctx.list("v1/Namespace", namespace="") == ctx.list("v1/Namespace")
        return []

    with fake.run(controller(reads)) as run:
        run.settle()
    assert told[0] == 'namespace: not usable: it is empty; leave it out for the parent\'s, or name one, or "*" for all'
    assert told[1].startswith("namespace: not usable: '*'")
    assert condition(fake, "Ready") is None or condition(fake, "Ready")[0] == "True"


def test_a_kind_that_is_misspelled(fake):
    with fake.run(controller(lambda _, ctx: ctx.list("v1/Configmap"))) as run:
        run.settle()
        assert "did you mean v1/ConfigMap?" in fake.get(THING, "one")["status"]["conditions"][0]["message"]


# What differs each time


@pytest.mark.parametrize("end", ["returns", "reads its child", "ends in Retry"])
def test_a_set_that_differs_each_time_is_found(fake, end):
    numbers = itertools.count()

    def differs(parent, ctx):
        child = config("a", n=str(next(numbers)))
        if end == "reads its child":
            ctx.is_ready(child)
        yield child
        if end == "ends in Retry":
            yield gr.Retry(2)

    with fake.run(controller(differs)) as run:
        run.advance(seconds=3600)
        assert next(numbers) < 100
        assert condition(fake, "Stalled") == ("True", "NotDeterministic")


def test_a_status_that_tells_what_was_read_is_written_at_once(fake, caplog):
    def tells(parent, ctx):
        ctx.status["progress"] = (ctx.get(MAP, "progress") or config("progress", n="0"))["data"]["n"]
        yield config("a")
        yield gr.Retry(300)

    with fake.run(controller(tells)) as run:
        run.settle()
        fake.create(config("progress", n="0"))
        for number in range(1, 12):
            fake.patch(MAP, "progress", {"op": "add", "path": "/data/n", "value": str(number)})
            run.advance(seconds=2)
            assert fake.get(THING, "one")["status"]["progress"] == str(number)
    assert "successive runs" not in caplog.text


def test_a_retry_leaves_the_keys_of_others_alone(fake):
    theirs = itertools.count()

    def tells(parent, ctx):
        ctx.status["ours"] = parent["spec"]["v"]
        number = str(next(theirs))
        status = fake.get(THING, "one").get("status") or {}
        fake.set_status(THING, "one", {**status, "theirs": number})
        yield gr.Retry(300)

    with fake.run(controller(tells)) as run:
        run.settle()
        edit(fake, v=2)
        run.advance(seconds=3)
        status = fake.get(THING, "one")["status"]
        assert (status["ours"], status["theirs"]) == (2, str(next(theirs) - 1))


# What a function yields


def test_one_dict_that_is_changed_between_two_yields(fake):
    def several(parent, ctx):
        base = config("a")
        for name in ("a", "b"):
            base["metadata"]["name"] = name
            yield base

    with fake.run(controller(several)) as run:
        run.settle()
        assert names(fake) == ["a", "b"]


def test_a_child_that_holds_itself_is_refused(fake):
    child = config("a")
    child["metadata"]["annotations"] = child

    with fake.run(controller(lambda *_: [child])) as run:
        run.settle()
        assert condition(fake, "Ready") == ("False", "InvalidChildren")


def test_a_live_child_may_be_stated_again(fake):
    def again(parent, ctx):
        yield ctx.get(MAP, "a") or config("a")

    with fake.run(controller(again)) as run:
        run.advance(seconds=5)
        edit(fake, v=2)
        run.writes.clear()
        run.advance(seconds=5)
        assert condition(fake, "Ready")[0] == "True"
        assert [write for write in run.writes if "configmaps" in write.path] == []


@pytest.mark.parametrize("found", [[{"apiVersion": "v1", "kind": "ConfigMap"}], [config("a"), config("a")]])
def test_children_that_cannot_be_read_are_invalid(fake, found):
    with fake.run(controller(lambda *_: found)) as run:
        run.settle()
        assert condition(fake, "Ready") == ("False", "InvalidChildren")


# At decoration, and in tests


@pytest.mark.parametrize("function", [lambda _: [], list, lambda _, __, ___: [], controller(nothing)])
def test_a_function_that_cannot_be_called_with_a_parent_and_a_context(function):
    with pytest.raises(gr.InputError, match="function: not usable: "):
        controller(function)
    with pytest.raises(gr.InputError, match="on_delete: not usable: "):
        controller(nothing).on_delete(function)


def test_a_kind_without_a_version():
    with pytest.raises(gr.InputError, match=r"has no version; write example\.com/v1/Thing"):
        gr.controller("example.com/Thing", name="things")


def test_operations_as_a_list(fake):
    fake.patch(THING, "one", [{"op": "add", "path": "/spec/v", "value": 7}])
    assert fake.get(THING, "one")["spec"]["v"] == 7


def test_a_callable_that_needs_arguments():
    with pytest.raises(gr.InputError, match="needs arguments: missing a required argument: 'one'"):
        gr.callable(lambda one: [one], name="set")


def test_all_namespaces_in_a_list():
    with pytest.raises(gr.InputError, match='write namespaces="\\*" for all'):
        controller(nothing, namespaces=["*"])


def test_what_cannot_run_in_a_program_cannot_run_in_a_test(fake):
    one = controller(nothing)
    for sources in ((), (one, one), (nothing,)):
        with pytest.raises(gr.InputError, match="run: not usable"):
            fake.run(*sources)
    with fake.run(one) as run, pytest.raises(gr.InputError, match="seconds"):
        run.advance(seconds=-5)


def test_a_function_that_exits_fails_its_run_alone(fake):
    def exits(parent, ctx):
        raise SystemExit(3)

    with fake.run(controller(exits)) as run:
        run.settle()
        assert condition(fake, "Ready") == ("False", "Failed")


def test_no_room_for_a_status_is_told_at_the_start(caplog):
    definition = things.definition()
    definition["spec"]["versions"][0]["subresources"] = {}
    with gr.testing.FakeCluster([definition], namespace="shop") as fake, fake.run(controller(nothing)):
        assert "things: " in caplog.text
        assert "status" in caplog.text


# Whose turn comes first


@pytest.mark.parametrize("readers", [100, 101])
def test_the_parents_that_one_event_wakes_enter_at_low_priority_where_they_are_many(readers):
    def reads(parent, ctx):
        ctx.get(MAP, "shared")
        return []

    parents = [thing(f"t{number}") for number in range(readers)]
    with things.cluster(*parents) as fake, fake.run(controller(reads)) as run:
        run.advance(seconds=5)
        (loop,) = run._loops
        added, add = [], loop.queue.add
        loop.queue.add = lambda key, priority=Priority.NORMAL, after=0.0: (
            added.append((priority, after)) or add(key, priority, after)
        )
        fake.create(config("shared"))
        run.advance(seconds=5)
    woken = [priority for priority, after in added if not after]
    assert woken == [Priority.LOW if readers > 100 else Priority.NORMAL] * readers
    resyncs = [after for priority, after in added if after > 30_000]
    assert len(resyncs) == readers
    assert len(set(resyncs)) > 1, "with a jitter"
    assert all(0.9 * 36_000 <= after <= 1.1 * 36_000 for after in resyncs)


def test_the_parents_of_the_first_list_enter_at_low_priority(fake, monkeypatch):
    added, add = [], Queue.add
    monkeypatch.setattr(
        Queue,
        "add",
        lambda queue, key, priority=Priority.NORMAL, after=0.0: (
            added.append(priority) or add(queue, key, priority, after)
        ),
    )
    with fake.run(controller(nothing)):
        assert set(added) <= {Priority.LOW}


@pytest.mark.parametrize("end", ["raises", "ends"])
def test_what_a_failed_run_has_read_wakes_and_what_the_one_before_had(fake, end):
    runs = []

    def reads(parent, ctx):
        runs.append(parent["spec"]["v"])
        ctx.get(MAP, f"of-{parent['spec']['v']}")
        if parent["spec"]["v"] == 2 and end == "raises":
            raise RuntimeError
        return []

    with fake.run(controller(reads)) as run:
        run.advance(seconds=5)
        edit(fake, v=2)
        run.advance(seconds=400 if end == "raises" else 5)
        for name, wakes in (("of-2", True), ("of-1", end == "raises")):
            runs.clear()
            fake.create(config(name))
            run.advance(seconds=2)  # Less than any back-off by now.
            assert bool(runs) is wakes
