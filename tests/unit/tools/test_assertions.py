"""``tools/house/assertions.py``: what only moved is the same, and what got lost is told."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tools/house/assertions.py"
HELPER = """
def eventually(check):
    assert check()
"""
TEST = """
import pytest
import genreconcile as gr
from helpers import eventually

def test_one():
    assert 1 == len("a"), "told"
    eventually(lambda: gr.diff({}, {}))
    with pytest.raises(gr.InputError, match="none"):
        pass
"""
MOVED = """
from pytest import raises
from genreconcile import InputError, diff
from support.waiting import until as wait

def test_one():
    assert (1
            == len('a'))
    wait(lambda: diff({}, {}))
    with raises(InputError, match="none"):
        pass
"""


@pytest.fixture
def compare(tmp_path):
    """What is told of a test that replaces another, and the exit code."""

    def run(*command):
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    def told(after, helper=HELPER):
        folder = tmp_path / "tests"
        folder.mkdir()
        (folder / "helpers.py").write_text(HELPER)
        (folder / "test_some.py").write_text(TEST)
        run("git", "init", "-q")
        run("git", "add", ".")
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        assert run("git", *who, "commit", "-qm", "x").returncode == 0
        (folder / "test_some.py").unlink()
        (folder / "helpers.py").unlink()
        (folder / "support").mkdir()
        (folder / "support/waiting.py").write_text(helper.replace("eventually", "until").replace("check", "condition"))
        (folder / "test_other.py").write_text(after)
        done = run(sys.executable, str(TOOL), "HEAD")
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()[:-1]

    return told


def test_what_moved_is_the_same(compare):
    assert compare(MOVED) == (0, [])


def test_a_lost_assertion_is_told(compare):
    assert compare(MOVED.replace("(1", "(2")) == (
        1,
        ["- test_one: assert 1 == len('a')", "+ test_one: assert 2 == len('a')"],
    )


def test_another_match_is_told(compare):
    code, lines = compare(MOVED.replace('"none"', '"some"'))
    assert (code, lines[0]) == (1, "- test_one: raises(InputError, 'none')")


def test_a_helper_that_asserts_no_more_is_told(compare):
    code, lines = compare(MOVED, HELPER.replace("assert ", ""))
    assert (code, lines) == (1, ["- test_one: assert _0()", "- test_one: helper(lambda: diff({}, {}))"])
