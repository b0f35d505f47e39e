"""The figures in the README, from the results.

Invariant: pure; between two marks nothing stands that the results do not say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from benchmarks.results import figure

BEGIN, END = "<!-- figures: written by python -m benchmarks.plots -->", "<!-- end of figures -->"
_ROWS: Final = {
    "cold_sync": ("First sync of the cache", ("client-go dynamic", "kubernetes.informer")),
    "memory_per_object": ("Memory per cached object", ("client-go dynamic, stripped", "client-go typed")),
    "compare_cold": ("Comparison, every field, nothing remembered", ("Argo CD", "DeepDerivative")),
    "compare_warm": ("Comparison, nothing changed since", ("Argo CD",)),
    "cli_diff": ("`diff` of 500 objects, whole process", ("kubectl diff", "kubectl diff --server-side")),
    "converge": ("From nothing to 2,000 objects", ("controller-runtime CreateOrUpdate", "bare POST (Go)")),
    "noop_requests": ("Requests of a reconcile with nothing to do", ()),
}


def with_figures(text: str, results: Mapping[str, Any]) -> str:
    """The README's text, with the table between its marks written anew; as it was where it has no marks."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not end:
        return text
    return f"{head}{begin}\n\n" + "\n".join(_table(results["metrics"])) + f"\n\n{end}{tail}"


def _table(metrics: Mapping[str, Any]) -> Iterator[str]:
    yield "| | genreconcile | others |"
    yield "|---|---|---|"
    for name, (title, peers) in _ROWS.items():
        metric = metrics.get(name)
        if metric is None or metric["ours"] is None:
            continue
        known = ((peer, metric["peers"].get(peer)) for peer in peers)
        others = "; ".join(f"{peer}: {figure(value)}" for peer, value in known if value is not None)
        yield f"| {title} | {figure(metric['ours'])} {metric['unit']} | {others} |"
