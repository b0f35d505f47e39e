"""On what was measured, without names of hosts, users or folders."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

from genreconcile.compare.quick import check


def describe(kubernetes: str) -> dict[str, Any]:
    """CPU, cores, memory in GiB, system, versions, and the load (of 1, 5 and 15 minutes) at this moment.

    ``compiled`` tells whether modules of ours are, see ``tools/compile_modules.py``.
    """
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(pages / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "kubernetes": kubernetes,
        "compiled": not check.__file__.endswith(".py"),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text("utf-8"), re.MULTILINE) if info.exists() else None
    return found[1].strip() if found else platform.machine()
