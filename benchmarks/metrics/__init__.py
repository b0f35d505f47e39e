"""One module per metric; each has ``measure(ground)``, which returns the entries of the results.

The names below are those of the modules, in the order in which they run: what needs the most objects comes last.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from benchmarks.contest import Entry
from benchmarks.ground import Ground

NAMES = (
    "import_time",
    "cold_sync",
    "memory_per_object",
    "sync_peak",
    "memory_compressed",
    "compare_cold",
    "compare_warm",
    "noop_requests",
    "patch_bytes",
    "long_lists",
    "queue",
    "cli_diff",
    "cli_diff_platform",
    "relist_peak",
    "dependencies",
    "idle_cpu",
    "controller_idle",
    "controller_busy",
    "repair_latency",
    "event_throughput",
    "converge",
    "controller_scale",
    "operators",
    "operators_large",
    "scaling",
)


def load(name: str) -> Callable[[Ground], list[Entry]]:
    """The ``measure`` of a metric."""
    module = importlib.import_module(f"benchmarks.metrics.{name}")
    return cast("Callable[[Ground], list[Entry]]", module.measure)
