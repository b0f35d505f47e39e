"""Tables of docs/explanation that age: answers about other tools have sources, and what is supported is tested."""

import re
import tomllib
from pathlib import Path

import pytest

from genreconcile.data import Doctor, shipped

ROOT = Path(__file__).parents[2]
COMPARISON = (ROOT / "docs/explanation/comparison.md").read_text("utf-8")
SUPPORT = (ROOT / "docs/explanation/support.md").read_text("utf-8")
LABEL = re.compile(r"\[([a-z0-9]{2}-[a-z]+|ssa)\]")
NO_ANSWER = {"not found", "does not apply"}

Row = tuple[str, ...]


def tables(page: str) -> dict[str, list[Row]]:
    """The rows below each heading, without the head of the table."""
    found = {}
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        rows = [line for line in part.splitlines() if line.startswith("|")][2:]
        found[part.splitlines()[0]] = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]
    return found


ANSWERS = {
    title: rows
    for title, rows in tables(COMPARISON).items()
    if title not in {"Sources", "What each is better at", "From Python", "Figures"}
}
TOOLS = [row[0] for row in tables(COMPARISON)["What is compared"]]


@pytest.mark.parametrize("title", ANSWERS)
def test_each_question_is_answered_for_each_tool(title):
    assert [row[0] for row in ANSWERS[title]] == TOOLS
    assert len(TOOLS) == 12


@pytest.mark.parametrize("title", ANSWERS)
def test_each_answer_has_its_source(title):
    others = [(tool, answer) for tool, answer in ANSWERS[title] if tool != "genreconcile"]
    assert [tool for tool, answer in others if not LABEL.search(answer) and answer not in NO_ANSWER] == []


def test_each_source_is_one_file_at_one_commit():
    used = {*LABEL.findall(COMPARISON.partition("## Sources")[0])}
    defined = dict(re.findall(r"^\[([\w-]+)\]: (\S+)$", COMPARISON, re.MULTILINE))
    listed = {row[0].strip("[]") for row in tables(COMPARISON)["Sources"]}
    assert used == defined.keys() == listed
    assert all(re.match(r"https://github\.com/[\w.-]+/[\w.-]+/blob/[0-9a-f]{40}/", url) for url in defined.values())


def test_the_kubernetes_versions_are_those_of_the_conformance_page():
    conformed = re.findall(r"^## Kubernetes (\S+)$", (ROOT / "docs/conformance.md").read_text("utf-8"), re.MULTILINE)
    assert re.findall(r"\b1\.3\d\.\d+", SUPPORT) == [conformed[0], *conformed]


def test_the_extras_are_those_of_the_package():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert {*re.findall(r"`genreconcile\[(\w+)\]`", SUPPORT)} == {*extras}


def test_the_oldest_kubernetes_is_the_one_that_doctor_asks_for():
    assert re.findall(r"Kubernetes has to be (\S+) or newer", SUPPORT) == [shipped(Doctor).kubernetes.oldest]
