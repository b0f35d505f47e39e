"""The process under test of ``faults.soak.operators``: a controller that states what its parents say, under a Lease.

Run as ``python -m faults.soak.operator URL NAMESPACE IDENTITY``. It writes a JSON line each second, and ends when its
standard input does: with 0; with 3 where it has lost the Lease, with 4 where the server did not let it start.
"""

import json
import logging
import sys
import threading
import time

import genreconcile as gr
from faults.operating import KIND
from faults.soak.engine import heap, memory, tell
from genreconcile.cache import lately, store
from genreconcile.controllers.program import Program
from support.api.client import cluster_of

WORKERS = 4
FEW, SMALL = 128, 128 << 10
"""Entries, and bytes, of the tables of what was deleted and of what has changed lately: they are full within a minute.
With as many as they hold otherwise they fill for half an hour, and that is no leak.
"""


@gr.controller(KIND, name="soak", resync=60, workers=WORKERS)
def soak(parent, ctx):
    ctx.status["seen"] = len(json.loads(parent["spec"]["objects"]))
    yield from json.loads(parent["spec"]["objects"])


def sample(program, started):
    """The state of this process; ``rss`` and ``heap`` in MB, ``blocks`` of memory that Python objects hold."""
    (loop,) = program._loops
    measures = loop.queue.measures()
    return {
        "at": time.monotonic() - started,
        "rss": memory(),
        "heap": heap(),
        "blocks": sys.getallocatedblocks(),
        "threads": threading.active_count(),
        "leads": program.is_leading,
        "depth": measures.depth,
        "runs": measures.gets,
    }


def _keep_little():
    store._TOMBSTONES = FEW
    lately.Lately.__init__.__defaults__ = (SMALL,)


def main():
    _keep_little()
    logging.disable(logging.CRITICAL)
    url, namespace, identity = sys.argv[1:]
    started, ended = time.monotonic(), threading.Event()
    lease = gr.Lease("soak", namespace, identity)  # Shorter than it is unless told, it is lost on a busy machine.

    def listen():
        sys.stdin.read()
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    program = Program(soak, cluster=cluster_of(url), lease=lease)
    program.on_end = ended.set
    try:
        with program:
            while not ended.wait(1.0):
                tell(**sample(program, started))
    except gr.ReconcileError:  # The server is away, or does not serve its kinds yet; it is started again.
        return 4
    return 3 if program.lost else 0


if __name__ == "__main__":
    sys.exit(main())
