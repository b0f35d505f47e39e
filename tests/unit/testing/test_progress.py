"""Progress lines."""

from __future__ import annotations

import time

import pytest

from genreconcile.testing.progress import Progress, duration


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (42.4, "42s"), (60, "1m00s"), (185, "3m05s")])
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_guess_counts_before_anything_is_measured():
    progress = Progress("x", 100, 120)

    assert progress.line() == "x: 0% after 0s, about 2m00s left"


def test_measured_speed_replaces_the_guess():
    progress = Progress("x", 100, 1000)
    progress.advance(90)
    progress._began = time.monotonic() - 90

    # Measured: 10 s left. The guess says 910 s: its weight is a tenth.
    assert progress.line() == "x: 90% after 1m30s, about 1m40s left"


def test_an_overrun_guess_is_admitted():
    progress = Progress("x", 1, 10)
    progress._began = time.monotonic() - 60

    assert progress.line() == "x: 0% after 1m00s, longer than estimated"


def test_lines_appear_while_nothing_advances(capsys):
    said = ""
    with Progress("x", 2, 5, interval=0.01) as progress:
        progress.advance(2)
        while "almost done" not in said:
            time.sleep(0.01)
            said += capsys.readouterr().err

    started, *lines, done = (said + capsys.readouterr().err).splitlines()
    assert started == "genreconcile: x: started, about 5s"
    assert lines[-1].startswith("genreconcile: x: 100% after ")
    assert lines[-1].endswith(", almost done")
    assert done.startswith("genreconcile: x: done after ")


def test_failure_is_said(capsys):
    with pytest.raises(ValueError, match="no"), Progress("x", 2, 5):
        raise ValueError("no")

    assert capsys.readouterr().err.splitlines()[-1].startswith("genreconcile: x: failed after ")
