import pytest

from genreconcile.conditions import Condition
from genreconcile.kinds.types import MISSING
from genreconcile.normalize.place import Place

PORT = {"port": 80, "name": None}
SPEC = {"type": "NodePort", "ports": [PORT], "selector": {"a/b": "x"}}
ROOT = {"metadata": {"name": "web"}, "spec": SPEC}
PLACE = Place(PORT, "nodePort", Place(SPEC, "ports", Place(ROOT, "spec")))


@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("port", 80),
        ("../type", "NodePort"),
        ("../selector/a~1b", "x"),
        ("../../metadata/name", "web"),
        ("/metadata/name", "web"),
        ("../../../x", MISSING),
        ("none", MISSING),
        ("port/deeper", MISSING),
        ("$key", MISSING),
    ],
)
def test_relative_paths(at, value):
    assert PLACE.resolve(at) == value


def test_the_key_itself_can_be_named():
    assert Place({"cpu": "1"}, "cpu").resolve("$key") == "1"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Condition(at="../type", values=("NodePort", None)), True),
        (Condition(at="../type", values=("ClusterIP",)), False),
        (Condition(at="none", values=(None,)), True),
        (Condition(at="port", present=True), True),
        (Condition(at="name", present=True), False),
        (Condition(at="name", present=False), True),
        (Condition(only=("port", "name")), True),
        (Condition(only=("port",)), False),
    ],
)
def test_conditions(condition, holds):
    assert PLACE.holds((condition,)) is holds


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Condition(at="port", of_live=True, values=(90,)), True),
        (Condition(at="port", of_live=True, not_values=(90,)), False),
        (Condition(at="nodePort", of_live=True, not_values=(90,)), True),
        (Condition(at="nodePort", of_live=True, present=True), False),
        (Condition(at="port", not_values=(90,)), True),
    ],
)
def test_conditions_on_live(condition, holds):
    assert Place(PORT, "nodePort", live={"port": 90}).holds((condition,)) is holds


@pytest.mark.parametrize(("at", "holds"), [("/spec/bound", True), ("/spec/port", False), ("spec/bound", False)])
def test_conditions_on_the_root_of_live(at, holds):
    root = Place(ROOT, "spec", live={"spec": {"bound": True}})
    place = Place(PORT, "nodePort", Place(SPEC, "ports", root), live={"port": 90})
    assert place.holds((Condition(at=at, of_live=True, present=True),)) is holds


def test_without_live_nothing_is_known_of_it():
    assert not PLACE.holds((Condition(at="port", of_live=True, not_values=(90,)),))


def test_all_conditions_must_hold():
    assert PLACE.holds(())
    assert not PLACE.holds((Condition(at="port", present=True), Condition(at="none", present=True)))
