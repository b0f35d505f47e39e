"""``tools/flaky.py``: tests that fail now and then are counted, beside a load that ends with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

MODULE = """
import pathlib, threading, time

RUNS = pathlib.Path(__file__).with_name("runs")

def eventually(check):
    assert check()

def through_a_helper():
    eventually(lambda: True)

def test_now_and_then():
    RUNS.write_text(RUNS.read_text() + "x" if RUNS.exists() else "x")
    assert len(RUNS.read_text()) != 2

def test_never():
    eventually(lambda: True)
"""


def flaky(folder, *arguments):
    command = [sys.executable, str(ROOT / "tools/flaky.py"), "-m", "", *arguments]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # Most of the time of such a small run.
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_the_tally_of_three_runs(tmp_path):
    (tmp_path / "test_some.py").write_text(MODULE)
    done = flaky(tmp_path, "--count", "3", "--burners", "1", "--keep", str(tmp_path / "kept"), "test_some.py")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[3:] == [
        "  1 of 3  test_some.py::test_now_and_then",
        f"the output is in {tmp_path / 'kept'}",
    ]
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["2.txt"]


def test_nothing_fails(tmp_path):
    (tmp_path / "test_some.py").write_text(MODULE)
    done = flaky(tmp_path, "--count", "1", "--burners", "0", "test_some.py", "-k", "never")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "none failed in 1 runs"


def test_a_run_that_cannot_begin_counts(tmp_path):
    done = flaky(tmp_path, "--count", "1", "--burners", "0", "no_such_file.py")
    assert done.returncode == 1
    assert "  1 of 1  pytest ended with 4" in done.stdout


def test_one_that_waits_through_a_helper_is_marked(request):
    assert request.node.get_closest_marker("timing")
    _eventually(lambda: True)


def test_one_that_does_not_wait_is_not(request):
    assert not request.node.get_closest_marker("timing")


@pytest.mark.usefixtures("server")
def test_one_with_a_server_is_marked(request):
    assert request.node.get_closest_marker("timing")


def _eventually(check):
    return eventually(check)


def eventually(check):
    return check()
