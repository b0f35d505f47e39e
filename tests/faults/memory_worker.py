"""Lists a kind, and lists it again, in a process of its own: ``python memory_worker.py KUBECONFIG NAMESPACE``.

Prints one line of JSON: bytes of memory before the first list, after it, and at the peak of the second; objects seen.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import genreconcile as gr
from genreconcile.cache import Cache

KIND = "v1/ConfigMap"


def memory(field: str) -> int:
    """``VmRSS``, or ``VmHWM`` for the peak since the last reset; in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text("utf-8").splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def main(kubeconfig: str, namespace: str) -> None:
    """See the module."""
    with Cache(gr.connect(kubeconfig=kubeconfig), ["v1/Secret"], namespaces=[namespace]) as cache:
        cache.wait_for_sync()
        before = memory("VmRSS")
        cache.add(KIND)
        cache.wait_for_sync(timeout=300)
        gc.collect()
        after = memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", "utf-8")
        if not cache.relist(KIND, timeout=300):
            raise SystemExit("the second list did not come")
        peak = memory("VmHWM")
        objects = len(cache.records(KIND, namespace=namespace))
    print(json.dumps({"before": before, "after": after, "peak": peak, "objects": objects}))


if __name__ == "__main__":
    main(*sys.argv[1:])
