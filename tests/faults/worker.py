"""One reconcile in a process of its own: ``python worker.py KUBECONFIG JOB``; JOB is a JSON file.

Prints a line when it is ready and, with ``{"ask": …}`` on stdin, whatever it was asked for. It dies when it is killed,
which is what it is for.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import genreconcile as gr
from faults.oracles import QUICK
from genreconcile.cache import Cache


def main(kubeconfig: str, job: str) -> None:
    """``job``: {"namespace", "expected", "settings", "rounds"}."""
    asked = json.loads(Path(job).read_text("utf-8"))
    cluster = gr.connect(kubeconfig=kubeconfig)
    with (
        Cache(cluster, namespaces=[asked["namespace"]], pace=QUICK) as cache,
        gr.Reconciler(cluster, cache=cache) as reconciler,
    ):
        for _ in range(asked.get("rounds", 1)):
            result = reconciler.reconcile(asked["expected"], **asked["settings"])
            print(json.dumps({str(outcome.key.name): outcome.status for outcome in result}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
