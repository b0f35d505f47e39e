"""The process under test: many Reconcilers on one cache, each with its own namespace, without a pause.

Run as ``python -m faults.soak.engine URL COUNT NAMESPACE…``. It writes a JSON line each second, and obeys ``settle``
and ``end`` on standard input.
"""

import json
import logging
import os
import sys
import threading
import time
from pathlib import Path

import genreconcile as gr
from faults.ground.client import cluster_of
from faults.soak.objects import KINDS, LABELS, expected
from genreconcile.errors import ReconcileError

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
        # The others of a soak are many, and no opponents: a fight would be left alone for up to an hour.
        for fights in (self.reconciler._learned.fights, self.reconciler._learned.places):
            fights.rounds = 10**6
        self.rounds = self.errors = self.failed = self.steady = self.written = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(_PAUSE):
            self.rounds += 1
            try:
                counts = self.reconciler.reconcile(self._objects, **self._settings).counts
            except ReconcileError:
                self.errors += 1
                continue
            self.failed += counts["failed"]
            self.written += counts["created"] + counts["configured"] + counts["deleted"]
            self.steady = self.steady + 1 if counts["unchanged"] == len(self._objects) else 0


def sample(keepers, started):
    """The state of this process; ``rss`` in MB."""
    found = {
        name: sum(getattr(keeper, name) for keeper in keepers) for name in ("rounds", "errors", "failed", "written")
    }
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    is_steady = all(keeper.steady >= _STEADY for keeper in keepers)
    now = time.monotonic() - started
    return {**found, "at": now, "rss": pages * _PAGE / 2**20, "threads": threading.active_count(), "steady": is_steady}


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
        tell(**sample(keepers, started))
    for keeper in keepers:
        keeper.stopping.set()
    for keeper in keepers:
        keeper.thread.join()
        keeper.reconciler.close()
    cache.stop()
    tell(**sample(keepers, started), ended=True)


if __name__ == "__main__":
    main()
