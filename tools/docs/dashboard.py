"""Draw the dashboard as a Prometheus server answers it that has scraped programs in trouble.

    PYTHONPATH=.:tests python tools/docs/dashboard.py

It writes docs/_static/dashboard.svg: the panels, their places, titles, units and legends are those of
genreconcile/observe/dashboard.json, and the lines what the server answers to its expressions. tests/kind/watching.py
makes the troubles. It needs Go, with which the server is built the first time.
"""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.sax.saxutils import escape

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURE: Final = ROOT / "docs/_static/dashboard.svg"
COLOURS: Final = ("#2f6fb7", "#d9822b", "#3a923a", "#c03d3e", "#8a63b0", "#845b53", "#d684bd", "#7f7f7f", "#a9aa35")

_CELL: Final = 50, 26
"""Width and height of one cell of Grafana's grid."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 68, 14, 38, 22
_LEGEND, _LINE, _CHARACTER = 14, 14, 5.8
_STYLE: Final = (
    "text{font:10px sans-serif;fill:#57606a}.title{font-size:12px;font-weight:600;fill:#24292f}"
    ".panel{fill:#fff;stroke:#d0d7de}.grid{stroke:#eaeef2}.line{fill:none;stroke-width:1.5;stroke-linejoin:round}"
)


class Series(NamedTuple):
    """A line: its legend, and values by time in seconds."""

    name: str
    values: Mapping[float, float]


class Scale(NamedTuple):
    """Where values and times are in a panel."""

    start: float
    end: float
    top: float
    box: tuple[float, float, float, float]
    """x, y, width and height."""

    def point(self, at: float, value: float) -> tuple[float, float]:
        """In pixels."""
        x, y, width, height = self.box
        return x + width * (at - self.start) / (self.end - self.start), y + height * (1 - value / self.top)


def picture(panels: Sequence[tuple[Mapping[str, Any], Sequence[Series]]], start: float, end: float) -> str:
    """An SVG of all panels, each with its series."""
    places = [panel["gridPos"] for panel, _ in panels]
    width = max(place["x"] + place["w"] for place in places) * _CELL[0]
    height = max(place["y"] + place["h"] for place in places) * _CELL[1]
    drawn = (line for panel, series in panels for line in _panel(panel, series, start, end))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *drawn, "</svg>"]) + "\n"


def _panel(panel: Mapping[str, Any], series: Sequence[Series], start: float, end: float) -> Iterator[str]:
    place = panel["gridPos"]
    x, y, width, height = (place[key] * size for key, size in zip("xywh", _CELL * 2, strict=True))
    rows = list(_legend_rows([one.name for one in series], width - 2 * _RIGHT))
    box = x + _LEFT, y + _TOP, width - _LEFT - _RIGHT, height - _TOP - _BOTTOM - _LEGEND * len(rows) - 6
    highest = max((value for one in series for value in one.values.values() if math.isfinite(value)), default=0.0)
    unit = panel["fieldConfig"]["defaults"]["unit"]
    scale = Scale(start, end, axis_end(highest, unit), box)
    yield f'<rect class="panel" x="{x + 4}" y="{y + 4}" width="{width - 8}" height="{height - 8}" rx="3"/>'
    yield f'<text class="title" x="{x + 14}" y="{y + 22}">{escape(panel["title"])}</text>'
    yield from _axes(scale, unit_of(unit))
    is_step = panel["fieldConfig"]["defaults"]["custom"]["lineInterpolation"] == "stepAfter"
    colours = list(zip(series, itertools.cycle(COLOURS), strict=False))
    for one, colour in colours:
        for path in _paths(one.values, scale, is_step=is_step):
            yield f'<path class="line" stroke="{colour}" d="{path}"/>'
    for number, row in enumerate(rows):
        yield from _legend(row, colours, x + 14, box[1] + box[3] + _BOTTOM + _LEGEND * (number + 1) - 4)


def _axes(scale: Scale, unit: Callable[[float], str]) -> Iterator[str]:
    x, y, width, height = scale.box
    for share in (0.0, 0.5, 1.0):
        at = y + height * (1 - share)
        yield f'<path class="grid" d="M{x:.0f} {at:.1f}h{width:.0f}"/>'
        yield f'<text x="{x - 6:.0f}" y="{at + 3:.1f}" text-anchor="end">{unit(scale.top * share)}</text>'
    for share in (0.0, 0.5, 1.0):
        seconds = round((scale.end - scale.start) * share)
        anchor = {0.0: "start", 1.0: "end"}.get(share, "middle")
        at = x + width * share
        yield f'<text x="{at:.0f}" y="{y + height + 14:.0f}" text-anchor="{anchor}">{seconds} s</text>'


def _paths(values: Mapping[float, float], scale: Scale, *, is_step: bool) -> Iterator[str]:
    """One for each stretch without a gap: a time without a value, or with one that is no number."""
    steps = [after - before for before, after in itertools.pairwise(values)]
    longest = 1.5 * min(steps, default=1.0)
    stretch: list[tuple[float, float]] = []
    last = None
    for at, value in values.items():
        is_gap = not math.isfinite(value) or (last is not None and at - last > longest)
        if is_gap and stretch:
            yield _path(stretch, is_step=is_step)
            stretch = []
        if math.isfinite(value):
            stretch.append(scale.point(at, value))
        last = at
    if stretch:
        yield _path(stretch, is_step=is_step)


def _path(points: Sequence[tuple[float, float]], *, is_step: bool) -> str:
    (x, y), *more = points
    parts = [f"M{x:.1f} {y:.1f}"]
    for left, top in more:
        parts.append(f"H{left:.1f}V{top:.1f}" if is_step else f"L{left:.1f} {top:.1f}")
    return "".join(parts) if more else f"M{x - 1:.1f} {y:.1f}h2"


def _legend_rows(names: Iterable[str], width: float) -> Iterator[list[str]]:
    row: list[str] = []
    for name in names:
        if row and sum(_size(one) for one in (*row, name)) > width:
            yield row
            row = []
        row.append(name)
    if row:
        yield row


def _legend(row: Iterable[str], colours: Iterable[tuple[Series, str]], x: float, y: float) -> Iterator[str]:
    by_name = {one.name: colour for one, colour in colours}
    for name in row:
        yield f'<path stroke="{by_name[name]}" stroke-width="3" d="M{x:.0f} {y - 3:.0f}h{_LINE - 3}"/>'
        yield f'<text x="{x + _LINE:.0f}" y="{y:.0f}">{escape(name)}</text>'
        x += _size(name)


def _size(name: str) -> float:
    return _LINE + _CHARACTER * len(name) + 12


def axis_end(highest: float, unit: str) -> float:
    """1, 2 or 5 times a power of ten, as it is written in one of Grafana's units."""
    base = 2.0**20 if unit == "bytes" else 1.0
    if highest <= 0:
        return base
    power = base * 10.0 ** math.floor(math.log10(highest / base))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= highest * 0.999)


