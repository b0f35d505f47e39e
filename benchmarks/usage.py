"""What processes use, seen from outside.

Invariant: nothing is asked of the process itself, so that one that is not ours is measured as ours is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contest import Missing

SERVERS = ("kube-apiserver", "etcd")
_PROCESSES = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_USER, _SYSTEM = 11, 12
"""Places in ``/proc/PID/stat``, counted from the state of the process."""
_LOOK, _LOOKS, _CALM = 0.25, 6, 0.03


def cpu_seconds(*pids: int) -> float:
    """CPU time of processes so far, of all their threads, in steps of 10 ms."""
    return sum(int(_stat(pid)[place]) for pid in pids for place in (_USER, _SYSTEM)) / _TICKS


def rss(pid: int) -> int:
    """Resident memory of a process, in bytes."""
    return int((_PROCESSES / str(pid) / "statm").read_text("ascii").split()[1]) * _PAGE


def servers(folder: Path) -> list[int]:
    """The API server and etcd that keep their files in a folder. Raises Missing where they run elsewhere."""
    found = [pid for pid in _all() if _is_server(pid, f"{folder}/")]
    if len(found) != len(SERVERS):
        raise Missing(f"{' and '.join(SERVERS)}: {len(found)} of them run on this machine in {folder}")
    return found


def wait_calm(pid: int, timeout: float) -> None:
    """Wait until a process has used next to no CPU for a while, or the time is over."""
    deadline, looks = time.monotonic() + timeout, 0
    while looks < _LOOKS and time.monotonic() < deadline:
        before = cpu_seconds(pid)
        time.sleep(_LOOK)
        looks = looks + 1 if cpu_seconds(pid) - before < _CALM else 0


def _all() -> Iterator[int]:
    return (int(folder.name) for folder in _PROCESSES.iterdir() if folder.name.isdecimal())


def _is_server(pid: int, place: str) -> bool:
    """By the command line: the kernel cuts the name in ``stat`` after 15 letters."""
    try:
        line = os.fsdecode((_PROCESSES / str(pid) / "cmdline").read_bytes())
    except OSError:  # It has ended meanwhile.
        return False
    return Path(line.partition("\0")[0]).name in SERVERS and place in line


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold anything."""
    return (_PROCESSES / str(pid) / "stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
