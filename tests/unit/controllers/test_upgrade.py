"""Another build of a controller: what it would change of the children that the one before has written."""

import importlib.util
import itertools
import threading
from pathlib import Path

import pytest

import genreconcile as gr
from genreconcile.cli import main, session
from genreconcile.controllers import program as program_module
from genreconcile.controllers.build import build
from genreconcile.controllers.loop import Loop
from genreconcile.controllers.program import Program
from genreconcile.controllers.upgrade import Survey
from genreconcile.normalize import Registry
from genreconcile.ownership import build_of
from genreconcile.plan import Change, Plan
from support.eventually import eventually
from unit.controllers import things
from unit.controllers.things import MAP, THING, condition, names, thing

RULES = Registry.builtin()
TOOLING_PATH = "/metadata/annotations/applyset.kubernetes.io~1tooling"
NUMBERS = itertools.count()


@pytest.fixture
def operator(tmp_path):
    """A function that imports a file whose controller states what its text says."""

    def operator(body, **settings):
        name = f"operator_{next(NUMBERS)}"
        file = tmp_path / f"{name}.py"
        file.write_text(f"import genreconcile as gr\n\ndef function(parent, ctx):\n    {body}\n")
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return gr.controller(THING, **{"name": "things", **settings})(module.function)

    return operator


def stating(value, keeps=""):
    found = f"[{{'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {{'name': n}}, 'data': {{'k': {value!r}}}}}"
    return f"return {found} for n in parent['spec']['names'] {keeps}]"


# The build


def test_the_build_is_that_of_the_file_the_rules_and_the_library(operator, monkeypatch):
    one, same, other = operator("return []"), operator("return []"), operator("return [ ]")
    assert build(one, RULES) == build(same, RULES)
    assert build(one, RULES) != build(other, RULES)
    rule = {"id": "r", "object": {}, "path": "spec/x", "ignore": True}
    more = RULES.extend({"apiVersion": "genreconcile.dev/v1alpha1", "kind": "RuleSet", "rules": [rule]})
    assert build(one, RULES) != build(one, more)
    before = build(one, RULES)
    monkeypatch.setattr("genreconcile.controllers.build.version", lambda _: "9.9.9")
    assert build(one, RULES) != before


def made(text):
    names = {}
    exec(f"def function(parent, ctx):\n    {text}\n", names)  # noqa: S102 - a function without a file
    return things.controller(names["function"])


def test_the_build_of_a_function_without_a_file_is_that_of_its_code():
    assert build(made("return []"), RULES) == build(made("return []"), RULES)
    assert build(made("return []"), RULES) != build(made("return [1]"), RULES)


def test_a_function_that_runs_before_a_parent_goes_counts():
    one = made("return []")
    before = build(one, RULES)
    one.on_delete(made("return None").function)
    assert build(one, RULES) != before


def test_the_record_of_a_parent_has_the_build_that_ran_last(operator):
    with things.cluster(thing("one", names=["a"])) as fake:
        first, second = operator(stating("1")), operator(stating("1") + "  # another build")
        for one in (first, second):
            with fake.run(one) as run:
                run.advance(seconds=5)
                run.writes.clear()
                run.advance(seconds=36_000 * 3)
                assert run.writes == []
            assert build_of(fake.get(THING, "one")) == build(one, RULES)
            tooling = fake.get(THING, "one")["metadata"]["annotations"]["applyset.kubernetes.io/tooling"]
            assert tooling.startswith("genreconcile-things/v")


def test_two_builds_at_once_do_not_fight_for_the_record(operator):
    """Their children are the same, and each writes its build once."""
    with things.cluster(thing("one", names=["a"])) as fake:
        first, second = operator(stating("1")), operator(stating("1") + "  # another build")
        with fake.run(first) as one:
            one.advance(seconds=5)
            with fake.run(second) as other:
                for _ in range(5):
                    one.advance(seconds=5)
                    other.advance(seconds=5)
                one.writes.clear()
                other.writes.clear()
                for _ in range(5):
                    one.advance(seconds=5)
                    other.advance(seconds=5)
                assert one.writes == other.writes == []


# The survey


def plan(*operations, matches=0):
    key = gr.ObjectKey("", "ConfigMap", "shop", "a")
    return Plan(
        tuple(Change(operation, gr.GVK("", "v1", "ConfigMap"), key) for operation in operations),
        (),
        (),
        matches=matches,
    )


@pytest.mark.parametrize(
    ("there", "operations", "is_refused"),
    [
        (0, [], False),
        (5, ["update"] * 5, False),
        (10, ["delete"] * 10, False),
        (11, ["delete"] * 11, True),
        (50, ["update"] * 10, False),
        (50, ["update"] * 6 + ["delete"] * 5, True),
        (1000, ["update"] * 200, False),
        (1000, ["update"] * 201, True),
        (50, ["create"] * 40 + ["none"] * 40, False),
    ],
)
def test_what_is_refused(there, operations, is_refused):
    parent = gr.ObjectKey("example.com", "Thing", "shop", "one")
    found = Survey.of("things", [(parent, plan(*operations, matches=there))])
    assert bool(found.refusal) is is_refused
    if is_refused:
        assert f"would change {found.changed} of {there} children" in found.refusal
        assert found.parents == (parent,)


def test_the_message_is_that_of_the_page():
    page = (Path(__file__).parents[3] / "docs/operators.md").read_text()
    assert f"Stalled True GuardRefused: {Survey('apps', 24, 24).refusal}\n" in page


def surveyed(fake, one):
    with fake.run(one) as run:
        (loop,) = run._loops
        survey = loop.survey(20)
        if survey.refusal:
            loop.refuse(survey)
        assert [write for write in run.writes if not write.path.endswith("/status")] == []
        return survey


