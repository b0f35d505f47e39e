"""docs/readiness.md says what is so."""

from pathlib import Path

import msgspec
import pytest

import genreconcile as gr
from genreconcile.data import steps
from genreconcile.readiness import differences, tried
from support.pages import texts

PAGE = (Path(__file__).parents[3] / "docs/readiness.md").read_text("utf-8")
FILES = [text for text in texts(PAGE, "yaml") if text.startswith("apiVersion: genreconcile")]


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


def test_the_steps_that_it_shows_are_steps(tmp_path):
    (shown,) = (text for text in texts(PAGE, "yaml") if text.startswith("- when"))
    steps = "".join(f"    {line}\n" for line in shown.splitlines())
    head = "apiVersion: genreconcile.dev/v1alpha1\nkind: RuleSet\nreadiness:\n- id: a\n  object: {kind: A}\n  steps:\n"
    (tmp_path / "rules.yaml").write_text(head + steps, "utf-8")
    assert gr.Registry.empty().extend(tmp_path / "rules.yaml").readiness
