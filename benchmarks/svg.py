"""Bars as SVG, written by hand.

Invariant: pure: names and figures in, a document out; the same in gives the same out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

_WIDTH, _ROW, _TOP, _LABELS, _VALUES = 800, 26, 52, 300, 110
_BARS = _WIDTH - _LABELS - _VALUES
_OURS, _OTHERS = "#2563a8", "#b9bec6"


class Bar(NamedTuple):
    """One row; ``text`` stands at its end. ``value`` None is a contender that is missing: no bar."""

    name: str
    value: float | None
    text: str
    is_ours: bool


def chart(title: str, subtitle: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars from zero, in one scale."""
    height = _TOP + _ROW * len(bars) + 12
    largest = max((bar.value for bar in bars if bar.value), default=1.0)
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13" fill="#1c2024">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" rx="6" fill="#ffffff"/>',
        f'<text x="16" y="24" font-size="15" font-weight="600">{escape(title)}</text>',
        f'<text x="16" y="42" fill="#5b6470">{escape(subtitle)}</text>',
        *(line for place, bar in enumerate(bars) for line in _row(place, bar, largest)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _row(place: int, bar: Bar, largest: float) -> Iterator[str]:
    top = _TOP + _ROW * place
    weight = ' font-weight="600"' if bar.is_ours else ""
    width = 0.0 if bar.value is None else max(1.0, _BARS * bar.value / largest)
    yield f'<text x="{_LABELS - 8}" y="{top + 17}" text-anchor="end"{weight}>{escape(bar.name)}</text>'
    if bar.value is not None:
        colour = _OURS if bar.is_ours else _OTHERS
        yield f'<rect x="{_LABELS}" y="{top + 4}" width="{width:.1f}" height="{_ROW - 8}" rx="2" fill="{colour}"/>'
    yield f'<text x="{_LABELS + width + 6:.1f}" y="{top + 17}"{weight}>{escape(bar.text)}</text>'