def test_what_another_build_would_change(operator):
    parents = [thing(f"t{number}", names=[f"{number}{letter}" for letter in "abc"]) for number in range(8)]
    with things.cluster(*parents) as fake:
        first = operator(stating("1"))
        assert surveyed(fake, first) == Survey("things"), "there is nothing yet"
        with fake.run(first) as run:
            run.settle()
        assert surveyed(fake, first) == Survey("things"), "the same build"
        assert surveyed(fake, operator(stating("1") + "  # other")) == Survey("things", 24, 0, ())
        few = surveyed(fake, operator(stating("1", "if n < '2'")))
        assert (few.children, few.changed, len(few.parents), bool(few.refusal)) == (24, 18, 6, True)
        before = fake.find(MAP)
        all_ = surveyed(fake, operator(stating("2")))
        assert (all_.children, all_.changed, len(all_.parents)) == (24, 24, 8)
        assert fake.find(MAP) == before
        assert condition(fake, "Stalled", "t7") == ("True", "GuardRefused")
        with fake.run(operator(stating("2"))) as run:  # Once the changes are accepted.
            run.settle()
        assert {obj["data"]["k"] for obj in fake.find(MAP)} == {"2"}
        assert condition(fake, "Stalled", "t7") is None


def test_a_parent_of_which_nobody_can_tell_is_left_out(operator):
    with things.cluster(thing("one", names=["a"]), thing("two", names=["b"])) as fake:
        with fake.run(operator(stating("1"))) as run:
            run.settle()
        body = "if parent['metadata']['name'] == 'one': raise RuntimeError\n    " + stating("2")
        assert surveyed(fake, operator(body)).changed == 1


def test_a_function_knows_that_nothing_is_written(operator):
    with things.cluster(thing("one", names=["a"])) as fake:
        with fake.run(operator(stating("1"))) as run:
            run.settle()
        assert names(fake) == ["a"]
        found = surveyed(fake, operator("return [] if not ctx.is_plan else 1 / 0"))
        assert found.changed == 0
        assert names(fake) == ["a"]


# The program


@pytest.fixture
def many(operator):
    """A cluster in which a build has written 24 children."""
    parents = [thing(f"t{number}", names=[f"{number}{letter}" for letter in "abc"]) for number in range(8)]
    with things.cluster(*parents) as fake:
        with fake.run(operator(stating("1"))) as run:
            run.settle()
        yield fake


def values(fake):
    return {obj["data"]["k"] for obj in fake.find(MAP)}


def test_a_program_ends_before_it_changes_many(many, operator):
    with pytest.raises(gr.PlanRefused, match="would change 24 of 24 children, which is more than 10"):
        gr.run(operator(stating("2")), cluster=many)
    assert values(many) == {"1"}
    assert condition(many, "Stalled", "t0") == ("True", "GuardRefused")
    with Program(operator(stating("2")), cluster=many, accept_changes=True):
        eventually(lambda: values(many) == {"2"})
        eventually(lambda: condition(many, "Stalled", "t0") is None)


def test_a_program_that_is_refused_is_not_ready(many, operator):
    ended = threading.Event()
    program = Program(operator(stating("2")), cluster=many)
    program.on_end = ended.set
    with program:
        eventually(ended.is_set)
        assert not program.is_ready
        assert "24 of 24" in program.refused


def test_few_changes_are_made(many, operator):
    few = stating("1").replace("'k': '1'", "'k': '2' if n[0] == '3' else '1'")
    with Program(operator(few), cluster=many) as program:
        eventually(lambda: values(many) == {"1", "2"})
        assert program.refused == ""


def test_the_command_ends_with_4(many, operator, tmp_path, monkeypatch, capsys):
    file = tmp_path / "operator.py"
    controller = "gr.controller('example.com/v1/Thing', name='things')"
    file.write_text(f"import genreconcile as gr\n\n@{controller}\ndef things(parent, ctx):\n    {stating('2')}\n")
    monkeypatch.setattr(session, "connect", lambda _: many)
    assert main(["run", str(file)]) == 4
    assert "start it with --accept-changes" in capsys.readouterr().err
    assert values(many) == {"1"}


def test_parents_that_are_not_known_are_awaited(many, operator, monkeypatch):
    monkeypatch.setattr(program_module, "_AGAIN", 0.01)
    answers, survey = [gr.NotSynced("not yet"), RuntimeError()], Loop.survey

    def late(loop, timeout):
        if answers:
            raise answers.pop()
        return survey(loop, timeout)

    monkeypatch.setattr(Loop, "survey", late)
    with Program(operator(stating("1")), cluster=many):
        things.edit(many, "t0", names=[])
        eventually(lambda: len(many.find(MAP)) == 21)
    assert not answers


# Versions beside each other


@pytest.mark.parametrize("version", ["v0.0.9", "v0.0.9+0123456789ab", "v99.1.0-rc.1+0123456789ab.more"])
def test_the_marks_of_another_version_are_read(operator, version):
    """Of an older one, which has no build, and of a newer one, after a downgrade."""
    with things.cluster(thing("one", names=["a", "b"])) as fake:
        one = operator(stating("1"))
        with fake.run(one) as run:
            run.settle()
        tooling = {"op": "add", "path": TOOLING_PATH, "value": f"genreconcile-things/{version}"}
        fake.patch(THING, "one", tooling)
        before = fake.find(MAP)
        with fake.run(one) as run:
            run.advance(seconds=5)
            assert fake.find(MAP) == before
            assert condition(fake, "Ready") == ("True", "Reconciled")
            things.edit(fake, names=["b"])
            run.advance(seconds=5)
            assert names(fake) == ["b"]
            assert build_of(fake.get(THING, "one")) == build(one, RULES)
