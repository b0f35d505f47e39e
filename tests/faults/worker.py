"""One plan, carried out in a process of its own: ``python worker.py KUBECONFIG JOB``; JOB is a JSON file.

Prints what became of each object. It dies when it is killed, which is what it is for.
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
    """``job``: {"namespace", "expected", "settings"}. A plan that was made before is not made again."""
    asked = json.loads(Path(job).read_text("utf-8"))
    cluster = gr.connect(kubeconfig=kubeconfig)
    with (
        Cache(cluster, namespaces=[asked["namespace"]], pace=QUICK) as cache,
        gr.Reconciler(cluster, cache=cache) as reconciler,
    ):
        result = reconciler.apply(reconciler.plan(asked["expected"], **asked["settings"]))
        print(json.dumps({outcome.key.name: outcome.status for outcome in result}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
