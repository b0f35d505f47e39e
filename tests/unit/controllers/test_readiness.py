"""Whether a child is ready of which nobody has told anything yet (docs/operators.md)."""

import copy

import pytest

import genreconcile as gr
from unit.controllers import things
from unit.controllers.things import condition, config, controller, names, thing

PART = "example.com/v1/Part"


def part():
    return thing("part", kind="Part", namespace="")


def definition(**status):
    """Of Part; ``status`` are the properties of its status, which are those of Thing's unless given."""
    found = copy.deepcopy(things.definition("Part"))
    if status:
        schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        schema["status"] = {"type": "object", "properties": status}
    return found


def without_status():
    found = definition(phase={"type": "string"})
    found["spec"]["versions"][0]["subresources"] = {}
    return found


def parts(parent, ctx):
    yield part()


def ready(fake):
    return condition(fake, "Ready")[0]


@pytest.mark.parametrize("status", [{}, {"observedGeneration": {"type": "integer"}}, {"conditions": things.CONDITIONS}])
def test_a_custom_child_whose_controller_would_tell_is_waited_for(status):
    with things.cluster(definition(**status), thing()) as fake, fake.run(controller(parts)) as run:
        run.advance(seconds=29)
        assert ready(fake) == "False"
        assert condition(fake, "Ready")[1] == "ChildrenNotReady"
        run.advance(seconds=2)
        assert ready(fake) == "True", "nobody is expected to tell anything any more; no event was needed"


@pytest.mark.parametrize(
    "answer",
    [{"conditions": [{"type": "Ready", "status": "True"}]}, {"observedGeneration": 1}, {"conditions": []}],
)
def test_what_its_controller_tells_counts_at_once(answer):
    with things.cluster(definition(), thing()) as fake, fake.run(controller(parts)) as run:
        run.settle()
        assert ready(fake) == "False"
        fake.set_status(PART, "part", answer)
        run.advance(seconds=2)
        assert ready(fake) == "True"


@pytest.mark.parametrize("definition", [definition(phase={"type": "string"}), without_status()])
def test_a_custom_child_of_which_nobody_can_tell_is_ready_at_once(definition):
    with things.cluster(definition, thing()) as fake, fake.run(controller(parts)) as run:
        run.settle()
        assert ready(fake) == "True"


def test_a_child_of_a_built_in_kind_is_ready_at_once():
    with things.cluster(thing()) as fake, fake.run(controller(lambda *_: [config("a")])) as run:
        run.settle()
        assert ready(fake) == "True"


def test_an_old_child_is_not_waited_for():
    """As after a restart: all children are new to the program, and none is in the cluster."""
    with things.cluster(definition(), thing()) as fake:
        with fake.run(controller(parts)) as run:
            run.advance(seconds=40)
        with fake.run(controller(parts)) as run:
            run.settle()
            run.writes.clear()
            run.advance(seconds=40)
            assert run.writes == []
        assert ready(fake) == "True"


def test_is_ready_orders_custom_children():
    def function(parent, ctx):
        yield part()
        if not ctx.is_ready(part()):
            raise gr.Retry(300)
        yield config("after")

    with things.cluster(definition(), thing()) as fake, fake.run(controller(function)) as run:
        run.advance(seconds=5)
        assert names(fake) == []
        fake.set_status(PART, "part", {"conditions": [{"type": "Ready", "status": "True"}]})
        run.advance(seconds=2)
        assert names(fake) == ["after"]


def test_a_child_that_has_failed_is_named_with_its_reason():
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "load"}, "spec": {"template": template}}

    def function(parent, ctx):
        yield config("a")
        yield copy.deepcopy(job)

    with things.cluster(thing()) as fake, fake.run(controller(function)) as run:
        run.advance(seconds=2)
        assert told(fake) == "not ready: Job.batch shop/load"
        failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}
        fake.set_status("batch/v1/Job", "load", {"conditions": [failed], "failed": 7})
        run.advance(seconds=2)
        assert condition(fake, "Ready") == ("False", "ChildrenNotReady")
        assert told(fake) == "Job.batch shop/load: Failed (JobFailed): it has failed: too often; 7 Pods have failed"


def told(fake):
    conditions = fake.get(things.THING, "one")["status"]["conditions"]
    return next(one["message"] for one in conditions if one["type"] == "Ready")
