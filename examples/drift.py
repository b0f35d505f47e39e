"""Somebody edits by hand, the engine repairs: python examples/drift.py

None of the edited fields is in the expected object: one was defaulted by the server, the others were not there at all.
"""

from __future__ import annotations

import argparse
import json
import time

import genreconcile as gr

EXPECTED: gr.Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "shop", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "shop"}},
        "template": {
            "metadata": {"labels": {"app": "shop"}},
            "spec": {"containers": [{"name": "shop", "image": "nginx:1.27"}]},
        },
    },
}
POD = "/spec/template/spec"
EDITS = [
    {"op": "replace", "path": f"{POD}/containers/0/imagePullPolicy", "value": "Never"},
    {"op": "add", "path": f"{POD}/containers/0/env", "value": [{"name": "DEBUG", "value": "1"}]},
    {"op": "add", "path": f"{POD}/containers/-", "value": {"name": "miner", "image": "example.com/miner:1"}},
    {"op": "add", "path": f"{POD}/hostNetwork", "value": True},
]


def edit_by_hand(cluster: gr.Cluster) -> None:
    """What ``kubectl edit`` would do, past the engine."""
    path = "/apis/apps/v1/namespaces/default/deployments/shop"
    body = json.dumps(EDITS).encode()
    cluster.request("PATCH", path, body=body, content_type="application/json-patch+json")


def main() -> None:
    """Create, edit by hand, repair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", help="default: as kubectl")
    arguments = parser.parse_args()

    cluster = gr.connect(kubeconfig=arguments.kubeconfig)
    with gr.Reconciler(cluster) as reconciler:
        reconciler.reconcile([EXPECTED]).raise_for_failures()
        edit_by_hand(cluster)
        while not (plan := reconciler.plan([EXPECTED])).changes:
            time.sleep(0.05)  # Until the watch has brought the edit.
        print(plan.summary())
        for operation in plan.changes[0].operations:
            print(" ", json.dumps(operation))
        print(reconciler.apply(plan).summary())
        print(reconciler.reconcile([EXPECTED]).summary())


if __name__ == "__main__":
    main()
