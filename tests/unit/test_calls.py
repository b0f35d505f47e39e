"""What is passed to the public calls: declared in one place, and refused where it cannot be meant."""

import dataclasses
import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from scripted_server import ScriptedCluster

import genreconcile as gr
from genreconcile import settings as settings_module
from genreconcile.settings import Settings

OWN = {"plan": set(), "reconcile": {"wait"}, "rights": {"level"}}
HALF = "not usable alone"


@pytest.fixture
def cluster():
    return ScriptedCluster()


@pytest.fixture
def reconciler(cluster):
    with gr.Reconciler(cluster) as made:
        yield made


@pytest.mark.parametrize("method", OWN)
def test_r5_the_keywords_are_those_of_settings(method):
    function = getattr(gr.Reconciler, method)
    given = inspect.signature(function).parameters
    named = {name: given[name] for name in given if name not in {"self", "expected", *OWN[method]}}
    fields = {field.name: field for field in dataclasses.fields(Settings)}
    hints, declared = typing.get_type_hints(function), typing.get_type_hints(Settings, vars(settings_module))
    assert list(named) == list(fields)
    assert OWN[method] <= set(given)
    for name, parameter in named.items():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default == fields[name].default, name
        assert hints[name] == declared[name], name


MISSPELLED = """
import genreconcile as gr

def use(reconciler: gr.Reconciler) -> None:
    reconciler.reconcile([], delete_slector="a=b")
    reconciler.rights([], feilds="subset")
    reconciler.reconcile([], fields="subst")
    gr.Reconciler(gr.connect(), on_immutable="recrate")
    reconciler.reconcile([], delete_from_namespace="shop", delete_selector={"a": "b"}, fields="subset", wait=True)
    reconciler.reconcile([], delete_from_namespace="", delete_selector=None)
"""


def test_r5_a_type_checker_sees_what_is_misspelled(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "use.py").write_text(MISSPELLED)
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", "--no-error-summary", "use.py"]
    env = {"MYPYPATH": str(Path(gr.__file__).parents[1])}
    found = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False).stdout
    lines = [line for line in found.splitlines() if ": error:" in line]
    assert [line.split(":")[1] for line in lines] == ["5", "6", "7", "8"], found
