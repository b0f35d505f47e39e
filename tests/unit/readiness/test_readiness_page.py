"""docs/readiness.md says what is so, and its examples do what stands below them."""

import contextlib
import io
import re
from pathlib import Path

import msgspec
import pytest

import genreconcile as gr
from genreconcile.cli.app import run
from genreconcile.data import steps
from genreconcile.readiness import differences, tried

PAGE = (Path(__file__).parents[3] / "docs/readiness.md").read_text("utf-8")
FILES = re.findall(r"```yaml\n(apiVersion: genreconcile.*?)```", PAGE, re.DOTALL)
PROGRAMS = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("program", "output"), PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_prints_what_stands_below_it(program, output, tmp_path, monkeypatch):
    (tmp_path / "rules.yaml").write_text(FILES[0], "utf-8")
    monkeypatch.chdir(tmp_path)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(program, {})  # noqa: S102 - an example of ours
    assert said.getvalue() == output


def test_the_page_has_programs():
    assert PROGRAMS


def row(difference):
    kinds = ", ".join(f"`{kind}`" for kind in difference.kinds) or "any other"
    return f"| `{difference.id}` | {kinds} | {difference.state} | {difference.why} |"


def test_the_table_has_each_difference_and_no_other():
    rows = PAGE.split("| rule | kinds | state | why |\n|---|---|---|---|\n")[1].split("\n\n")[0].splitlines()
    assert rows == [row(difference) for difference in differences()]


def test_kstatus_has_no_steps_of_its_own():
    assert differences("kstatus") == ()


@pytest.mark.parametrize("shape", [steps.Step, steps.Test])
def test_each_key_is_explained(shape):
    keys = {field.encode_name for field in msgspec.structs.fields(shape)}
    assert {key for key in keys if f"`{key}" not in PAGE} == set()


@pytest.mark.parametrize("text", FILES, ids=range(len(FILES)))
def test_the_tests_of_its_files_pass(tmp_path, text):
    (tmp_path / "rules.yaml").write_text(text, "utf-8")
    registry = gr.Registry.empty().extend(tmp_path / "rules.yaml")
    results = tried(registry.readiness)
    assert results
    assert [str(test) for test in results if test.fault] == []


def test_the_command(tmp_path, monkeypatch, capsys):
    command, output = re.search(r"```console\n\$ (genreconcile rules.*?)\n(.*?)```", PAGE, re.DOTALL).groups()
    (tmp_path / "rules.yaml").write_text(FILES[0], "utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(command.split()[1:]) == 0
    assert capsys.readouterr().out == output
