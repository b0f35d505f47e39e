"""No page has a block that nobody runs: each is a directive of the build, or names the tests that hold it."""

import ast
from fnmatch import fnmatch
from pathlib import Path

import pytest

from support.pages import blocks

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)


def excepted():
    """The pages that conf.py lists, each with its reason."""
    tree = ast.parse((DOCS / "conf.py").read_text("utf-8"))
    (listed,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "pages_of_excerpts"
    )
    return ast.literal_eval(listed)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(DOCS).with_suffix("")) for page in PAGES])
def test_no_block_is_plain(page):
    name = str(page.relative_to(DOCS).with_suffix(""))
    plain = [f"{page}:{block.line}" for block in blocks(page.read_text("utf-8")) if not block.directive]
    assert not plain or any(fnmatch(name, pattern) for pattern in excepted()), "\n".join(plain)


@pytest.mark.parametrize("pattern", excepted())
def test_what_is_excepted_is_there_and_has_a_reason(pattern):
    of = [page for page in PAGES if fnmatch(str(page.relative_to(DOCS).with_suffix("")), pattern)]
    assert excepted()[pattern]
    assert of


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(DOCS).with_suffix("")) for page in PAGES])
def test_what_is_not_run_says_why(page):
    unrun = [block for block in blocks(page.read_text("utf-8")) if "unrun" in block.options]
    assert [block for block in unrun if len(block.options["unrun"]) < 10] == []


def test_a_plain_block_is_found():
    page = "a\n\n```yaml\nb: 1\n```\n\n```{file} c.py\n:hidden:\nd = 1\n```\n\n```\n$ e\n```\n"
    found = blocks(page)
    assert [(block.directive, block.language, block.line) for block in found] == [
        ("", "yaml", 3),
        ("file", "python", 7),
        ("", "", 12),
    ]
    assert (found[1].options, found[1].text) == ({"hidden": ""}, "d = 1\n")
