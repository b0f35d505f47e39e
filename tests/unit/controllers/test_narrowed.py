"""A controller whose next version allows children in fewer namespaces than the one before: it tells what it leaves."""

import pytest

from genreconcile.controllers.planning import planned
from genreconcile.report.operators import render_operators
from unit.controllers import things
from unit.controllers.things import MAP, config, controller, names, thing

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "far", "namespace": "other"}, "type": "Opaque"}
TOLD = "namespace other: nothing deleted: the parent's record names it, and children may not be there"


@pytest.fixture
def fake():
    """The first version has stated a Secret in the other namespace, and a ConfigMap beside the parent."""
    other = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    with things.cluster(other, thing()) as fake:
        with fake.run(controller(lambda *_: [config("near"), SECRET], namespaces=["other"])) as run:
            run.settle()
        assert names(fake, "v1/Secret", namespace="other") == ["far"]
        yield fake


def near(*_):
    return [config("near")]


def test_what_is_in_a_namespace_that_is_not_allowed_any_more_stays_and_is_told_once(fake, caplog):
    with fake.run(controller(near)) as run:
        run.settle()
        things.edit(fake, again=True)
        run.advance(seconds=2)
    assert names(fake, "v1/Secret", namespace="other") == ["far"]
    assert [TOLD in record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [True]


def test_it_goes_once_the_namespace_is_allowed_again(fake):
    with fake.run(controller(near)) as run:
        run.settle()
    with fake.run(controller(near, namespaces=["other"])) as run:
        run.settle()
    assert names(fake, "v1/Secret", namespace="other") == []
    assert names(fake, MAP) == ["near"]


def test_a_dry_run_tells_it_as_well(fake):
    assert f"  warning: {TOLD}" in render_operators(planned([controller(near)], fake), [], "text")
