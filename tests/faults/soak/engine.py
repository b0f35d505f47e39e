"""The process under test: many Reconcilers on one cache, each with its own namespace, without a pause.

Run as ``python -m faults.soak.engine URL COUNT NAMESPACE…``. It writes a JSON line each second, and obeys ``settle``
and ``end`` on standard input.
"""

import ctypes
import json
import logging
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import genreconcile as gr
from faults.soak.objects import FOUGHT, KINDS, LABELS, expected
from genreconcile.errors import ReconcileError
from support.api.client import cluster_of

COUNTED = ("rounds", "errors", "failed", "written", "fought", "given_up")
SIZES = ("objects", "tombstones", "memory", "differences")
_PAUSE = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STEADY = 3
"""So many reconciles in a row that find nothing to do."""


class Keeper:
    """One Reconciler in a thread of its own."""

    def __init__(self, cluster, cache, namespace, count):
        self._objects = expected(namespace, count)
        self._settings = {"delete_from_namespace": namespace, "delete_selector": LABELS, "kinds": KINDS}
        self.reconciler = gr.Reconciler(cluster, cache=cache)
        self.rounds = self.errors = self.failed = self.steady = self.written = self.fought = self.given_up = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(_PAUSE):
            self.rounds += 1
            try:
                result = self.reconciler.reconcile(self._objects, **self._settings)
            except ReconcileError:
                self.errors += 1
                continue
            counts = result.counts
            self._see_fights(result.outcomes)
            self.failed += counts["failed"]
            self.written += counts["created"] + counts["configured"] + counts["deleted"]
            # All but what is fought over, which may be left alone for a long time after the opponent has gone.
            self.steady = self.steady + 1 if counts["unchanged"] >= len(self._objects) - 1 else 0

    def _see_fights(self, outcomes):
        """Count repairs of what is fought over, and whatever else is left alone as a fight."""
        for outcome in outcomes:
            if outcome.key.name == FOUGHT:
                self.fought += outcome.status == "configured"
            else:
                self.given_up += "a fight with" in outcome.reason


def memory():
    """What this process takes, in MB."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE / 2**20


def heap():
    """What is in use of the C library's heap, in all its arenas, in MB; 0 where it is not glibc's.

    Where this stays and ``memory`` grows, what was freed lies between what is in use.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_info"):
        return 0.0
    library.fdopen.restype = ctypes.c_void_p
    with tempfile.TemporaryFile() as file:
        stream = ctypes.c_void_p(library.fdopen(os.dup(file.fileno()), b"w"))
        library.malloc_info(0, stream)
        library.fclose(stream)
        file.seek(0)
        found = ET.fromstring(file.read())  # noqa: S314 - the C library's own
    free = sum(int(one.get("size")) for one in found.findall("total") if one.get("type") in {"fast", "rest"})
    mapped = sum(int(one.get("size")) for one in found.findall("total") if one.get("type") == "mmap")
    arenas = next(int(one.get("size")) for one in found.findall("system") if one.get("type") == "current")
    return (arenas - free + mapped) / 2**20


def sizes(keepers, cache):
    """How many entries there are in what grows and shrinks."""
    stores = [cache.store(kind) for kind in KINDS if cache.has_synced(kind)]
    return {
        "objects": sum(map(len, stores)),
        "tombstones": sum(len(store._tombstones) for store in stores),
        "memory": sum(len(keeper.reconciler._planner._memory) for keeper in keepers),
        "differences": sum(len(keeper.reconciler._engine.learned) for keeper in keepers),
    }


def sample(keepers, cache, started):
    """The state of this process; ``rss`` in MB."""
    found = {name: sum(getattr(keeper, name) for keeper in keepers) for name in COUNTED}
    found |= sizes(keepers, cache)
    is_steady = all(keeper.steady >= _STEADY for keeper in keepers)
    now = time.monotonic() - started
    return {**found, "at": now, "rss": memory(), "threads": threading.active_count(), "steady": is_steady}


def tell(**data):
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


def main():
    logging.disable(logging.CRITICAL)
    url, count, *namespaces = sys.argv[1:]
    cluster, started = cluster_of(url), time.monotonic()
    cache = gr.Cache(cluster, KINDS)
    cache.start()
    keepers = [Keeper(cluster, cache, namespace, int(count)) for namespace in namespaces]
    commands = iter(sys.stdin.readline, "")
    ended = threading.Event()

    def listen():
        for command in commands:
            if command.strip() == "settle":
                for keeper in keepers:
                    keeper.steady = 0
            else:
                break
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    while not ended.wait(1.0):
        tell(**sample(keepers, cache, started))
    for keeper in keepers:
        keeper.stopping.set()
    for keeper in keepers:
        keeper.thread.join()
        keeper.reconciler.close()
    cache.stop()
    tell(**sample(keepers, cache, started), ended=True)


if __name__ == "__main__":
    main()
