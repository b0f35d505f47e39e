"""What real use exposed: every row R1.1 to R5 of docs/cases.md has a test whose name carries the row's id."""

import ast
import fnmatch
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/cases.md"

COUNTS = {"R1": 15, "R2": 10, "R3": 11, "R4": 14}
ROWS = [f"{group}.{number + 1}" for group, count in COUNTS.items() for number in range(count)] + ["R5"]

# Rows of which the engine does not do all yet. This set may only shrink.
OPEN: set[str] = set()

DONE = [row for row in ROWS if row not in OPEN]


@pytest.fixture(scope="module")
def tests():
    """All test functions, as ``kind/cases/test_cases_a.py::test_name``."""
    found = []
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        body = ast.parse(file.read_text("utf-8")).body
        names = [node.name for node in body if isinstance(node, ast.FunctionDef)]
        found += [f"{file.relative_to(ROOT / 'tests')}::{name}" for name in names if name.startswith("test_")]
    return found


@pytest.fixture(scope="module")
def page():
    """The page's rows: id to the column that names its tests."""
    lines = [line.split("|") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| R")]
    return {cells[1].strip(): cells[3] for cells in lines}


def test_the_page_has_every_row_that_is_done(page):
    assert set(page) & set(ROWS) == set(DONE)


def test_the_page_has_each_row_once():
    rows = [line.split("|")[1].strip() for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| R")]
    assert sorted(rows) == sorted(DONE)


@pytest.mark.parametrize("row", DONE)
def test_a_row_names_tests_that_carry_its_id(page, tests, row):
    patterns = re.findall(r"`([^`]+::test_[^`]+)`", page[row])
    named = [test for test in tests if any(fnmatch.fnmatchcase(test, "*" + pattern) for pattern in patterns)]
    mark = f"test_{row.lower().replace('.', '_')}_"
    assert patterns
    assert [
        pattern for pattern in patterns if not any(fnmatch.fnmatchcase(test, "*" + pattern) for test in tests)
    ] == []
    assert any(test.partition("::")[2].startswith(mark) for test in named), f"no test is called {mark}*"
