"""``tools/docs/dashboard.py``: lines of the picture, and the picture that stands in the page."""

import importlib.util
import json
import math
import re
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SPEC = importlib.util.spec_from_file_location("dashboard", ROOT / "tools/docs/dashboard.py")
DRAWING = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(DRAWING)
DASHBOARD = json.loads((files("genreconcile.observe") / "dashboard.json").read_text("utf-8"))


def drawn(values, interpolation="linear", unit="short"):
    """The lines of one series in a panel of 800 by 208 pixels, whose times go from 0 to 10."""
    defaults = {"unit": unit, "custom": {"lineInterpolation": interpolation}}
    place = {"x": 0, "y": 0, "w": 16, "h": 8}
    panel = {"gridPos": place, "title": "A & B", "fieldConfig": {"defaults": defaults}}
    text = DRAWING.picture([(panel, [DRAWING.Series("a", values)])], 0, 10)
    assert 'viewBox="0 0 800 208"' in text
    assert ">A &amp; B<" in text
    return re.findall(r'class="line" stroke="#\w+" d="(.*?)"', text)


def test_a_line_goes_up_where_the_values_do():
    (line,) = drawn({0: 0.0, 1: 2.0})
    (left, bottom), (right, top) = [map(float, point.split()) for point in line.removeprefix("M").split("L")]
    assert right > left
    assert top < bottom


@pytest.mark.parametrize("values", [{0: 1, 1: 1, 4: 1, 5: 1}, {0: 1, 1: 1, 2: math.nan, 3: 1, 4: 1}])
def test_a_gap_is_none_of_the_line(values):
    assert len(drawn(values)) == 2


def test_one_value_alone_is_seen():
    assert drawn({5: 1}) == [drawn({4: math.nan, 5: 1})[0]]


def test_steps_are_steps():
    (line,) = drawn({0: 0, 1: 1}, "stepAfter")
    assert re.fullmatch(r"M[\d. ]+H[\d.]+V[\d.]+", line)


@pytest.mark.parametrize(
    ("unit", "highest", "top"),
    [
        ("short", 0, "1"), ("short", 3, "5"), ("s", 0.02, "20 ms"), ("s", 7, "10 s"),
        ("bytes", 70 * 2**20, "100 MiB"), ("ops", 0.3, "0.5 ops/s"), ("wps", 2, "2 wr/s"),
    ],
)  # fmt: skip
def test_an_axis_ends_with_a_round_number(unit, highest, top):
    assert DRAWING.unit_of(unit)(DRAWING.axis_end(highest, unit)) == top


def test_the_picture_of_the_page_has_each_panel():
    text = DRAWING.PICTURE.read_text("utf-8")
    assert re.findall(r'class="title"[^>]*>(.*?)<', text) == [panel["title"] for panel in DASHBOARD["panels"]]
    assert "_static/dashboard.svg" in (ROOT / "docs/observability.md").read_text("utf-8")
