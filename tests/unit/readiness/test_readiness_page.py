"""docs/readiness.md says what is so, and its examples do what stands below them."""

import contextlib
import io
import re
from pathlib import Path

import msgspec
import pytest

from genreconcile.data import steps
from genreconcile.readiness import differences

PAGE = (Path(__file__).parents[3] / "docs/readiness.md").read_text("utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("program", "output"), PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_prints_what_stands_below_it(program, output):
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
