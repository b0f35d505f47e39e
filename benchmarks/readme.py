"""The figures in the README, from the results.

Invariant: pure; between two marks nothing stands that the results do not say.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from benchmarks.results import figure

BEGIN, END = "<!-- figures: written by python -m benchmarks.plots -->", "<!-- end of figures -->"
_WIDTH, _INDENT = 120, "  "
_CHOSEN: Final = {
    "cold_sync": ("first sync", ("client-go dynamic",)),
    "memory_per_object": ("memory per object", ("client-go dynamic, stripped",)),
    "compare_cold": ("comparison", ("Argo CD", "DeepDerivative")),
    "cli_diff": ("`diff` of 500", ("kubectl diff",)),
    "converge": ("creation", ("controller-runtime CreateOrUpdate", "bare POST (Go)")),
}


def with_figures(text: str, results: Mapping[str, Any]) -> str:
    """The README's text, with what stands between its marks written anew; as it was where it has no marks."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not end:
        return text
    lines = textwrap.wrap("; ".join(_figures(results["metrics"])), _WIDTH - len(_INDENT), break_on_hyphens=False)
    return f"{head}{begin}\n" + "".join(f"{_INDENT}{line}\n" for line in lines) + f"{_INDENT}{end}{tail}"


def _figures(metrics: Mapping[str, Any]) -> Iterator[str]:
    for name, (title, peers) in _CHOSEN.items():
        metric = metrics.get(name)
        if metric is None or metric["ours"] is None:
            continue
        known = ((peer, metric["peers"].get(peer)) for peer in peers)
        others = ", ".join(f"{peer} {figure(value)}" for peer, value in known if value is not None)
        yield f"{title} {figure(metric['ours'])} {metric['unit']}" + (f" ({others})" if others else "")
