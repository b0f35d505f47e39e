"""SECURITY.md names places and tests: they are there."""

import re
from pathlib import Path

import pytest

import genreconcile as gr

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| (S\d+) .*\| (.*) \| (.*) \|$", (ROOT / "SECURITY.md").read_text("utf-8"), re.MULTILINE)


def test_every_rule_has_a_row():
    assert [rule for rule, _, _ in ROWS] == [f"S{number}" for number in range(1, 19)]


@pytest.mark.parametrize(("rule", "places", "tests"), ROWS, ids=[rule for rule, _, _ in ROWS])
def test_what_a_row_names_is_there(rule, places, tests):
    named = re.findall(r"`([^`]+)`", places)
    assert named, rule
    for place in named:
        assert (Path(gr.__file__).parent / place).exists() or (ROOT / place).exists(), place
    shown = re.findall(r"`([^`]+)`", tests)
    assert shown, rule
    for entry in shown:
        file, _, test = entry.partition("::")
        assert (ROOT / file).is_file(), file
        assert f"def {test or 'test_'}" in (ROOT / file).read_text("utf-8"), entry
