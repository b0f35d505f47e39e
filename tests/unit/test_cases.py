"""Every row of docs/cases.md has a test whose id carries the row's, and every test that the page names is there."""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/unit/golden"
PAGE = ROOT / "docs/cases.md"

COUNTS = {"A": 16, "B": 15, "D": 11, "E": 24, "F": 8, "G": 9, "H": 10}
DEFAULTS = [
    "pod-spec",
    "container",
    "volumes",
    "deployment",
    "claim-templates",
    "job",
    "service",
    "claim",
    "autoscaler",
    "webhooks",
    "crd",
    "cluster",
    "budget",
]
ROWS = [f"{letter}{number + 1}" for letter, count in COUNTS.items() for number in range(count)]
ROWS += [f"C-{name}" for name in DEFAULTS]

# Rows of which the engine does not do all yet; their lines say what. This set may only shrink.
OPEN = set()


@pytest.fixture(scope="module")
def tests():
    """The ids of all golden cases, as ``golden/<type>/<case>``, and of all tests on a server, as ``<file>::<test>``."""
    options = ["--collect-only", "-q", "-p", "no:cacheprovider", "--assert=plain"]
    command = [sys.executable, "-m", "pytest", *options, "tests/kind/cases"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [line.removeprefix("tests/kind/cases/") for line in done.stdout.splitlines() if "::" in line]
    golden = sorted(GOLDEN.rglob("*.yaml"))
    return found + [f"golden/{file.relative_to(GOLDEN).with_suffix('')}" for file in golden]


def row_of(test):
    """The row that a test's id carries, "" without one."""
    place = re.search(r"(?:::test_|\[|/)([A-Ha-h]\d+|C-[a-z]+(?:-[a-z]+)*)(?=[-_\]]|$)", test)
    if place is None:
        return ""
    name = place[1]
    if not name.startswith("C-"):
        return name.upper()
    return max((row for row in ROWS if name == row or name.startswith(row + "-")), key=len, default="")


@pytest.fixture(scope="module")
def page():
    """The page's rows: id to (what is checked, tests, what the server did)."""
    lines = [line.strip("|").split("|") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line] for line in lines]
    return {row[0]: row[1:] for row in cells if row[0] in ROWS}


@pytest.mark.parametrize(
    ("test", "row"),
    [
        ("golden/deployment/A1-quantities", "A1"),
        ("golden/job/C-job-defaults", "C-job"),
        ("golden/statefulset/C-claim-templates-defaults", "C-claim-templates"),
        ("golden/secret/C-claim-secret-type", "C-claim"),
        ("test_cases_a.py::test_a7_invalid", "A7"),
        ("test_cases_a.py::test_duration[A4-1h]", "A4"),
        ("test_cases_e.py::test_e1_x", "E1"),
        ("golden/deployment/clean", ""),
    ],
)
def test_the_row_of_a_test(test, row):
    assert row_of(test) == row


def test_every_row_has_a_test(tests):
    covered = {row_of(test) for test in tests}
    assert [row for row in ROWS if row not in covered] == []


def test_the_page_is_honest(page):
    assert {row for row, (_, _, server) in page.items() if "not yet" in server.lower()} == OPEN


def test_the_page_has_every_row(page):
    assert set(page) == set(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_the_page_names_the_tests_of_a_row(page, tests, row):
    _, named, _ = page[row]
    patterns = re.findall(r"`([^`]+)`", named)
    assert patterns
    for pattern in patterns:
        assert any(matches(test, pattern) for test in tests), f"there is no test {pattern}"
    carrying = [test for test in tests if row_of(test) == row]
    unnamed = [test for test in carrying if not any(matches(test, pattern) for pattern in patterns)]
    assert not unnamed, "tests of this row that its line does not name"


def matches(test, pattern):
    """Whether a pattern of the page, in which only ``*`` is special, names a test."""
    return fnmatch.fnmatchcase(test, pattern.replace("[", "[[]"))
