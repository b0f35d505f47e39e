"""What plans warn of, in the log of a program (docs/operators.md)."""

import logging

import pytest

from genreconcile.controllers.planning import planned
from genreconcile.controllers.warned import Warned
from genreconcile.notice import Notice
from genreconcile.report.operators import render_operators
from unit.controllers import things
from unit.controllers.things import config, controller, thing

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"ports": [{"port": 80}]},
    "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}},
}


@pytest.fixture
def said(caplog):
    """``said()``: the warnings that were logged, since the last call."""
    caplog.set_level(logging.WARNING, "genreconcile.controllers")

    def said():
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return found

    return said


def stated(parent, ctx):
    yield config("a")
    yield SERVICE


def test_what_the_plan_of_a_parent_warns_of_is_logged_with_its_code(said):
    with things.cluster(thing("one")) as fake, fake.run(controller(stated)) as running:
        running.settle()
        (told,) = said()
        assert told.startswith("things: Thing.example.com shop/one: Service shop/web: status: not compared")
        assert told.endswith("[GR220]")
        things.edit(fake, other=1)
        running.advance(seconds=2)
        assert said() == []


def test_a_dry_run_prints_it_even_where_nothing_would_be_done(said):
    with things.cluster(thing("one")) as fake:
        with fake.run(controller(stated)) as running:
            running.settle()
        text = render_operators(planned([controller(stated)], fake), [], "text")
    assert "  warning: Service shop/web: status: not compared" in text
    assert "[GR220]" in text
    assert "0 would be changed" in text


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


def test_the_same_is_told_once_in_ten_minutes_however_long_it_lasts(said, clock):
    warned = Warned("apps", clock)
    for seconds in (30, 31, 400):
        clock.now = seconds
        warned.tell([Notice(f"v1/Pod: what is known may be old: for {seconds} s no watch has worked", "GR711")], "a")
    assert said() == ["apps: a: v1/Pod: what is known may be old: for 30 s no watch has worked [GR711]"]
    clock.now = 631
    warned.tell([Notice("v1/Pod: what is known may be old: for 631 s no watch has worked", "GR711")])
    assert said() == ["apps: v1/Pod: what is known may be old: for 631 s no watch has worked [GR711]"]


@pytest.mark.parametrize(
    "other",
    [
        Notice("Service shop/web-2: status: not compared", "GR220"),
        Notice("Service shop/web-1: metadata: left out", "GR220"),
        Notice("Service shop/web-1: status: not compared", "GR212"),
    ],
)
def test_another_object_text_or_code_is_another_warning(said, clock, other):
    warned = Warned("apps", clock)
    warned.tell([Notice("Service shop/web-1: status: not compared", "GR220"), other])
    assert len(said()) == 2
