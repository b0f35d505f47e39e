"""What the measured processes share: arguments, memory, the line of JSON."""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import sys
from pathlib import Path

_RESET_PEAK = "5"


def arguments(**options: type) -> argparse.Namespace:
    """``--kubeconfig`` and ``--namespace``, and ``--<name>`` of a type for each of ``options``; all are needed."""
    parser = argparse.ArgumentParser()
    for name, kind in {"kubeconfig": str, "namespace": str, **options}.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    return parser.parse_args()


def report(**figures: float) -> None:
    """Print the result."""
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def ready() -> None:
    """Tell the harness that events are listened to."""
    sys.stderr.write("READY\n")
    sys.stderr.flush()


def rss() -> int:
    """Resident memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def reset_peak() -> None:
    """Let ``peak_rss`` begin anew."""
    Path("/proc/self/clear_refs").write_text(_RESET_PEAK, "ascii")


def peak_rss() -> int:
    """The largest resident memory since ``reset_peak``, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    if found is None:
        raise OSError("/proc/self/status: tells no VmHWM; the benchmarks of memory need Linux")
    return int(found[1]) * 1024


def cpu_seconds() -> float:
    """CPU time of all threads of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