def unit_of(name: str) -> Callable[[float], str]:
    """How a value of one of Grafana's units is written."""
    return {
        "s": lambda value: f"{value:g} s" if value >= 1 or not value else f"{value * 1000:g} ms",
        "bytes": lambda value: f"{value / 2**20:.0f} MiB",
        "ops": lambda value: f"{value:g} ops/s",
        "wps": lambda value: f"{value:g} wr/s",
        "short": lambda value: f"{value:g}",
    }[name]


def _legend_of(target: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    name: str = target["legendFormat"]
    for label, value in labels.items():
        name = name.replace("{{" + label + "}}", value)
    return name


def main() -> None:
    """Run, and draw."""
    from genreconcile.testing import ControlPlane
    from kind.prometheus import Shown, program
    from kind.watching import DASHBOARD, watching

    with (
        ControlPlane() as plane,
        tempfile.TemporaryDirectory() as folder,
        watching(plane, program("prometheus"), Path(folder)) as watched,
    ):
        shown = Shown(DASHBOARD, watched.prometheus, watched.span)
        panels = [
            (
                panel,
                [
                    Series(_legend_of(target, labels), values)
                    for target in panel["targets"]
                    for labels, values in shown.history(target)
                ],
            )
            for panel in DASHBOARD["panels"]
        ]
        PICTURE.write_text(picture(panels, *watched.span), "utf-8")


if __name__ == "__main__":
    main()
