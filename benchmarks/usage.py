"""What processes use, seen from outside.

Invariant: nothing is asked of the process itself, so that one that is not ours is measured as ours is.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contest import Missing

SERVERS = ("kube-apiserver", "etcd")
_PROCESSES = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_USER, _SYSTEM, _PARENT = 11, 12, 1
"""Places in ``/proc/PID/stat``, counted from the state of the process."""
_LOOK, _LOOKS, _CALM = 0.25, 6, 0.03


def cpu_seconds(*pids: int) -> float:
    """CPU time of processes so far, of all their threads, in steps of 10 ms."""
    return sum(int(_stat(pid)[place]) for pid in pids for place in (_USER, _SYSTEM)) / _TICKS


def rss(pid: int) -> int:
    """Resident memory of a process, in bytes."""
    return int((_PROCESSES / str(pid) / "statm").read_text("ascii").split()[1]) * _PAGE


def servers() -> list[int]:
    """The API server and etcd that this process has started. Raises Missing where they run elsewhere."""
    found = [pid for pid in _below(os.getpid()) if _name(pid) in SERVERS]
    if len(found) != len(SERVERS):
        raise Missing(f"{' and '.join(SERVERS)}: {len(found)} of them run below this process")
    return found


def wait_calm(pid: int, timeout: float) -> None:
    """Wait until a process has used next to no CPU for a while, or the time is over."""
    deadline, looks = time.monotonic() + timeout, 0
    while looks < _LOOKS and time.monotonic() < deadline:
        before = cpu_seconds(pid)
        time.sleep(_LOOK)
        looks = looks + 1 if cpu_seconds(pid) - before < _CALM else 0


def _below(parent: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for folder in _PROCESSES.iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):  # It has ended meanwhile.
                children.setdefault(int(_stat(int(folder.name))[_PARENT]), []).append(int(folder.name))
    waiting = [parent]
    while waiting:
        found = children.get(waiting.pop(), [])
        yield from found
        waiting += found


def _name(pid: int) -> str:
    """Of the program; the kernel cuts the one in ``stat`` after 15 letters."""
    try:
        line = (_PROCESSES / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return Path(os.fsdecode(line.split(b"\0")[0])).name


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold anything."""
    return (_PROCESSES / str(pid) / "stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
