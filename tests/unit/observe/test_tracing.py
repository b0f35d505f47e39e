"""Spans of a run, for whoever has set tracing up; nothing of it where nobody has."""

import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from genreconcile.observe import span
from unit.controllers import things
from unit.controllers.things import config, controller, thing


@pytest.fixture
def spans(monkeypatch):
    """What was exported so far, the first that ended first."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter.get_finished_spans


def run(function):
    with things.cluster(thing("one")) as fake, fake.run(controller(function)) as running:
        running.settle()


def test_a_run_and_its_parts(spans):
    def children(parent, ctx):
        yield config("a")

    run(children)
    found = [one for one in spans() if one.attributes["genreconcile.controller"] == "things"]
    first = found[:4]
    assert [one.name for one in first] == ["function", "plan", "apply", "reconcile"]
    assert {one.parent.span_id for one in first[:3]} == {first[3].context.span_id}
    assert dict(first[3].attributes) == {
        "genreconcile.controller": "things", "k8s.object.group": "example.com", "k8s.object.kind": "Thing",
        "k8s.object.namespace": "shop", "k8s.object.name": "one",
    }  # fmt: skip


def test_an_error_has_its_type_alone(spans):
    def failing(parent, ctx):
        raise ValueError("hunter2")

    run(failing)
    failed = next(one for one in spans() if one.name == "function")
    assert failed.status.status_code is trace.StatusCode.ERROR
    assert failed.attributes["error.type"] == "ValueError"
    assert failed.events == ()
    assert "hunter2" not in failed.to_json()


def test_what_is_a_set_has_no_object(spans):
    with span("reconcile", "kept"):
        pass
    (found,) = spans()
    assert dict(found.attributes) == {"genreconcile.controller": "kept"}


def test_nothing_is_imported_where_nobody_has_set_it_up():
    program = (
        "import sys\n"
        "from genreconcile.observe import span\n"
        "with span('reconcile', 'things'): pass\n"
        "sys.exit(any(name.startswith(('opentelemetry', 'prometheus')) for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
